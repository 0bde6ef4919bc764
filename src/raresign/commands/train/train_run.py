"""`raresign train`: from a data folder to a measured classifier, stage by stage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from raresign.commands.data_folder import OF_TABLE, DataFolder, open_data
from raresign.commands.measure_crops import classifier_recalls
from raresign.commands.progress import Say, silent
from raresign.commands.train.finish import finish_run
from raresign.commands.train.prepared_training import PreparedTraining, prepare_training
from raresign.commands.train.run_recipe import with_changes
from raresign.commands.train.share_for_test import with_test_share
from raresign.commands.train.time_limit import Clock
from raresign.commands.trained_crops import note_training_crops
from raresign.crops.crop_table import CropTable
from raresign.crops.framing_facts import framing_of_pack
from raresign.crops.layouts.shards import unpacked
from raresign.crops.pack import CropPack
from raresign.errors import InputError
from raresign.files import default_cache
from raresign.fitting.recogniser_fit import fit_rules
from raresign.models.model_files import save_model
from raresign.models.sign_net import SignNet
from raresign.report.document import REPORT, write_report
from raresign.report.stage_plot import write_plots
from raresign.runs.environment import machine, versions
from raresign.runs.recipe_file import saved_recipe
from raresign.runs.run_folder import RUN_FILE, RunFolder
from raresign.runs.run_lock import run_lock
from raresign.signs.countries.icon_source import IconSource, is_drawn
from raresign.storage.local_copy import local_copy
from raresign.storage.places import as_path
from raresign.storage.published import check_writable, publish, staged
from raresign.training.fit import Hardware
from raresign.training.processes import is_first_process, launched_processes
from raresign.training.recipe import Recipe, load_recipe
from raresign.training.stage_loop import fit_stages, new_net
from raresign.training.tensorboard_logs import log_results


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
        out: The run folder to make. One at a URL is made in the cache and sent when it is finished.
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
    given, out, hardware = out, staged(out), hardware or Hardware()
    data = data if is_drawn(data) else unpacked(local_copy(data))
    if isinstance(crops, (str, Path)):
        crops = unpacked(local_copy(crops))
    main = is_first_process()
    if main:
        check_writable(given, RUN_FILE)
    say = say if main else silent

    clock = Clock(max_seconds)
    asked = _Asked(seed, icons, country, test_share, svg_text)
    with ExitStack() as held:  # the lock of the run folder, as soon as there is one
        run = None
        if resume:
            run = held.enter_context(RunFolder.changing(out, say)) if main else RunFolder.open(out)
            if run.info["finished"]:
                say(f"{out} is already finished")
                if main and report and not (out / REPORT).exists():  # killed right before
                    _write_pages(run, saved_recipe(run))
                publish(given, RUN_FILE)
                return as_path(given)
            chosen, asked = saved_recipe(run), asked.as_begun(run)
            clock.limit = max_seconds or run.info["settings"]["max_seconds"]
            clock.earlier = float(run.info.get("seconds", 0.0))
        else:
            chosen = with_changes(
                load_recipe(recipe), weights, backbone, crop_size, preset, hardware
            )
            if main:
                RunFolder.check_free(out)

        source = open_data(
            data,
            crops,
            layout,
            strict,
            asked.icons,
            asked.country,
            join=chosen.variants,
            svg_text=asked.svg_text,
        )
        if asked.test_share is not None:
            source = with_test_share(source, asked.test_share, asked.seed)
        folder = Path(cache) if cache is not None else default_cache()
        with _one_after_another(folder):
            prepared = prepare_training(source, chosen, asked.seed, folder, strict, say)
        net = new_net(chosen, len(source.catalogue), asked.seed)
        if main:  # whose clock goes for all
            chosen, told = clock.plan(chosen, net, prepared.held_out, prepared.tested)
            for line in told:
                say(line)

        # Whatever the user gave wrong is found by now: a refused run leaves no folder behind.
        if run is not None and run.trained_catalogue.codes != source.catalogue.codes:
            raise InputError(f"{data} has other classes than {out}", "resume with its own data")
        if run is None:
            run = RunFolder(out, {"stages": []})
            if main:
                out.mkdir(parents=True, exist_ok=True)
                held.enter_context(run_lock(out, say))
                settings = {
                    "data": str(data if is_drawn(data) else source.root.resolve()),
                    "crops": str(Path(crops).resolve()) if isinstance(crops, (str, Path)) else None,
                    "layout": OF_TABLE if isinstance(crops, CropTable) else layout,
                    "max_seconds": max_seconds,
                    "hardware": asdict(hardware),
                }
                run = _created(
                    out, settings | asked.as_settings(source), chosen, prepared, net, seed
                )
                chosen = saved_recipe(run)  # with the run's own copies of preset files
        if run.info["stages"]:
            net = run.model()
        net = _trained(run, net, chosen, prepared, clock, hardware, resume, say)
        if main:
            finish_run(run, net, chosen, prepared.data, prepared.test, source.root, report, say)
            run.info |= {"seconds": clock.seconds(), "finished": True}
            run.write()
            if report:
                _write_pages(run, chosen)
            if late := clock.late():
                say(late)
            publish(given, RUN_FILE)
        return as_path(given)


def _write_pages(run: RunFolder, recipe: Recipe) -> None:
    """What people look at once a run is finished; the report comes last."""
    log_results(run.path / "tensorboard", recipe.model_dump(mode="json"), run.info["stages"])
    write_plots(run.path)
    write_report(run.path)


@dataclass(frozen=True)
class _Asked:
    """What decides which data a run has; see `train`."""

    seed: int
    icons: str | Path | None
    country: str | None
    test_share: float | None
    svg_text: bool

    def as_begun(self, run: RunFolder) -> _Asked:
        """The same as the run began with it; a change is refused."""
        settings = run.info["settings"]
        _refuse_change("--country", self.country, settings.get("country"))
        icons = None if self.icons is None else str(IconSource.parse(self.icons).lasting())
        _refuse_change("--icons", icons, settings.get("icons"))
        return _Asked(
            run.info["seed"],
            settings.get("icons") or self.icons or "own",
            settings.get("country") or self.country,
            settings.get("test_share") or self.test_share,
            settings.get("svg_text", self.svg_text),
        )

    def as_settings(self, source: DataFolder) -> dict[str, Any]:
        """Lines of run.json's settings."""
        return {
            "test_share": self.test_share,
            "icons": str(source.icons.lasting()),
            "svg_text": self.svg_text,
            "country": source.choice.iso,
            "simulated": source.simulated,
        }


