"""`raresign train`: from a data folder to a measured classifier, stage by stage."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from raresign.commands.data_folder import OF_TABLE, DataFolder, open_data
from raresign.commands.measure_crops import classifier_recalls
from raresign.commands.progress import Say, silent
from raresign.commands.train.finish import finish_run
from raresign.commands.train.run_recipe import with_changes
from raresign.commands.train.share_for_test import with_test_share
from raresign.commands.train.time_limit import Clock
from raresign.commands.trained_crops import note_training_crops
from raresign.crops.crop_table import CropTable
from raresign.crops.framing_facts import framing_of_pack
from raresign.crops.pack import CropPack, default_cache, pack_crops
from raresign.errors import InputError
from raresign.fitting.recogniser_fit import fit_rules
from raresign.models.model_files import save_model
from raresign.report.document import write_report
from raresign.report.stage_plot import write_plots
from raresign.runs.environment import machine, versions
from raresign.runs.recipe_file import saved_recipe
from raresign.runs.run_folder import RunFolder
from raresign.runs.run_lock import run_lock
from raresign.signs.countries.icon_source import IconSource, is_drawn
from raresign.training.fit import Hardware
from raresign.training.recipe import Recipe, load_recipe
from raresign.training.stage_loop import fit_stages, new_net
from raresign.training.tensorboard_logs import log_results
from raresign.training.training_data import TrainingData, check_training_data, split_crops


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
    crops: str | Path | CropTable | None = None,
    layout: str = "auto",
    strict: bool = False,
    icons: str | Path | None = None,
    country: str | None = None,
    cache: str | Path | None = None,
    test_share: float | None = None,
    svg_text: bool = False,
    report: bool = True,
    say: Say = silent,
) -> Path:
    """Train a classifier; write (and return) a run folder with a table of stages and a report.

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
        test_share: Let this share of the real crops, whole frames, be the test of data without
            test crops, such as 0.2.
        svg_text: Whether text in SVG icons is drawn, see `open_data`; the run's copies keep it.
        cache: Where crops are packed, `~/.cache/raresign` unless given.
        report: Write report.html at the end.
        say: Is told what happens; pass `print` to see it.

    Raises:
        InputError: Something that the user gave is wrong; nothing was overwritten.
        Interrupted: Ctrl-C; `resume=True` goes on.
    """
    out, hardware = Path(out), hardware or Hardware()
    main = int(os.environ.get("LOCAL_RANK", "0")) == 0
    say = say if main else silent  # the helper processes of DDP

    clock = Clock(max_seconds)
    with ExitStack() as held:  # the lock of the run folder, as soon as there is one
        run = RunFolder(out, {"stages": []})
        if resume:
            run = held.enter_context(RunFolder.changing(out, say)) if main else RunFolder.open(out)
            if run.info["finished"]:
                say(f"{out} is already finished")
                return out
            settings, seed = run.info["settings"], run.info["seed"]
            chosen = saved_recipe(run)
            _refuse_change("--country", country, settings.get("country"))
            asked = None if icons is None else str(IconSource.parse(icons).lasting())
            _refuse_change("--icons", asked, settings.get("icons"))
            icons = settings.get("icons") or icons or "own"
            country = settings.get("country") or country
            test_share = settings.get("test_share") or test_share
            svg_text = settings.get("svg_text", svg_text)
            clock.limit = max_seconds or settings["max_seconds"]
            clock.earlier = float(run.info.get("seconds", 0.0))
        else:
            chosen = with_changes(
                load_recipe(recipe), weights, backbone, crop_size, preset, hardware
            )
            if main:
                RunFolder.check_free(out)

        joined = chosen.variants
        source = open_data(
            data, crops, layout, strict, icons, country, join=joined, svg_text=svg_text
        )
        if test_share is not None:
            source = with_test_share(source, test_share, seed)
        say(str(source.choice))
        say(str(source.layout))
        for reason, count in source.left_out.items():
            say(f"left out: {count} {reason}")
        if source.corrected is not None:
            say(f"corrections.csv: {source.corrected}")
        for problem in source.value_problems():
            say(f"warning: {problem}")
        if source.icons.joined:
            how = f"{source.icons}; --icons own keeps them out"
            say(f"our drawings join as variants of the icons ({how})")
        folder = Path(cache) if cache is not None else default_cache()
        pack = _training_pack(source, chosen, folder, strict, say)
        prepared = _training_data(source, pack, chosen, seed)
        test = _test_pack(source.test, chosen, folder, strict)
        net = new_net(chosen, len(source.catalogue), seed)
        held_out = len(prepared.split.validation) + len(prepared.split.pseudo_rare)
        chosen, told = clock.plan(chosen, net, held_out, 0 if test is None else len(test.labels))
        for line in told:
            say(line)

        # Whatever the user gave wrong is found by now: a refused run leaves no folder behind.
        if resume and run.trained_catalogue.codes != source.catalogue.codes:
            raise InputError(f"{data} has other classes than {out}", "resume with its own data")
        if main and not resume:
            settings = {
                "data": str(data if is_drawn(data) else source.root.resolve()),
                "crops": str(Path(crops).resolve()) if isinstance(crops, (str, Path)) else None,
                "layout": OF_TABLE if isinstance(crops, CropTable) else layout,
                "test_share": test_share,
                "icons": str(source.icons.lasting()),
                "svg_text": svg_text,
                "country": source.choice.iso,
                "simulated": source.simulated,
                "max_seconds": max_seconds,
                "recipe": chosen.model_dump(mode="json"),
            }
            rare = [source.catalogue.codes[label] for label in prepared.split.pseudo_rare_labels]
            notes = {
                "seed": seed,
                "versions": versions(),
                "machine": machine(),
                "skipped": [{"path": path, "reason": why} for path, why in pack.skipped],
                "layout": str(source.layout),
                "left_out": source.left_out,
                "corrections": source.corrected.as_dict() if source.corrected else None,
                "framing": _framing(pack) if chosen.framing == "found" else None,
                "weights": asdict(net.weights),
                "pseudo_rare": rare,
            }
            out.mkdir(parents=True, exist_ok=True)
            held.enter_context(run_lock(out, say))
            run = RunFolder.create(out, settings, source.catalogue, notes)
            note_training_crops(run.path, pack)
            chosen = saved_recipe(run)  # with the run's own copies of preset files
        if run.info["stages"]:
            net = run.model()

        def starts(number: int) -> float | None:
            stage = chosen.stages[number]
            say(f"stage {number + 1} of {len(chosen.stages)}: {stage.title}, {stage.steps} steps")
            return clock.start(chosen.stages[number:], chosen.index_crops)

        stages = fit_stages(
            chosen,
            prepared,
            run.path / "stages",
            net=net,
            done=len(run.info["stages"]),
            starts=starts,
            hardware=hardware,
            resume=resume,
            quiet=say is silent,
            clear=main,
            logs=run.path / "tensorboard",
        )
        for number, net, result in stages:
            if cut := clock.end(chosen.stages[number], result):
                say(cut)
            if main:
                save_model(net, run.path)
                if chosen.fits_rules(number):
                    rules = fit_rules(net, prepared, chosen.index_preset, chosen.index_crops)
                    run.info["rules"] = rules.as_dict() if rules else None
                run.info["seconds"] = clock.seconds()
                recalls = classifier_recalls(net, test, source.catalogue) if test else None
                stage = chosen.stages[number]
                run.add_stage(stage.title, stage.kind, result, recalls)

        if main:
            finish_run(run, net, chosen, prepared, test, source.root, report, say)
            run.info |= {"seconds": clock.seconds(), "finished": True}
            run.write()
            if report:
                log_results(
                    run.path / "tensorboard", chosen.model_dump(mode="json"), run.info["stages"]
                )
                write_plots(run.path)
                write_report(run.path)
            if late := clock.late():
                say(late)
        return out


def _refuse_change(option: str, asked: str | None, kept: str | None) -> None:
    """A run goes on as it began."""
    if asked is not None and kept is not None and asked != kept:
        raise InputError(f"{option} {asked}, but the run began with {kept}", "leave it out")


def _training_pack(
    source: DataFolder, recipe: Recipe, cache: Path, strict: bool, say: Say
) -> CropPack:
    """Pack the real training crops and tell what could not be read."""
    if not len(source.training):  # icons only
        if any(stage.real for stage in recipe.stages):
            raise InputError(
                f"{source.layout.place} holds no real crop to train on ({source.layout}), and the "
                f"recipe '{recipe.name}' has stages that train on real crops",
                "put crops into cropped-train/<class>/, name them with --crops, or train on icons "
                "alone with --recipe icons-only",
            )
        none = np.empty((0, 3, recipe.crop_size, recipe.crop_size), np.uint8)
        return CropPack(none, pa.table({"path": []}), np.empty(0, np.int64), ())
    pack = pack_crops(source.training, recipe.crop_size, cache, strict, framing=recipe.framing)
    kind = "simulated photos" if source.simulated else "real crops"
    say(f"{len(pack.labels)} {kind}, {len(source.catalogue)} classes")
    if pack.skipped:
        say(f"skipped {len(pack.skipped)} unreadable files; report and run.json list them")
    return pack


def _framing(pack: CropPack) -> dict[str, Any] | None:
    """How the training crops were framed before they were cut to their signs."""
    facts = framing_of_pack(pack)
    return None if facts is None else {"said": str(facts), **facts.as_dict()}


def _test_pack(
    test: CropTable | None, recipe: Recipe, cache: Path, strict: bool
) -> CropPack | None:
    """Pack the test crops, None if the data folder has none with a known class."""
    if test is None or not (test.labels >= 0).any():
        return None
    return pack_crops(test, recipe.crop_size, cache, strict, framing=recipe.framing)


def _training_data(source: DataFolder, pack: CropPack, recipe: Recipe, seed: int) -> TrainingData:
    """Split the crops and put everything that batches need together."""
    catalogue = source.catalogue
    check_training_data(catalogue, pack.labels, any(stage.real for stage in recipe.stages))
    return TrainingData(
        catalogue,
        torch.from_numpy(pack.crops),
        torch.tensor(pack.labels),
        split_crops(
            pack.crops, pack.labels, catalogue, recipe.pseudo_rare, recipe.validation, seed
        ),
        source.backgrounds(),
        recipe.crop_size,
        seed,
        recipe.framing,
    )
