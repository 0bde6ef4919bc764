"""The rows behind the report's tables and galleries, with every picture already embedded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raresign.evaluation.confusion import Confusion, mistakes_by_confidence, worst_confusions
from raresign.evaluation.crop_answers import CropAnswer
from raresign.evaluation.intervals import Estimate
from raresign.evaluation.metrics import ClassMetrics
from raresign.evaluation.predictions import Predictions
from raresign.language.spoken import _
from raresign.report.pictures import crop_uri, icon_uri
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.spoken_signs import spoken_family
from raresign.signs.values import in_order

MOST_CROPS_A_PAIR = 8
_MOST_PAIRS = 18
_WORST = 20
_MOST_MISTAKES = 12


@dataclass(frozen=True)
class CropPicture:
    """A real crop: its data URI (None = the file is gone), its file name and the probability."""

    uri: str | None
    name: str
    probability: float


@dataclass(frozen=True)
class Pair:
    """One confusion, how its classes are related, and the crops it happened to."""

    confusion: Confusion
    relation: str
    crops: list[CropPicture]


@dataclass(frozen=True)
class Mistake:
    """One wrong answer; `answer` is None in a run without a table of answers."""

    crop: CropPicture
    code: str
    predicted_code: str
    answer: CropAnswer | None


def predicted_recall(info: dict[str, Any]) -> dict[str, Estimate]:
    """Class code -> predicted recall with its 90 % interval, by code; empty without a forecast.

    Args:
        info: What run.json holds; entries that are not three numbers are left out.

    Example:
        >>> predicted_recall({"forecast": {"1.10": [0.3, 0.1, 0.6], "1.2": [0.7, 0.4, 0.9]}})["1.2"]
        Estimate(value=0.7, low=0.4, high=0.9, n=1)
    """
    forecast = info.get("forecast")
    found = {}
    for code, told in forecast.items() if isinstance(forecast, dict) else ():
        try:
            value, low, high = map(float, told)
        except (TypeError, ValueError):
            continue
        if all(map(math.isfinite, (value, low, high))):
            found[str(code)] = Estimate(value, low, high, n=1)
    return {code: found[code] for code in sorted(found, key=in_order)}


def worst_classes(rows: Sequence[ClassMetrics]) -> list[ClassMetrics]:
    """The 20 tested classes with the lowest recall, lowest first; none of 20 classes or fewer.

    Among equal recalls the class with more crops comes first.
    """
    if len(rows) <= _WORST:
        return []
    tested = [row for row in rows if row.crops]
    return sorted(tested, key=lambda row: (row.recall.value, -row.crops, in_order(row.code)))[
        :_WORST
    ]


def icon_table(catalogue: SignCatalogue | None) -> dict[str, str | None]:
    """Data URI of the first icon of each class code; None where it cannot be read."""
    classes = catalogue.classes if catalogue else ()
    return {sign.code: icon_uri(sign.icons[0]) if sign.icons else None for sign in classes}


def confusion_pairs(
    predictions: Predictions, catalogue: SignCatalogue | None, root: Path
) -> list[Pair]:
    """The worst 18 confusions, each with its 8 most confident mistakes.

    Args:
        predictions: What the model said about each crop.
        catalogue: Tells mirror twins; may be missing.
        root: The folder that relative crop paths start from.
    """
    return [
        Pair(
            confusion,
            _relation(confusion, predictions, catalogue),
            [_crop(predictions, row, root) for row in confusion.rows[:MOST_CROPS_A_PAIR]],
        )
        for confusion in worst_confusions(predictions, _MOST_PAIRS)
    ]


def confident_mistakes(
    predictions: Predictions, root: Path, answers: list[CropAnswer] | None = None
) -> list[Mistake]:
    """The 12 surest mistakes: wrong signs that the model named, then wrong guesses that it did not.

    Args:
        predictions: What the model said about each crop.
        root: The folder that relative crop paths start from.
        answers: One a row of the predictions, if the run has them.
    """
    rows = mistakes_by_confidence(predictions).tolist()
    if answers is not None:  # sorted keeps the order by confidence
        rows = sorted(rows, key=lambda row: answers[row].level != "class")
    return [
        Mistake(
            _crop(predictions, row, root),
            predictions.codes[predictions.labels[row]],
            predictions.codes[predictions.predicted[row]],
            answers[row] if answers is not None else None,
        )
        for row in rows[:_MOST_MISTAKES]
    ]


def _crop(predictions: Predictions, row: int, root: Path) -> CropPicture:
    """The real crop behind one row of the predictions."""
    path = root / predictions.paths[row]
    return CropPicture(crop_uri(path), path.name, float(predictions.confidence[row]))


def _relation(
    confusion: Confusion, predictions: Predictions, catalogue: SignCatalogue | None
) -> str:
    """How the two signs of a confusion are related, in words."""
    label = catalogue.label_of(confusion.code) if catalogue else -1
    if catalogue and label >= 0 and catalogue[label].twin == confusion.predicted_code:
        return _("mirror twins")
    one, other = (
        spoken_family(predictions.families[label])
        for label in (confusion.label, confusion.predicted)
    )
    if confusion.same_family:
        return _("same family: {family}").format(family=one)
    return _("{family} taken for {other}").format(family=one, other=other)
