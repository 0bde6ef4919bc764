"""Rows, prototypes and forecasts of added classes, written beside a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from raresign.answers.head import Head
from raresign.commands.added.confusion_sheet import draw_new_class, sheet_pictures
from raresign.fitting.added_classes import fit_new_classes
from raresign.fitting.forecast_facts import class_facts
from raresign.fitting.run_forecasts import known_forecast
from raresign.fitting.synthetic_outputs import index_outputs
from raresign.models.folding import folded
from raresign.models.outputs import Outputs
from raresign.models.sign_net import SignNet
from raresign.runs.added_classes import AddedFolder, write_added
from raresign.runs.backgrounds import read_backgrounds
from raresign.runs.recipe_file import saved_recipe
from raresign.runs.run_folder import RunFolder
from raresign.runtime.recogniser import Recogniser
from raresign.signs.catalogue.pictures import load_pictures
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.catalogue.sign_class import SignClass
from raresign.simulated.backgrounds import procedural_backgrounds
from raresign.synthesis.background_atlas import BackgroundAtlas
from raresign.synthesis.batch import Synthesiser
from raresign.synthesis.icon_atlas import IconAtlas
from raresign.synthesis.preset import load_preset
from raresign.synthesis.synthesiser import build_synthesiser

SHEET = "confusions.png"
_LEAST_CROPS, _MOST_CROPS = 32, 128  # synthetic crops of a new class
_BUDGET = 1600  # of all that come at once: about ten seconds
_TRIAL_CROPS = 16
_FORECAST = ("recall", "low", "high")


def crops_of_new(classes: int) -> int:
    """How many synthetic crops each of some classes gets that are added at once.

    Example:
        >>> crops_of_new(1), crops_of_new(50)
        (128, 32)
    """
    return min(max(_BUDGET // classes, _LEAST_CROPS), _MOST_CROPS)


def fit_added(
    folder: RunFolder,
    net: SignNet,
    recogniser: Recogniser,
    signs: Sequence[SignClass],
    orders: Sequence[int],
    photos: Sequence[np.ndarray],
) -> list[AddedFolder]:
    """What `RUN/added` shall hold of classes; nothing is written.

    Args:
        folder: The run, for its synthesis.
        net: Its net, or the one that shall be its net.
        recogniser: Knows the earlier classes of that net.
        signs: The new ones.
        orders: Which place each has among all added classes.
        photos: For each class (n, E) embeddings of real crops.
    """
    catalogue, head = recogniser.catalogue, recogniser.head
    codes = [sign.code for sign in signs]
    engine = _engine(folder, SignCatalogue(signs), net.crop_size)
    quick = folded(net)  # to rounding the same
    synthetic = index_outputs(quick, engine, codes, crops_of_new(len(signs)))
    trial = index_outputs(quick, engine, codes, _TRIAL_CROPS, turn=1)
    whole = _with_index(folder, head, quick)
    added = fit_new_classes(replace(recogniser, head=whole), signs, synthetic, photos)
    chances = head.with_classes(added).judge(trial.embedding).probabilities
    answers = chances.argmax(1) - len(catalogue)
    after = catalogue.extended(signs)
    predicted = _predict(whole.with_classes(added), after, trial, answers, len(catalogue))
    found = []
    for place, (sign, one, order) in enumerate(zip(signs, added, orders, strict=True)):
        mean = chances[trial.labels == place].mean(0)
        confusions = _confusions(mean, len(catalogue) + place, after)
        recall = predicted[place] if predicted else None
        info = {
            "code": sign.code,
            "id": sign.id,
            "family": sign.family,
            "name": sign.name,
            "order": order,
            "forecast": dict(zip(_FORECAST, recall, strict=True)) if recall else None,
            "confusions": list(map(list, confusions.items())),
        }
        found.append(AddedFolder(sign, one, info))
    return found


def write_fitted(path: Path, found: Sequence[AddedFolder], catalogue: SignCatalogue) -> None:
    """Write what `fit_added` found into the folder `added` of `path`, with pictures.

    Args:
        path: Where new files of the run are written, see `exchange`.
        found: The classes.
        catalogue: All classes of the run.
    """
    seen = {one.sign.code for one in found}.union(*(dict(one.info["confusions"]) for one in found))
    pictures = sheet_pictures([sign for sign in catalogue.classes if sign.code in seen])

    def draw(place: Path, one: AddedFolder) -> None:
        draw_new_class(place / SHEET, one.sign.code, dict(one.info["confusions"]), pictures)

    write_added(path, found, draw)


def _engine(folder: RunFolder, signs: SignCatalogue, size: int) -> Synthesiser:
    """Makes crops of signs as the run's own were made."""
    preset = load_preset(saved_recipe(folder).index_preset)
    icons = IconAtlas.from_catalogue(signs, size)
    backgrounds = BackgroundAtlas.from_pictures(kept_backgrounds(folder), size)
    return build_synthesiser(preset, icons, backgrounds, folder.info["seed"])


def kept_backgrounds(folder: RunFolder) -> list[np.ndarray]:
    """(H, W, 3) uint8 backgrounds that the run kept; simulated ones where it kept none."""
    return read_backgrounds(folder.path) or procedural_backgrounds(24, seed=0)


def _with_index(folder: RunFolder, head: Head, quick: SignNet) -> Head:
    """The head with prototypes of all classes: without any, new classes take every crop."""
    trained = folder.trained_catalogue
    if (head.index.labels < len(trained)).any():
        return head
    engine = _engine(folder, trained, quick.crop_size)
    synthetic = index_outputs(quick, engine, trained.codes, _LEAST_CROPS)
    return head.with_prototypes(synthetic.embedding, synthetic.labels, "synthetic")


def _predict(
    head: Head, catalogue: SignCatalogue, trial: Outputs, answers: np.ndarray, before: int
) -> list[tuple[float, float, float]] | None:
    """Predicted recall and its interval for every new class."""
    forecast = known_forecast("added")
    if forecast is None:
        return None
    blank = np.zeros((32, 32, 4), np.uint8)
    drawn = load_pictures(catalogue.classes[before:], 32)
    pictures = [*([blank] * before), *(variants[0] for variants in drawn)]
    facts = class_facts(
        np.arange(before, len(catalogue)),
        trial.labels + before,
        answers == trial.labels,
        head.index.class_means,
        head.families,
        ~head.rare,
        pictures,
    )
    return list(zip(*(column.tolist() for column in forecast.predict(facts)), strict=True))


def _confusions(
    chances: np.ndarray, own: int, catalogue: SignCatalogue, most: int = 5
) -> dict[str, float]:
    """The other classes that (C,) mean probabilities give most to, largest first."""
    order = [k for k in np.argsort(-chances, kind="stable").tolist() if k != own][:most]
    return {catalogue[k].code: float(chances[k]) for k in order if chances[k] >= 0.001}