@contextmanager
def _one_after_another(cache: Path) -> Iterator[None]:
    """Of the processes that torchrun starts at once, the first packs and the others find it."""
    with ExitStack() as held:
        if launched_processes() is not None:
            cache.mkdir(parents=True, exist_ok=True)
            held.enter_context(run_lock(cache))
        yield


def _refuse_change(option: str, asked: str | None, kept: str | None) -> None:
    """A run goes on as it began."""
    if asked is not None and kept is not None and asked != kept:
        raise InputError(f"{option} {asked}, but the run began with {kept}", "leave it out")


def _created(
    out: Path,
    settings: dict[str, Any],
    recipe: Recipe,
    prepared: PreparedTraining,
    net: SignNet,
    seed: int,
) -> RunFolder:
    """The folder of a new run, before its first stage."""
    source, pack, split = prepared.source, prepared.pack, prepared.data.split
    notes = {
        "seed": seed,
        "versions": versions(),
        "machine": machine(),
        "skipped": [{"path": path, "reason": why} for path, why in pack.skipped],
        "layout": str(source.layout),
        "left_out": source.left_out,
        "corrections": source.corrected.as_dict() if source.corrected else None,
        "framing": _framing(pack) if recipe.framing == "found" else None,
        "weights": asdict(net.weights),
        "pseudo_rare": [source.catalogue.codes[label] for label in split.pseudo_rare_labels],
    }
    settings = settings | {"recipe": recipe.model_dump(mode="json")}

    def note(place: Path) -> None:
        note_training_crops(place, pack)

    return RunFolder.create(out, settings, source.catalogue, notes, note)


def _trained(
    run: RunFolder,
    net: SignNet,
    recipe: Recipe,
    prepared: PreparedTraining,
    clock: Clock,
    hardware: Hardware,
    resume: bool,
    say: Say,
) -> SignNet:
    """The net after the stages that are left; each is measured and kept as it ends."""
    main = is_first_process()

    def starts(number: int) -> float | None:
        stage = recipe.stages[number]
        say(f"stage {number + 1} of {len(recipe.stages)}: {stage.title}, {stage.steps} steps")
        return clock.start(recipe.stages[number:], recipe.index_crops)

    stages = fit_stages(
        recipe,
        prepared.data,
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
        stage = recipe.stages[number]
        if result.processes > 1:
            speed = result.crops_per_second
            say(
                f"{result.processes} processes: {speed:,.0f} crops a second, "
                f"{speed / result.processes:,.0f} a process"
            )
        if cut := clock.end(stage, result):
            say(cut)
        if main:
            save_model(net, run.path)
            if recipe.fits_rules(number):
                rules = fit_rules(net, prepared.data, recipe.index_preset, recipe.index_crops)
                run.info["rules"] = rules.as_dict() if rules else None
            run.info["seconds"] = clock.seconds()
            test, catalogue = prepared.test, prepared.source.catalogue
            recalls = classifier_recalls(net, test, catalogue) if test else None
            run.add_stage(stage.title, stage.kind, result, recalls)
    return net


def _framing(pack: CropPack) -> dict[str, Any] | None:
    """How the training crops were framed before they were cut to their signs."""
    facts = framing_of_pack(pack)
    return None if facts is None else {"said": str(facts), **facts.as_dict()}
