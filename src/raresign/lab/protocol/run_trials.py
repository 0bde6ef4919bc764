"""`raresign protocol`: every row on every fold with every seed, finished trials kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Literal

from raresign.cluster.ray_cluster import RayCluster
from raresign.commands.progress import Say, silent
from raresign.commands.train.run_recipe import definite
from raresign.crops.splits import near_duplicate_clusters
from raresign.errors import InputError
from raresign.lab.protocol.absent_table import AbsentTable
from raresign.lab.protocol.absent_trial import load_absent
from raresign.lab.protocol.folded_data import FoldedData, material
from raresign.lab.protocol.folds import leaking_clusters
from raresign.lab.protocol.ideas import BASE, CEILING, REFERENCE, load_ideas, rows_of_ideas
from raresign.lab.protocol.table import ProtocolTable
from raresign.lab.protocol.trial import load_trial, trial_folder
from raresign.lab.protocol.trial_framing import framing_losses
from raresign.lab.protocol.trial_jobs import TrialJob, run_jobs
from raresign.training.recipe import Recipe, load_recipe


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
    cluster: RayCluster | None = None,
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
        cluster: Runs the trials instead, one a processor; its machines see the same files.
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
        wanted.append(TrialJob(kind, given, chosen, title, number, seed, folder, framing))
    run_jobs(wanted, jobs, say, cluster)
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
    cluster: RayCluster | None = None,
    say: Say = silent,
) -> AbsentTable:
    """Measure what happens to signs that training knew nothing of, not even their icons.

    The fold's classes are taken out of the catalogue, the recipe is trained as it stands, their
    real crops play unknown; then they are added from their icons (`add_class`) and recognised.

    Args:
        data, out, folds, seeds, icons, country, svg_text, jobs, cluster, say: As for
            `protocol`.
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
        wanted.append(TrialJob("absent", given, chosen, "absent", number, seed, folder))
    run_jobs(wanted, jobs, say, cluster)
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
