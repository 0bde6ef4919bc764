"""`raresign add-class`: a new sign from one icon, without training."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from raresign.answers.head import Head
from raresign.commands.added.change_classes import embed_photos
from raresign.commands.added.confusion_sheet import draw_new_class, sheet_pictures
from raresign.commands.progress import Say, silent
from raresign.errors import InputError
from raresign.fitting.added_classes import fit_new_classes
from raresign.fitting.forecast_facts import class_facts
from raresign.fitting.run_forecasts import known_forecast
from raresign.fitting.synthetic_outputs import index_outputs
from raresign.models.folding import folded
from raresign.models.outputs import Outputs, TorchEncoder
from raresign.models.sign_net import SignNet
from raresign.runs.added_classes import ADDED, AddedFolder, write_added
from raresign.runs.backgrounds import read_backgrounds
from raresign.runs.photo_embeddings import forget_photos
from raresign.runs.recipe_file import saved_recipe
from raresign.runs.run_folder import RunFolder
from raresign.runtime.recogniser import Recogniser
from raresign.signs.catalogue.families import family_of_icon
from raresign.signs.catalogue.icon_check import check_new_icon, known_look
from raresign.signs.catalogue.pictures import in_threads, load_pictures
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.catalogue.sign_class import SignClass
from raresign.signs.countries.country import value_problems
from raresign.signs.icons.icon_file import load_icon
from raresign.signs.icons.png_icon import IconWarning
from raresign.simulated.backgrounds import procedural_backgrounds
from raresign.synthesis.background_atlas import BackgroundAtlas
from raresign.synthesis.batch import Synthesiser
from raresign.synthesis.icon_atlas import IconAtlas
from raresign.synthesis.preset import load_preset
from raresign.synthesis.synthesiser import build_synthesiser

_LEAST_CROPS, _MOST_CROPS = 32, 128  # synthetic crops of a new class
_BUDGET = 1600  # of all that come at once: about ten seconds
_TRIAL_CROPS = 16
_FORECAST = ("recall", "low", "high")
_SHEET = "confusions.png"


@dataclass(frozen=True)
class NewClass:
    """What is known of a class that was added.

    Attributes:
        name: Readable name; the code where none is known.
        family: Shape and colour.
        recall: Predicted recall on real crops, in [0, 1]; None without a forecast.
        low, high: Its 90 % interval.
        confusions: Code -> mean probability that fresh synthetic crops of the class gave to it, the
            five largest from a tenth of a percent up.
        sheet: Picture of the new sign beside the signs that it will be confused with.
    """

    code: str
    name: str
    family: str
    recall: float | None
    low: float | None
    high: float | None
    confusions: dict[str, float]
    sheet: Path

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "sheet": str(self.sheet)}


def add_class(
    run: str | Path,
    icons: Sequence[str | Path],
    codes: Sequence[str] = (),
    photos: str | Path | None = None,
    say: Say = silent,
) -> list[NewClass]:
    """Add classes to a trained run from their icons: no training, some seconds.

    Each class gets prototypes and a row of the classifier, fitted to synthetic crops of its icon
    while the net and all earlier rows stay as they are.

    Args:
        run: The run folder; only its folder `added` changes.
        icons: One PNG or SVG a class.
        codes: One class code an icon; the files' names unless given.
        photos: Real crops: a folder (or a file) for one class, a folder of folders named by code
            for several.
        say: Is told of values that the signs of the run's country cannot show.

    Raises:
        InputError: No finished run, codes and icons that do not match, a code that is taken, an
            icon that no class can be made of or that another class has, no photo where some were
            named. Nothing is written then.

    Returns:
        One entry a class, in the order given.
    """
    folder = RunFolder.open(run)
    net = folder.model()
    folder.check_finished()
    recogniser = folder.recogniser(TorchEncoder(net))
    signs = _new_signs(recogniser.catalogue, [Path(icon) for icon in icons], codes)
    for problem in value_problems(recogniser.catalogue.country, [sign.code for sign in signs]):
        say(f"warning: {problem}")
    if photos and len(signs) > 1 and not any((Path(photos) / s.code).is_dir() for s in signs):
        raise InputError(f"{photos} has no folder {signs[0].code}", "give a folder a class")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IconWarning)  # told of each new icon once, by now
        return _add(folder, net, recogniser, signs, photos)


def _add(
    folder: RunFolder,
    net: SignNet,
    recogniser: Recogniser,
    signs: list[SignClass],
    photos: str | Path | None,
) -> list[NewClass]:
    """Add the checked signs to the recogniser and write them into the run folder."""
    catalogue, head = recogniser.catalogue, recogniser.head
    real = [_photos(photos, sign.code, len(signs), recogniser) for sign in signs]
    codes = [sign.code for sign in signs]
    engine = _engine(folder, SignCatalogue(signs), net.crop_size)
    quick = folded(net)  # to rounding the same
    synthetic = index_outputs(quick, engine, codes, crops_of_new(len(signs)))
    trial = index_outputs(quick, engine, codes, _TRIAL_CROPS, turn=1)
    whole = _with_index(folder, head, quick)
    added = fit_new_classes(replace(recogniser, head=whole), signs, synthetic, real)
    chances = head.with_classes(added).judge(trial.embedding).probabilities
    answers = chances.argmax(1) - len(catalogue)
    after = catalogue.extended(signs)
    predicted = _predict(whole.with_classes(added), after, trial, answers, len(catalogue))
    order = 1 + max((later.info["order"] for later in folder.added), default=0)
    later, results = [], []
    for place, (sign, one) in enumerate(zip(signs, added, strict=True)):
        mean = chances[trial.labels == place].mean(0)
        confusions = _confusions(mean, len(catalogue) + place, after)
        recall = predicted[place] if predicted else None
        info = {
            "code": sign.code,
            "id": sign.id,
            "family": sign.family,
            "name": sign.name,
            "order": order + place,
            "forecast": dict(zip(_FORECAST, recall, strict=True)) if recall else None,
            "confusions": list(map(list, confusions.items())),
        }
        later.append(AddedFolder(sign, one, info))
        sheet = folder.path / ADDED / sign.code / _SHEET
        predicted_recall, low, high = recall or (None, None, None)
        facts = (sign.code, sign.title, sign.family)
        results.append(NewClass(*facts, predicted_recall, low, high, confusions, sheet))

    seen = {one.code for one in signs}.union(*(one.confusions for one in results))
    pictures = sheet_pictures([sign for sign in after.classes if sign.code in seen])

    def draw(place: Path, one: AddedFolder) -> None:
        draw_new_class(place / _SHEET, one.sign.code, dict(one.info["confusions"]), pictures)

    for code in codes:  # of a class of this code whose removal was cut short
        forget_photos(folder.path, code)
    write_added(folder.path, later, draw)
    return results


def crops_of_new(classes: int) -> int:
    """How many synthetic crops each of some classes gets that are added at once.

    Example:
        >>> crops_of_new(1), crops_of_new(50)
        (128, 32)
    """
    return min(max(_BUDGET // classes, _LEAST_CROPS), _MOST_CROPS)


def _new_signs(
    catalogue: SignCatalogue, icons: Sequence[Path], codes: Sequence[str]
) -> list[SignClass]:
    """The classes of the icons, checked against the catalogue and each other."""
    names = list(codes) or [icon.stem for icon in icons]
    if not icons or len(names) != len(icons):
        raise InputError(f"{len(icons)} icons and {len(names)} codes", "give one code an icon")
    for code in names:
        wrong = (
            ("is already in the run" if catalogue.label_of(code) >= 0 else "")
            or ("is given twice" if names.count(code) > 1 else "")
            or ("begins with a dot" if code.startswith(".") else "")  # see read_added
        )
        if wrong:
            raise InputError(f"class '{code}' {wrong}", "choose another --code")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IconWarning)  # told of when they came
        drawn = zip(catalogue.codes, load_pictures(catalogue.classes), strict=True)
    known = [(code, known_look(picture)) for code, pictures in drawn for picture in pictures]
    first = 1 + max(sign.id for sign in catalogue.classes)
    country = catalogue.country
    signs = []
    new = in_threads(lambda pair: load_icon(pair[0], code=pair[1]), zip(icons, names, strict=True))
    for number, (icon, code, picture) in enumerate(zip(icons, names, new, strict=True), first):
        known.append((code, check_new_icon(picture, code, known)))
        family = (country and country.family(code)) or family_of_icon(picture)
        name = (country and country.name(code)) or ""
        signs.append(SignClass(code, number, "rare", (icon,), family, None, name))
    SignCatalogue([*catalogue.classes, *signs])  # checks codes
    return signs


def _photos(
    photos: str | Path | None, code: str, classes: int, recogniser: Recogniser
) -> np.ndarray:
    """(n, E) embeddings of the real crops of a class, none without photos."""
    if photos is not None:
        place = Path(photos) if classes == 1 else Path(photos) / code
        if classes == 1 or place.is_dir():
            return embed_photos(recogniser, [place])
    return np.empty((0, recogniser.head.rows.shape[1]), np.float32)


def _engine(folder: RunFolder, signs: SignCatalogue, size: int) -> Synthesiser:
    """Makes crops of signs as the run's own were made."""
    preset = load_preset(saved_recipe(folder).index_preset)
    pictures = read_backgrounds(folder.path) or procedural_backgrounds(24, seed=0)
    icons = IconAtlas.from_catalogue(signs, size)
    backgrounds = BackgroundAtlas.from_pictures(pictures, size)
    return build_synthesiser(preset, icons, backgrounds, folder.info["seed"])


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
