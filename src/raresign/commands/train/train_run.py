"""`raresign train`: from a data folder to a measured classifier, stage by stage."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from raresign.commands.data_folder import DataFolder, open_data
from raresign.commands.progress import Say, silent
from raresign.commands.train.finish import finish_run, recalls_on_test
from raresign.commands.train.run_recipe import with_changes
from raresign.crops.pack import CropPack, default_cache, pack_crops
from raresign.errors import InputError
from raresign.fitting.build import fit_rules
from raresign.models.model_files import save_model
from raresign.report.document import write_report
from raresign.runs.environment import machine, versions
from raresign.runs.run_folder import RunFolder
from raresign.runs.saved_recipe import saved_recipe
from raresign.signs.countries.icon_source import is_drawn
from raresign.training.fit import Hardware
from raresign.training.net import new_net
from raresign.training.recipe import Recipe, load_recipe
from raresign.training.stage import Stage
from raresign.training.stage_loop import fit_stages
from raresign.training.training_data import TrainingData, check_training_data, split_crops

_RESERVE = 0.12
"""Share of a time limit that is kept for evaluation and report."""


def train(
    data: str | Path,
    out: str | Path,
    recipe: str | Path | dict[str, Any] = "default",
    *,
    seed: int = 0,
    resume: bool = False,
    max_seconds: float | None = None,
    weights: str | None = None,
    backbone: str | None = None,
    crop_size: int | None = None,
    preset: str | Path | None = None,
    hardware: Hardware | None = None,
    crops: str | Path | None = None,
    layout: str = "reference",
    strict: bool = False,
    icons: str | Path | None = None,
    country: str | None = None,
    cache: str | Path | None = None,
    report: bool = True,
    say: Say = silent,
) -> Path:
    """Train a classifier and write a run folder with a table for every stage and a report.

    Args:
        data: Data folder: `classes.json`, `icons/`, real crops (see `open_data`).
        out: The run folder to make.
        recipe: A recipe's name, a YAML file or a mapping.
        seed: Seed of every random choice.
        resume: Go on with the run in `out`, with its recipe, seed and (if not given) time limit.
        max_seconds: Be ready, report included, after about this time.
        weights, backbone, crop_size: Instead of the recipe's.
        preset: Synthesis preset of every stage that synthesises, instead of the recipe's.
        hardware: Device, processes and precision.
        crops, layout, strict: See `open_data`.
        icons, country: As well; where `icons` says nothing, our drawings join the folder's icons as
            variants if we draw nearly all of its signs, and "own" keeps them out.
        cache: Where crops are packed, `~/.cache/raresign` unless given.
        report: Write report.html at the end.
        say: Is told what happens; pass `print` to see it.

    Returns:
        The run folder.

    Raises:
        InputError: Something that the user gave is wrong; nothing was overwritten.
        Interrupted: Ctrl-C; `resume=True` goes on.
    """
    started = time.monotonic()
    out = Path(out)
    hardware = hardware or Hardware()
    main = int(os.environ.get("LOCAL_RANK", "0")) == 0
    say = say if main else silent  # the helper processes of DDP
    if resume:
        run = RunFolder.open(out)
        chosen = saved_recipe(run)
        seed = run.info["seed"]
        max_seconds = max_seconds or run.info["settings"]["max_seconds"]
        icons = icons or run.info["settings"].get("icons") or "own"
        country = country or run.info["settings"].get("country")
        if run.info["finished"]:
            say(f"{out} is already finished")
            return out
    else:
        chosen = with_changes(load_recipe(recipe), weights, backbone, crop_size, preset, hardware)
        if main:
            RunFolder.check_free(out)
    source = open_data(data, crops, layout, strict, icons, country, join=chosen.variants)
    say(str(source.choice))
    if source.icons.joined:
        how = f"{source.icons}; --icons own keeps them out"
        say(f"our drawings join as variants of the icons ({how})")
    size = chosen.crop_size
    pack = _pack(source, size, cache, strict, say)
    prepared = _prepare(source, pack, chosen, seed)
    test = _pack_table(source, size, cache, strict)
    net = new_net(chosen, len(source.catalogue), seed)
    # Whatever the user gave wrong is found by now: a refused run leaves no folder behind.
    if resume:
        if run.catalogue.codes != source.catalogue.codes:
            raise InputError(f"{data} has other classes than {out}", "resume with its own data")
    elif main:
        settings = {
            "data": str(data if is_drawn(data) else source.root.resolve()),
            "crops": str(Path(crops).resolve()) if crops is not None else None,
            "icons": str(source.icons.lasting()),
            "country": source.choice.iso,
            "simulated": source.simulated,
            "max_seconds": max_seconds,
            "recipe": chosen.model_dump(mode="json"),
        }
        codes = source.catalogue.codes
        notes = {
            "seed": seed,
            "versions": versions(),
            "machine": machine(),
            "skipped": [{"path": path, "reason": why} for path, why in pack.skipped],
            "weights": asdict(net.weights),
            "pseudo_rare": [codes[label] for label in prepared.split.pseudo_rare_labels],
        }
        run = RunFolder.create(out, settings, source.catalogue, notes)
        chosen = saved_recipe(run)  # with the run's own copies of preset files
    else:
        run = RunFolder(out, {"stages": []})
    earlier, began = float(run.info.get("seconds", 0.0)), started
    done = len(run.info["stages"])
    if done:
        net = run.model()

    def starts(number: int) -> None:
        nonlocal began
        stage = chosen.stages[number]
        say(f"stage {number + 1} of {len(chosen.stages)}: {stage.title}, {stage.steps} steps")
        began = time.monotonic()

    def allowed(number: int) -> float | None:
        return _share_of_time(chosen.stages[number:], max_seconds, earlier, started)

    for number, trained, result in fit_stages(
        lambda: new_net(chosen, len(source.catalogue), seed),
        chosen.stages,
        prepared,
        run.path / "stages",
        hardware=hardware,
        done=done,
        net=net,
        starts=starts,
        limit=allowed,
        resume=resume,
        quiet=say is silent,
        clear=main,
    ):
        net = trained
        earlier += max(0.0, result.seconds - (time.monotonic() - began))  # before a resumption
        if not main:
            continue
        stage = chosen.stages[number]
        save_model(net, run.path)
        if chosen.fits_rules(number):
            rules = fit_rules(net, prepared, chosen.index_preset, chosen.index_crops)
            run.info["rules"] = rules.as_dict() if rules else None
        run.info["seconds"] = earlier + time.monotonic() - started
        run.add_stage(stage.title, stage.kind, result, recalls_on_test(net, test, source))
    if main:
        finish_run(run, net, source, prepared, test, report, chosen, say)
        run.info["seconds"] = earlier + time.monotonic() - started
        run.info["finished"] = True
        run.write()
        if report:
            write_report(run.path)
    return out


def _pack(
    source: DataFolder, size: int, cache: str | Path | None, strict: bool, say: Say
) -> CropPack:
    """Pack the real training crops and tell what could not be read."""
    if not len(source.training):  # icons only
        return _no_crops(size)
    folder = Path(cache) if cache is not None else default_cache()
    pack = pack_crops(source.training, size, folder, strict)
    photos = "simulated photos" if source.simulated else "real crops"
    say(f"{len(pack.labels)} {photos}, {len(source.catalogue)} classes")
    if pack.skipped:
        say(f"skipped {len(pack.skipped)} unreadable files; report and run.json list them")
    return pack


def _no_crops(size: int) -> CropPack:
    """The pack of a data folder without real crops."""
    none = np.empty((0, 3, size, size), np.uint8)
    return CropPack(none, pa.table({"path": []}), np.empty(0, np.int64), ())


def _pack_table(
    source: DataFolder, size: int, cache: str | Path | None, strict: bool
) -> CropPack | None:
    """Pack the test crops, None if the data folder has none with a known class."""
    if source.test is None or not (source.test.labels >= 0).any():
        return None
    return pack_crops(
        source.test, size, Path(cache) if cache is not None else default_cache(), strict
    )


def _prepare(source: DataFolder, pack: CropPack, recipe: Recipe, seed: int) -> TrainingData:
    """Split the crops and put everything that batches need together."""
    needs_real = any(stage.real for stage in recipe.stages)
    check_training_data(source.catalogue, pack.labels, needs_real)
    split = split_crops(
        pack.crops, pack.labels, source.catalogue, recipe.pseudo_rare, recipe.validation, seed
    )
    return TrainingData(
        source.catalogue,
        torch.from_numpy(pack.crops),
        torch.tensor(pack.labels),
        split,
        source.backgrounds(),
        recipe.crop_size,
        seed,
    )


def _share_of_time(
    stages: Sequence[Stage], max_seconds: float | None, earlier: float, started: float
) -> float | None:
    """What the first of the remaining stages may take, by its share of the remaining crops."""
    if max_seconds is None:
        return None
    left = max_seconds * (1 - _RESERVE) - earlier - (time.monotonic() - started)
    work = [stage.steps * stage.batch for stage in stages]
    return max(left * work[0] / sum(work), 1.0)
