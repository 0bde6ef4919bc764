"""`raresign add-class`: a new sign from one icon, without training."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from raresign.answers.head import Head
from raresign.commands.added.confusion_sheet import draw_new_class, sheet_pictures
from raresign.commands.added.photo_crops import embed_photos
from raresign.errors import InputError
from raresign.fitting.added_classes import fit_new_classes
from raresign.fitting.forecast_facts import class_facts
from raresign.fitting.forecasts import known_forecast
from raresign.fitting.synthetic_outputs import index_outputs
from raresign.models.encoder import TorchEncoder
from raresign.models.folding import folded
from raresign.models.outputs import Outputs
from raresign.models.sign_net import SignNet
from raresign.runs.added_classes import ADDED, AddedFolder, write_added
from raresign.runs.backgrounds import read_backgrounds
from raresign.runs.run_folder import RunFolder
from raresign.runs.saved_recipe import saved_recipe
from raresign.runtime.recogniser import Recogniser
from raresign.signs.catalogue.families import family_of_icon
from raresign.signs.catalogue.icon_check import check_new_icon, known_look, refuse_known
from raresign.signs.catalogue.pictures import in_threads, load_pictures
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.catalogue.sign_class import SignClass
from raresign.signs.icons.icon_file import load_icon
from raresign.signs.icons.png_icon import IconWarning
from raresign.simulated.backgrounds import procedural_backgrounds
from raresign.synthesis.background_atlas import BackgroundAtlas
from raresign.synthesis.batch import Synthesiser
from raresign.synthesis.icon_atlas import IconAtlas
from raresign.synthesis.preset import load_preset
from raresign.synthesis.synthesiser import build_synthesiser

_MOST_CROPS, _BUDGET = 128, 1600
"""Synthetic crops of a new class, and of all that come at once: ten seconds shall do."""
_LEAST_CROPS = 32
_TRIAL_CROPS = 16
_FORECAST = ("recall", "low", "high")
_SHEET = "confusions.png"


@dataclass(frozen=True)
class NewClass:
    """What is known of a class that was added.

    Attributes:
        code: Class code.
        name: Readable name; the code where none is known.
        family: Shape and colour.
        recall: Predicted recall on real crops, in [0, 1]; None without a forecast.
        low, high: Its 90 % interval.
        confusions: Code -> mean probability that fresh made crops of the class gave to it, the five
            largest from a tenth of a percent up.
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
) -> list[NewClass]:
    """Teach a trained run new signs from their icons: no training, some seconds.

    Crops are made of each icon; each class gets prototypes and a row of the classifier, fitted
    while the net and all earlier rows stay as they are.

    Args:
        run: The run folder; only its folder `added` changes.
        icons: One PNG or SVG a class.
        codes: One class code an icon; the files' names unless given.
        photos: Real crops: a folder (or a file) for one class, a folder of folders named by code
            for several.

    Raises:
        InputError: No finished run, codes and icons that do not match, a code that is taken, an
            icon that no class can be made of or that another class has, no photo where some were
            named. Nothing is written then.

    Returns:
        One entry a class, in the order given.
    """
    folder = RunFolder.open(run)
    net = folder.model()
    recogniser = folder.recogniser(TorchEncoder(net))
    signs = _new_signs(recogniser.catalogue, [Path(icon) for icon in icons], codes)
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
    """Teach the recogniser the checked signs and write them into the run folder."""
    catalogue, head = recogniser.catalogue, recogniser.head
    real = {sign.code: _photos(photos, sign.code, len(signs), recogniser) for sign in signs}
    made_of = SignCatalogue(signs)
    engine = _engine(folder, made_of, net.crop_size)
    quick = folded(net)  # to rounding the same
    made = index_outputs(quick, engine, made_of.codes, crops_of_new(len(signs)))
    trial = index_outputs(quick, engine, made_of.codes, _TRIAL_CROPS, turn=1)
    whole = _with_index(folder, head, quick)
    photos_of = [real[sign.code] for sign in signs]
    added = fit_new_classes(replace(recogniser, head=whole), signs, made, photos_of)
    bigger = head.with_classes(added)
    chances = bigger.judge(trial.embedding).probabilities
    answers = chances.argmax(1) - len(catalogue)
    after = catalogue.extended(signs)
    taught = bigger if whole is head else whole.with_classes(added)
    predicted = _predict(taught, after, trial, answers, len(catalogue))
    order = 1 + max((later.info["order"] for later in folder.added), default=0)
    later, results = [], []
    for place, (sign, one) in enumerate(zip(signs, added, strict=True)):
        said = chances[trial.labels == place].mean(0)
        confusions = _confusions(said, len(catalogue) + place, after)
        recall = predicted[place] if predicted else None
        info = {
            "code": sign.code,
            "id": sign.id,
            "family": sign.family,
            "name": sign.name,
            "order": order + place,
            "forecast": dict(zip(_FORECAST, recall, strict=True)) if recall else None,
            "confusions": [[code, share] for code, share in confusions.items()],
        }
        later.append(AddedFolder(sign, one, info))
        value, low, high = recall or (None, None, None)
        sheet = folder.path / ADDED / sign.code / _SHEET
        shown = (sign.code, sign.title, sign.family)
        results.append(NewClass(*shown, value, low, high, confusions, sheet))

    seen = {one.code for one in signs}.union(*(one.confusions for one in results))
    pictures = sheet_pictures([sign for sign in after.classes if sign.code in seen])

    def draw(place: Path, one: AddedFolder) -> None:
        draw_new_class(place / _SHEET, one.sign.code, dict(one.info["confusions"]), pictures)

    write_added(folder.path, later, draw)
    return results


