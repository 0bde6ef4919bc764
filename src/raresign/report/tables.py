"""The rows behind the report's tables and galleries, with every picture already embedded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raresign.evaluation.confusion import Confusion, mistakes_by_confidence, worst_confusions
from raresign.evaluation.crop_answers import CropAnswer
from raresign.evaluation.predictions import Predictions
from raresign.report.pictures import crop_uri, icon_uri
from raresign.report.recognition import Opinion, opinion
from raresign.signs.catalogue.sign_catalogue import SignCatalogue

MOST_PAIRS = 18
MOST_CROPS_A_PAIR = 8
MOST_MISTAKES = 60


@dataclass(frozen=True)
class StageRow:
    """One trained stage; recalls are shares in [0, 1], None = not measured."""

    name: str
    kind: str
    all: float | None
    rare: float | None
    freq: float | None
    pseudo_rare: float | None
    steps: float | None
    seconds: float | None
    crops_per_second: float | None
    refused: float | None


@dataclass(frozen=True)
class CropPicture:
    """A real crop: its data URI (None = the file is gone), its file name and the probability."""

    uri: str | None
    name: str
    probability: float


@dataclass(frozen=True)
class Pair:
    """One confusion with the crops it happened to."""

    confusion: Confusion
    true_type: str
    predicted_type: str
    relation: str
    crops: list[CropPicture]


@dataclass(frozen=True)
class Mistake:
    """One wrong answer; what the recogniser's parts said is None in a run that has no answers."""

    crop: CropPicture
    code: str
    true_type: str
    predicted_code: str
    predicted_type: str
    opinion: Opinion | None


def stage_rows(info: dict[str, Any]) -> list[StageRow]:
    """The stages of run.json, numbered; what is not a number counts as not measured.

    Example:
        >>> rows = stage_rows({"stages": [{"name": "mixed", "test": {"rare": 0.7}}]})
        >>> rows[0].name, rows[0].rare, rows[0].freq
        ('mixed', 0.7, None)
    """
    rows = []
    stages = info.get("stages")
    for stage in stages if isinstance(stages, list) else []:
        if not isinstance(stage, dict):
            continue
        test = stage.get("test")
        recall = test if isinstance(test, dict) else {}
        rows.append(
            StageRow(
                name=str(stage.get("name", "?")),
                kind=str(stage.get("kind", "")),
                all=_number(recall.get("all")),
                rare=_number(recall.get("rare")),
                freq=_number(recall.get("freq")),
                pseudo_rare=_number(stage.get("pseudo_rare_recall")),
                steps=_number(stage.get("steps")),
                seconds=_number(stage.get("seconds")),
                crops_per_second=_number(stage.get("crops_per_second")),
                refused=_number(stage.get("synthetic_refused")),
            )
        )
    return rows


def icon_table(catalogue: SignCatalogue | None) -> dict[str, str | None]:
    """Data URI of the first icon of each class code; None where it cannot be read."""
    if catalogue is None:
        return {}
    return {
        sign.code: icon_uri(sign.icons[0]) if sign.icons else None for sign in catalogue.classes
    }


def confusion_pairs(
    predictions: Predictions, catalogue: SignCatalogue | None, root: Path
) -> list[Pair]:
    """The worst 18 confusions, each with the crops of its 8 surest mistakes.

    Args:
        predictions: What the model said about each crop.
        catalogue: Tells mirror twins; may be missing.
        root: The folder that relative crop paths start from.
    """
    return [
        Pair(
            confusion=confusion,
            true_type=predictions.types[confusion.label],
            predicted_type=predictions.types[confusion.predicted],
            relation=_relation(confusion, predictions, catalogue),
            crops=[_crop(predictions, row, root) for row in confusion.rows[:MOST_CROPS_A_PAIR]],
        )
        for confusion in worst_confusions(predictions, MOST_PAIRS)
    ]


def sure_mistakes(
    predictions: Predictions, root: Path, answers: list[CropAnswer] | None = None
) -> list[Mistake]:
    """The 60 wrong answers that the model was surest of, the surest first.

    Args:
        predictions: What the model said about each crop.
        root: The folder that relative crop paths start from.
        answers: One a row of the predictions, if the run has them.
    """
    mistakes = []
    for row in mistakes_by_confidence(predictions)[:MOST_MISTAKES].tolist():
        true, predicted = int(predictions.labels[row]), int(predictions.predicted[row])
        mistakes.append(
            Mistake(
                crop=_crop(predictions, row, root),
                code=predictions.codes[true],
                true_type=predictions.types[true],
                predicted_code=predictions.codes[predicted],
                predicted_type=predictions.types[predicted],
                opinion=opinion(answers[row]) if answers is not None else None,
            )
        )
    return mistakes


def _crop(predictions: Predictions, row: int, root: Path) -> CropPicture:
    """The real crop behind one row of the predictions."""
    path = root / predictions.paths[row]
    return CropPicture(crop_uri(path), path.name, float(predictions.confidence[row]))


def _relation(
    confusion: Confusion, predictions: Predictions, catalogue: SignCatalogue | None
) -> str:
    """How the two signs of a confusion are related, in words."""
    label = catalogue.label_of(confusion.code) if catalogue is not None else -1
    if catalogue is not None and label >= 0 and catalogue[label].twin == confusion.predicted_code:
        return "mirror twins"
    families = (predictions.families[confusion.label], predictions.families[confusion.predicted])
    if confusion.same_family:
        return f"same family: {families[0]}"
    return f"{families[0]} taken for {families[1]}"


def _number(value: Any) -> float | None:
    """A number, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value)
