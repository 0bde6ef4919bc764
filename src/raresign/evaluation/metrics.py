"""The numbers of one evaluation: recall on all, rare and frequent crops and what goes with it."""

from __future__ import annotations

import math
from dataclasses import asdict, astuple, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from raresign.errors import InputError
from raresign.evaluation.calibration import calibration_error
from raresign.evaluation.confusion import confusion_matrix
from raresign.evaluation.intervals import Estimate, Number, macro_recall_interval
from raresign.evaluation.predictions import GROUPS, Group, Predictions
from raresign.language.spoken import later
from raresign.records import frame_of, to_arrow

Row = tuple[str, float, float, float, int]
"""(name, value, low, high, n), for a printed table; NaN where there is nothing."""

_TOP = 5


@dataclass(frozen=True)
class GroupMetrics:
    """Figures of the crops of one group: all, rare or freq by the type of the true class.

    Args:
        crops: Labelled crops.
        classes: Classes with at least one crop.
        micro: Share of the crops that were recognised, Wilson interval.
        macro: Mean over the classes present of their recall, bootstrap interval; n = classes.
        top5: Share of the crops whose class is among the five most probable, Wilson interval.
        family: Share of the crops called a class of the right family, Wilson interval.
        confidence: Mean probability of the predicted class.
        ece: Expected calibration error, see `calibration_error`.
    """

    crops: int
    classes: int
    micro: Estimate
    macro: Estimate
    top5: Estimate
    family: Estimate
    confidence: Number
    ece: Number


@dataclass(frozen=True)
class ClassMetrics:
    """Figures of one class.

    Args:
        label: Its label.
        code: Its class code.
        type: "freq" or "rare".
        family: Its family.
        crops: Labelled crops of it.
        hits: Those recognised.
        recall: hits / crops with the Wilson interval; NaN without crops.
        wrong_code: The most frequent wrong answer, the lower label where two are equal; None if no
            crop was answered wrongly.
        wrong_count: Crops that got that answer.
    """

    label: int
    code: str
    type: str
    family: str
    crops: int
    hits: int
    recall: Estimate
    wrong_code: str | None
    wrong_count: int


@dataclass(frozen=True)
class Metrics:
    """Everything that `evaluate_predictions` counts.

    Args:
        crops: Labelled crops; only they count.
        unlabelled: Crops with label -1, left out.
        all: Figures of all labelled crops.
        rare: Figures of the crops of rare classes.
        freq: Figures of the crops of frequent classes.
        rare_called_frequent: Share of the rare crops that were called a frequent class.
        frequent_called_rare: Share of the frequent crops that were called a rare class.
        per_class: One entry a class of the catalogue, in label order.
        seed: Seed of the bootstrap.
        unreadable: (path, reason) of the crops that could not be read, and are in no figure.

    Example: see `evaluate_predictions`, which makes it.
    """

    crops: int
    unlabelled: int
    all: GroupMetrics
    rare: GroupMetrics
    freq: GroupMetrics
    rare_called_frequent: Estimate
    frequent_called_rare: Estimate
    per_class: tuple[ClassMetrics, ...]
    seed: int
    unreadable: tuple[tuple[str, str], ...] = ()

    def group(self, name: Group) -> GroupMetrics:
        """The figures of "all", "rare" or "freq"."""
        return {"all": self.all, "rare": self.rare, "freq": self.freq}[name]

    def as_dict(self) -> dict[str, Any]:
        """The same as dicts, lists and numbers, ready for JSON: None for NaN."""
        return json_ready(self)

    def to_arrow(self) -> Any:
        """An Arrow table of the classes, a row each."""
        return to_arrow(json_ready(row) for row in self.per_class)

    def to_pandas(self) -> Any:
        """The same as a pandas DataFrame; InputError where pandas is not installed."""
        return frame_of(self.to_arrow())

    def rows(self) -> list[Row]:
        """(name, value, low, high, n) for a table; the per-class table is not in it."""
        rows: list[Row] = []
        for name in GROUPS:
            group = self.group(name)
            estimates = {
                later("recall"): group.micro,
                later("recall, mean over classes"): group.macro,
                later("top-5"): group.top5,
                later("right family"): group.family,
                later("mean confidence"): Estimate(
                    group.confidence, math.nan, math.nan, group.crops
                ),
                later("calibration error"): Estimate(group.ece, math.nan, math.nan, group.crops),
            }
            rows += [(f"{name}: {what}", *astuple(one)) for what, one in estimates.items()]
        rows.append((later("rare called frequent"), *astuple(self.rare_called_frequent)))
        rows.append((later("frequent called rare"), *astuple(self.frequent_called_rare)))
        return rows


