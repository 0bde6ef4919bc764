"""`raresign add-class --train`: a run's net tuned for new classes, and all that hangs on it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from raresign.answers.prototypes import SOURCES
from raresign.commands.added.fit_added import fit_added, kept_backgrounds, write_fitted
from raresign.commands.data_folder import open_data
from raresign.commands.progress import Say, silent
from raresign.commands.train.share_for_test import with_test_share
from raresign.crops.pack import pack_crops
from raresign.errors import InputError, Interrupted
from raresign.files import default_cache, write_json
from raresign.fitting.encoder_export import export_encoder
from raresign.fitting.recogniser_fit import index_synthesiser
from raresign.fitting.run_forecasts import forecast_rare
from raresign.fitting.tuning import known_part, renewed_head, tune, tuning_stage
from raresign.language.spoken import _
from raresign.models.model_files import save_model
from raresign.models.outputs import TorchEncoder, net_rows
from raresign.models.saved_rows import classifier_rows
from raresign.models.sign_net import SignNet
from raresign.runs.added_classes import AddedFolder, added_places
from raresign.runs.evaluation_files import EVALUATION
from raresign.runs.exchange import exchange
from raresign.runs.head_file import has_head, load_head, save_head
from raresign.runs.photo_embeddings import forget_photos, read_photos
from raresign.runs.recipe_file import saved_recipe
from raresign.runs.run_folder import RunFolder
from raresign.runtime.onnx_encoder import ENCODER_FILE
from raresign.runtime.recogniser import Recogniser
from raresign.signs.countries.icon_source import is_drawn
from raresign.training.recipe import Recipe
from raresign.training.training_data import Split, TrainingData

_ENDLESS = 1_000_000  # steps, where time decides
_STAGES = "tuning"


def check_tunable(folder: RunFolder, seconds: float | None, steps: int | None) -> None:
    """Refuse lengths that are none, and runs that keep embeddings of photos of the untuned net.

    Raises:
        InputError: As it says.
    """
    if (seconds is not None and seconds <= 0) or (steps is not None and steps < 1):
        raise InputError(f"a tuning of {seconds} s, {steps} steps", "give more than 0")
    damaged = {one.name for one in added_places(folder.path)} - {*folder.catalogue.codes}
    if damaged:
        raise InputError(
            f"{folder.path} has damaged classes, which a tuning would lose: {', '.join(damaged)}",
            "take them out first: `raresign remove-class`",
        )
    real = SOURCES.index("real")
    with_photos = [one.sign.code for one in folder.added if (one.added.sources == real).any()]
    known = {*folder.catalogue.codes}
    with_photos += [code for code, _ in read_photos(folder.path) if code in known]
    if with_photos:
        raise InputError(
            f"{folder.path} keeps photos of {', '.join(dict.fromkeys(with_photos))} as the net saw "
            "them, which tuning changes",
            "add the class without --train, or take those photos out: `raresign "
            "remove-photos`, `raresign remove-class`",
        )


def tune_run(
    folder: RunFolder,
    net: SignNet,
    new: Sequence[AddedFolder],
    photos: Callable[[Recogniser], list[np.ndarray]],
    seconds: float | None,
    steps: int | None,
    say: Say = silent,
) -> list[AddedFolder]:
    """Tune the net of a run for new classes and put it, with all that hangs on it, in its place.

    Args:
        folder: The run.
        net: Its net.
        new: The new classes, fitted to the net as it is.
        photos: Embeds their real crops.
        seconds, steps: The length.
        say: Is told what it trains on and what it took.

    Returns:
        The new classes, fitted to the tuned net.
    """
    recipe = saved_recipe(folder)
    crops, labels = _real_crops(folder, recipe, say)
    known = _data(folder, recipe, crops, labels)
    every = known.with_new([one.sign for one in folder.added]).with_new([one.sign for one in new])
    stage = tuning_stage(recipe.index_preset, steps or _ENDLESS, bool(len(crops)))
    earlier = load_head(folder.path, *net_rows(net), folder.trained_catalogue)
    done = folder.info.get("tuned", [])
    say(
        _("tuning for {seconds:.0f} s").format(seconds=seconds)
        if steps is None
        else _("tuning, {steps} steps").format(steps=steps)
    )
    added = [*folder.added, *new]
    with exchange(folder.path) as place:
        try:
            grown, result = tune(
                net,
                earlier.with_classes([one.added for one in added]),
                every,
                stage,
                place / _STAGES,
                turn=len(done),
                max_seconds=seconds,
            )
        except Interrupted:  # its checkpoint goes, too: nothing goes on from it
            raise KeyboardInterrupt from None
        shutil.rmtree(place / _STAGES)
        say(
            _("tuned {steps} steps in {seconds:.0f} s").format(
                steps=result.steps, seconds=result.seconds
            )
        )
        tuned = known_part(grown, len(known.catalogue))
        save_model(tuned, place)
        reason = export_encoder(tuned, place / ENCODER_FILE, classifier_rows(place).digest)
        if reason:
            say(
                _("no encoder.onnx ({reason}): answers of this run need torch").format(
                    reason=reason
                )
            )
        info = dict(folder.info)
        rows, biases = net_rows(tuned)
        head = replace(earlier, rows=rows, biases=biases)
        if has_head(folder.path):
            head, rules = renewed_head(tuned, known, recipe, earlier)
            save_head(place, head)
            info["rules"] = rules.as_dict() if rules else None
            engine = index_synthesiser(known, recipe.index_preset, torch.device("cpu"))
            info["forecast"] = forecast_rare(tuned, head, known.catalogue, engine)
        base = Recogniser(TorchEncoder(tuned), head, known.catalogue, folder.framing)
        signs = [one.sign for one in added]
        real = [np.empty((0, head.rows.shape[1]), np.float32)] * len(folder.added) + photos(base)
        found = fit_added(folder, tuned, base, signs, [o.info["order"] for o in added], real)
        write_fitted(place, found, every.catalogue)
        forget_photos(folder.path, place, [one.sign.code for one in new])  # of earlier versions
        figures = folder.path / EVALUATION
        if any(figures.glob("*")):  # of the net before
            shutil.copytree(figures, place / f"{EVALUATION}-before-tuning")
            (place / EVALUATION).mkdir()
            say(_("test figures are of the net before: `raresign evaluate` measures the tuned one"))
        took = {"steps": result.steps, "seconds": result.seconds, "real_crops": len(crops)}
        info["tuned"] = [*done, {"codes": [one.sign.code for one in new], **took}]
        write_json(place / "run.json", info)
    return found[len(folder.added) :]


def _real_crops(folder: RunFolder, recipe: Recipe, say: Say) -> tuple[np.ndarray, np.ndarray]:
    """Real crops (N, 3, S, S) uint8 and labels (N,) of a run's own data folder, if it has any."""
    settings = folder.info["settings"]
    data, size = settings.get("data"), recipe.crop_size
    none = np.empty((0, 3, size, size), np.uint8), np.empty(0, np.int64)
    why = ""
    if data is None or is_drawn(data) or not any(s.real or s.balanced for s in recipe.stages):
        why = _("the run was trained without real crops")
    elif not Path(data).is_dir():
        why = _("the run's data folder {data} is gone").format(data=data)
    else:
        try:
            source = open_data(
                data,
                settings.get("crops"),
                settings.get("layout", "reference"),
                icons=settings.get("icons"),
                country=settings.get("country"),
                svg_text=bool(settings.get("svg_text")),
            )
            if (share := settings.get("test_share")) is not None:
                source = with_test_share(source, share, folder.info["seed"])
            pack = pack_crops(source.training, size, default_cache(), framing=folder.framing)
        except InputError as error:
            why = _("the run's data folder cannot be read: {problem}").format(problem=error.problem)
        else:
            own = [folder.trained_catalogue.label_of(code) for code in source.catalogue.codes]
            labels = np.array([*own, -1])[pack.labels]
            rows = labels >= 0
            if rows.any():
                say(
                    _("tuning on synthetic crops and {rows} real crops of {data}").format(
                        rows=rows.sum(), data=data
                    )
                )
                return np.asarray(pack.crops)[rows], labels[rows]
            why = _("no real crop in {data} is of a class of the run").format(data=data)
    say(_("tuning on synthetic crops alone: {why}").format(why=why))
    return none


def _data(folder: RunFolder, recipe: Recipe, crops: np.ndarray, labels: np.ndarray) -> TrainingData:
    """What the run's trained classes are tuned on; nothing is held out."""
    nothing = np.empty(0, np.int64)
    return TrainingData(
        folder.trained_catalogue,
        torch.from_numpy(crops),
        torch.from_numpy(labels),
        Split(np.arange(len(labels)), nothing, nothing, ()),
        kept_backgrounds(folder),
        recipe.crop_size,
        folder.info["seed"],
        folder.framing,
    )