def crops_of_new(classes: int) -> int:
    """Synthetic crops of each of so many classes that come at once.

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
        if catalogue.label_of(code) >= 0 or names.count(code) > 1:
            where = "already in the run" if catalogue.label_of(code) >= 0 else "given twice"
            raise InputError(f"class '{code}' is {where}", "choose another --code")
        if code.startswith("."):  # read_added leaves such folders out
            raise InputError(f"class '{code}' begins with a dot", "choose another --code")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IconWarning)  # told of when they came
        drawn = zip(catalogue.codes, load_pictures(catalogue.classes), strict=True)
    known = [(code, known_look(picture)) for code, pictures in drawn for picture in pictures]
    first = 1 + max(sign.id for sign in catalogue.classes)
    country = catalogue.country
    signs = []
    new = in_threads(lambda pair: load_icon(pair[0], code=pair[1]), zip(icons, names, strict=True))
    for number, (icon, code, picture) in enumerate(zip(icons, names, new, strict=True)):
        check_new_icon(picture, code, ())
        look = known_look(picture)
        assert look is not None  # checked
        refuse_known(look, code, known)
        known.append((code, look))
        family = (country.family(code) if country else None) or family_of_icon(picture)
        name = (country.name(code) if country else None) or ""
        signs.append(SignClass(code, first + number, "rare", (icon,), family, None, name))
    SignCatalogue([*catalogue.classes, *signs])  # checks codes
    return signs


def _photos(
    photos: str | Path | None, code: str, classes: int, recogniser: Recogniser
) -> np.ndarray:
    """(n, E) embeddings of the real crops of a class, none without photos."""
    if photos is not None:
        place = Path(photos) if classes == 1 else Path(photos) / code
        if classes == 1 or place.is_dir():
            return embed_photos(recogniser.encoder, [place])
    return np.empty((0, recogniser.head.rows.shape[1]), np.float32)


def _engine(folder: RunFolder, signs: SignCatalogue, size: int) -> Synthesiser:
    """Makes crops of the new icons, of so many pixels, as the run's own were made."""
    settings = load_preset(saved_recipe(folder).index_preset)
    photos = read_backgrounds(folder.path) or procedural_backgrounds(24, seed=0)
    return build_synthesiser(
        settings,
        IconAtlas.from_catalogue(signs, size),
        BackgroundAtlas.from_pictures(photos, size),
        folder.info["seed"],
    )


def _with_index(folder: RunFolder, head: Head, quick: SignNet) -> Head:
    """The head with prototypes of all classes: without any, new classes take every crop."""
    trained = folder.trained_catalogue
    if (head.index.labels < len(trained)).any():
        return head
    engine = _engine(folder, trained, quick.crop_size)
    made = index_outputs(quick, engine, trained.codes, _LEAST_CROPS)
    return head.with_prototypes(made.embedding, made.labels, "synthetic")


def _predict(
    head: Head,
    catalogue: SignCatalogue,
    trial: Outputs,
    answers: np.ndarray,
    before: int,
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
    columns = zip(*(column.tolist() for column in forecast.predict(facts)), strict=True)
    return [(float(a), float(b), float(c)) for a, b, c in columns]


def _confusions(
    chances: np.ndarray, own: int, catalogue: SignCatalogue, most: int = 5
) -> dict[str, float]:
    """The other classes that (C,) mean probabilities give most to, largest first."""
    order = [k for k in np.argsort(-chances, kind="stable").tolist() if k != own][:most]
    return {catalogue[k].code: float(chances[k]) for k in order if chances[k] >= 0.001}