def evaluate_predictions(predictions: Predictions, seed: int = 0) -> Metrics:
    """Count everything that an evaluation reports.

    Crops with label -1 are left out. The figures of a group without crops are NaN with n = 0.
    Shares have Wilson intervals, averages over classes the bootstrap of `macro_recall_interval`.

    Args:
        predictions: What the model said about each crop.
        seed: Seed of the bootstrap.

    Example:
        >>> metrics = evaluate_predictions(Predictions(
        ...     ("a.png", "b.png", "c.png"), [0, 1, -1], [[0.9, 0.1], [0.6, 0.4], [0.5, 0.5]],
        ...     ("3.1", "3.2"), ("freq", "rare"), ("red ring", "red ring")))
        >>> metrics.all.micro.value, metrics.rare_called_frequent.value, metrics.unlabelled
        (0.5, 1.0, 1)
        >>> metrics.as_dict()["rare"]["micro"]["n"]
        1
    """
    in_top = (predictions.top(_TOP) == predictions.labels[:, None]).any(axis=1)
    families = np.array(predictions.families)
    same_family = families[predictions.predicted] == families[predictions.labels]
    groups = {name: _group_metrics(predictions, name, in_top, same_family, seed) for name in GROUPS}
    known = int(predictions.of_group("all").sum())
    return Metrics(
        crops=known,
        unlabelled=len(predictions) - known,
        all=groups["all"],
        rare=groups["rare"],
        freq=groups["freq"],
        rare_called_frequent=_called(predictions, "rare", "freq"),
        frequent_called_rare=_called(predictions, "freq", "rare"),
        per_class=_class_table(predictions),
        seed=seed,
    )


def metrics_from_dict(plain: dict[str, Any]) -> Metrics:
    """The inverse of `Metrics.as_dict`.

    Raises:
        InputError: A key is missing or of the wrong type.

    Example:
        >>> metrics_from_dict({"crops": 3})
        Traceback (most recent call last):
        ...
        raresign.errors.InputError: metrics.json: unlabelled: Field required; run ...
    """
    try:
        return TypeAdapter(Metrics).validate_python(plain)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(
            f"metrics.json: {place}: {first['msg']}", "run `raresign evaluate`"
        ) from error


def json_ready(record: Any) -> dict[str, Any]:
    """A dataclass as dicts, lists and numbers, with None for NaN, which JSON cannot write.

    Example:
        >>> json_ready(Estimate(math.nan, 0.25, 0.5, n=3))
        {'value': None, 'low': 0.25, 'high': 0.5, 'n': 3}
    """

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        return None if isinstance(value, float) and math.isnan(value) else value

    return {key: plain(item) for key, item in asdict(record).items()}


def _group_metrics(
    predictions: Predictions,
    name: Group,
    in_top: NDArray[np.bool_],
    same_family: NDArray[np.bool_],
    seed: int,
) -> GroupMetrics:
    """The figures of one group's crops."""
    rows = predictions.of_group(name)
    n = int(rows.sum())
    confidence = predictions.confidence[rows].astype(np.float64)
    correct = predictions.correct[rows]
    classes = len(predictions.codes)
    crops = np.bincount(predictions.labels[rows], minlength=classes)
    hits = np.bincount(predictions.labels[rows][correct], minlength=classes)
    present = crops > 0
    macro = float((hits[present] / crops[present]).mean()) if n else math.nan
    return GroupMetrics(
        crops=n,
        classes=int(present.sum()),
        micro=Estimate.of_share(int(correct.sum()), n),
        macro=Estimate(macro, *macro_recall_interval(hits, crops, seed), int(present.sum())),
        top5=Estimate.of_share(int(in_top[rows].sum()), n),
        family=Estimate.of_share(int(same_family[rows].sum()), n),
        confidence=float(confidence.mean()) if n else math.nan,
        ece=calibration_error(confidence, correct),
    )


def _called(predictions: Predictions, true: Group, answered: Group) -> Estimate:
    """Share of the crops of type `true` that were called a class of type `answered`."""
    rows = predictions.of_group(true)
    called = np.array(predictions.types)[predictions.predicted[rows]] == answered
    return Estimate.of_share(int(called.sum()), int(rows.sum()))


def _class_table(predictions: Predictions) -> tuple[ClassMetrics, ...]:
    """One entry a class, in label order."""
    table = []
    for label, answers in enumerate(confusion_matrix(predictions)):
        crops, hits = int(answers.sum()), int(answers[label])
        wrong = answers.copy()
        wrong[label] = 0
        most = int(wrong.argmax())
        count = int(wrong[most])
        table.append(
            ClassMetrics(
                label=label,
                code=predictions.codes[label],
                type=predictions.types[label],
                family=predictions.families[label],
                crops=crops,
                hits=hits,
                recall=Estimate.of_share(hits, crops),
                wrong_code=predictions.codes[most] if count else None,
                wrong_count=count,
            )
        )
    return tuple(table)
