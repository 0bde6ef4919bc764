"""`raresign protocol`: every row on every fold with every seed, finished trials kept."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from raresign.commands.progress import Say, silent
from raresign.commands.train.run_recipe import definite
from raresign.crops.splits import near_duplicate_clusters
from raresign.errors import InputError
from raresign.lab.protocol.absent_table import AbsentTable
from raresign.lab.protocol.absent_trial import load_absent, run_absent
from raresign.lab.protocol.folded_data import FoldedData, material
from raresign.lab.protocol.folds import leaking_clusters
from raresign.lab.protocol.ideas import BASE, CEILING, REFERENCE, load_ideas, rows_of_ideas
from raresign.lab.protocol.table import ProtocolTable
from raresign.lab.protocol.trial import load_trial, run_trial, trial_folder
from raresign.lab.protocol.trial_framing import FRAMING_FILE, framing_losses, write_framing
from raresign.models.sign_net import SignNet
from raresign.training.recipe import Recipe, load_recipe


@dataclass(frozen=True)
class _Job:
    """One trial, as it travels to a process."""

    kind: Literal["row", "ceiling", "absent"]
    data: FoldedData
    recipe: Recipe
    title: str
    fold: int
    seed: int
    folder: Path
    framing: bool = False

    @property
    def record(self) -> Path:
        """The file that is written last."""
        return self.folder / ("absent.json" if self.kind == "absent" else "trial.json")


def protocol(
    data: str | Path,
    out: str | Path,
    recipe: str | Path = "protocol",
    *,
    folds: int = 3,
    seeds: int = 3,
    ideas: str | Path | None = None,
    only: Sequence[str] = (),
    reference: bool = True,
    framing: bool = False,
    icons: str | Path | None = None,
    country: str | None = None,
    svg_text: bool = False,
    jobs: int = 1,
    say: Say = silent,
) -> ProtocolTable:
    """Measure recipes on real crops of frequent classes that play rare, fold by fold.

    Rows: the recipe, the published recipe, the ceiling (the recipe with real crops of the classes
    that play rare), and what `ideas` names. Finished trials in `out` are used again; the test crops
    of the data folder are never opened.

    Args:
        data: Data folder.
        out: Gets a folder a trial, and table.json.
        recipe: The base.
        folds: Parts in which the frequent classes play rare.
        seeds: Trainings of each row and fold: seeds 0, 1, ...
        ideas: A YAML file of ideas, or "ideas" for those of the package.
        only: Titles of the rows to run, all where empty. The base always runs.
        reference: Whether the published recipe and the ceiling are rows too.
        framing: Whether the measured crops are also scaled and shifted (finished trials that were
            not are trained again: their nets are not kept).
        icons, country, svg_text: See `open_data`.
        jobs: Trials at a time, each in a process with its share of the cores.
        say: Is told what happens.

    Raises:
        InputError: Anything given is wrong, the real crops are too few for so many folds, or
            `out` holds trials of other folds or data.
    """
    base = definite(load_recipe(recipe))
    rows: dict[str, Recipe] = {BASE: base}
    if reference:
        published = definite(load_recipe("reference"))
        size = {"backbone": base.backbone, "crop_size": base.crop_size}
        rows[REFERENCE] = _as_long(published.model_copy(update=size), base)
        rows[CEILING] = base
    if ideas is not None:
        rows.update(rows_of_ideas(base, load_ideas(ideas)))
    unknown = [title for title in only if title not in rows]
    if unknown:
        raise InputError(f"no row is called '{unknown[0]}'", f"use {', '.join(rows)}")
    rows = {
        title: definite(chosen)  # an idea may bring an `auto` of its own
        for title, chosen in rows.items()
        if not only or title in (*only, BASE)
    }
    _check_counts(seeds, jobs)
    given = FoldedData(data, base.crop_size, folds, base.framing, icons, country, svg_text)
    source, pack, parts = material(given)
    say(str(source.choice))
    clusters = near_duplicate_clusters(pack.crops, labels=pack.labels)
    leaks = leaking_clusters(clusters, parts)
    # Splits keep the clusters of a class whole; one sign under two labels is only counted.
    across = leaking_clusters(near_duplicate_clusters(pack.crops), parts)
    say(
        f"{len(pack.labels)} real crops in {clusters.max() + 1} near-duplicate clusters; {leaks} "
        f"straddle a split ({across} of the clusters that would join different labels)"
    )
    wanted = []
    for seed, (title, chosen), number in product(range(seeds), rows.items(), range(folds)):
        folder = trial_folder(Path(out), title, chosen, number, seed)
        kind: Literal["row", "ceiling"] = "ceiling" if title == CEILING else "row"
        wanted.append(_Job(kind, given, chosen, title, number, seed, folder, framing))
    _run(wanted, jobs, say)
    trials = {
        title: [load_trial(job.folder) for job in wanted if job.title == title] for title in rows
    }
    table = ProtocolTable.from_trials(trials, source.catalogue, leaks, int(clusters.max()) + 1)
    if framing:
        folders = {title: [j.folder for j in wanted if j.title == title] for title in rows}
        table = replace(table, framing=framing_losses(trials, folders))
    table.write(Path(out))
    return table


def protocol_absent(
    data: str | Path,
    out: str | Path,
    recipe: str | Path = "default",
    *,
    folds: int = 3,
    seeds: int = 3,
    icons: str | Path | None = None,
    country: str | None = None,
    svg_text: bool = False,
    jobs: int = 1,
    say: Say = silent,
) -> AbsentTable:
    """Measure what happens to signs that training knew nothing of, not even their icons.

    The fold's classes are taken out of the catalogue, the recipe is trained as it stands, their
    real crops play unknown; then they are added from their icons (`add_class`) and recognised.

    Args:
        data, out, folds, seeds, icons, country, svg_text, jobs, say: As for `protocol`.
        recipe: What is trained.

    Raises:
        InputError: As for `protocol`.
    """
    chosen = definite(load_recipe(recipe))
    _check_counts(seeds, jobs)
    given = FoldedData(data, chosen.crop_size, folds, chosen.framing, icons, country, svg_text)
    say(str(material(given)[0].choice))  # wrong input is found by now: nothing has run yet
    wanted = []
    for seed, number in product(range(seeds), range(folds)):
        folder = trial_folder(Path(out), "absent", chosen, number, seed)
        wanted.append(_Job("absent", given, chosen, "absent", number, seed, folder))
    _run(wanted, jobs, say)
    table = AbsentTable.from_trials([load_absent(job.folder) for job in wanted])
    table.write(Path(out))
    return table


def _check_counts(seeds: int, jobs: int) -> None:
    if seeds < 1 or jobs < 1:
        raise InputError(f"{seeds} seeds, {jobs} jobs", "both need at least 1")


def _as_long(recipe: Recipe, base: Recipe) -> Recipe:
    """The recipe with its stages shortened or lengthened to as many training crops as the base."""
    crops = sum(stage.steps * stage.batch for stage in base.stages)
    own = sum(stage.steps * stage.batch for stage in recipe.stages)
    stages = tuple(
        stage.model_copy(update={"steps": max(1, round(stage.steps * crops / own))})
        for stage in recipe.stages
    )
    return recipe.model_copy(update={"stages": stages})


def _finished(job: _Job) -> bool:
    """Whether the trial lies in its folder.

    Raises:
        InputError: One of other folds or other data lies there: nothing could be paired with it.
    """
    try:
        info = json.loads(job.record.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        raise InputError(f"{job.record} cannot be read: {error}", "delete it") from error
    source, _, parts = material(job.data)
    classes = [source.catalogue.codes[label] for label in parts[job.fold].classes]
    icons = info.get("icons") or "own"  # null in trials of an earlier version
    if info.get("classes") != classes or icons != str(source.icons):
        raise InputError(f"{job.folder} is of other folds or data", "name another --out")
    return not job.framing or (job.folder / FRAMING_FILE).is_file()


def _run(wanted: list[_Job], jobs: int, say: Say) -> None:
    """All unfinished trials, some at a time."""
    waiting = [job for job in wanted if not _finished(job)]

    def done(number: int, job: _Job) -> None:
        say(f"{number + 1} of {len(waiting)}: {job.title}, fold {job.fold}, seed {job.seed}")

    if jobs == 1:
        for number, job in enumerate(waiting):
            _one(job)
            done(number, job)
        return
    threads = max(1, torch.get_num_threads() // jobs)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, _start, (threads,)) as pool:
        futures = {pool.submit(_one, job): job for job in waiting}
        for number, future in enumerate(as_completed(futures)):
            future.result()
            done(number, futures[future])


def _start(threads: int) -> None:
    """A process of the pool: its share of the cores, and an end when its parent's comes."""
    torch.set_num_threads(threads)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        assert parent is not None
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _one(job: _Job) -> None:
    source, pack, parts = material(job.data)
    given = source, pack, parts[job.fold], job.recipe, job.fold, job.seed, job.folder
    if job.kind == "absent":
        run_absent(*given)
        return

    def sweep(net: SignNet, rows: np.ndarray) -> None:
        write_framing(net, source.training, pack, rows, job.data.framing, job.folder)

    spare = job.kind == "ceiling"
    run_trial(*given, job.title, spare, sweep if job.framing else None)
