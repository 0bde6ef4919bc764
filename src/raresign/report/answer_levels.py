"""How exactly a run dared to answer, and how right it was where it did."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raresign.evaluation.crop_answers import CropAnswer
from raresign.evaluation.detection import accuracy_coverage, area_under_risk_coverage
from raresign.evaluation.intervals import Estimate
from raresign.evaluation.predictions import GROUPS, Group, Predictions
from raresign.report.share_curve import Curve, share_plot

LEVEL_NAMES = (
    ("class", "a class"),
    ("family", "unknown sign of a family"),
    ("sign", "unknown sign"),
    ("none", "no sign"),
)
"""The levels of an answer from exact to vague, and what the page calls them."""

_FIRST_ANSWERS = 10


@dataclass(frozen=True)
class LevelCell:
    """The crops of one group that were answered at one level.

    Args:
        count: How many.
        share: Their share of the group.
        right: Share of them whose class (level "class") or family (level "family") is right; None
            at a level that names neither.
    """

    count: int
    share: Estimate
    right: Estimate | None


@dataclass(frozen=True)
class Dared:
    """What a run dared to answer.

    Args:
        rows: (level in words, what is right there, its cell of all, rare and freq) a level.
        chart: The accuracy-coverage curve as SVG; "" for a run that always answers with a class.
        legend: (CSS class, words) a curve.
    """

    rows: tuple[tuple[str, str, tuple[LevelCell, ...]], ...]
    chart: str
    legend: tuple[tuple[str, str], ...]


def dared(predictions: Predictions, answers: Sequence[CropAnswer]) -> Dared | None:
    """Level by group, and accuracy against coverage; None without labelled crops.

    The curve: R. Geifman, R. El-Yaniv, "Selective classification for deep neural networks",
    NIPS 2017, with the chance that the class is known as score.

    Args:
        predictions: The fused probabilities.
        answers: One a row of the predictions.

    Example:
        >>> predictions = Predictions(("a", "b"), [0, 1], [[0.9, 0.1], [0.8, 0.2]],
        ...                           ("3.1", "3.2"), ("freq", "rare"), ("red ring", "red ring"))
        >>> said = ("red ring", 1.0, 1.0, "3.1", "3.1", (), (), ())
        >>> answers = [CropAnswer("a", "class", 0.9, *said), CropAnswer("b", "family", 0.2, *said)]
        >>> [(words, cells[0].count) for words, _, cells in dared(predictions, answers).rows]
        [('a class', 1), ('unknown sign of a family', 1), ('unknown sign', 0), ('no sign', 0)]
    """
    if not predictions.of_group("all").any():
        return None
    families = np.array([*predictions.families, ""])  # label -1 picks the last
    named = np.array([answer.family for answer in answers])
    right = {"class": predictions.correct, "family": named == families[predictions.labels]}
    level = np.array([answer.level for answer in answers])
    rows = tuple(
        (
            words,
            name if name in right else "",
            tuple(_cell(level == name, right.get(name), predictions.of_group(g)) for g in GROUPS),
        )
        for name, words in LEVEL_NAMES
    )
    known = np.array([answer.known for answer in answers], np.float64)
    if (level == "class").all() and (known == known[0]).all():
        return Dared(rows, "", ())
    curves, legend = _curves(predictions, known, level == "class")
    lowest = min(y for curve in curves for _, y in curve.points)
    chart = share_plot(
        "Accuracy and coverage",
        ("crops answered with a class", "of these right"),
        curves,
        bottom=_bottom(lowest),
    )
    return Dared(rows, chart, legend)


def _bottom(lowest: float) -> float:
    """Where the axis begins so that it holds `lowest` and begins at a marked share."""
    gap = 0.1 if lowest >= 0.5 else 0.2
    return min(0.9, math.floor(lowest / gap + 1e-9) * gap)


def _cell(
    at_level: NDArray[np.bool_], right: NDArray[np.bool_] | None, of_group: NDArray[np.bool_]
) -> LevelCell:
    """Count and shares of the crops of a group at a level."""
    here = at_level & of_group
    count = int(here.sum())
    return LevelCell(
        count,
        Estimate.of_share(count, int(of_group.sum())),
        None if right is None else Estimate.of_share(int((right & here).sum()), count),
    )


def _curves(
    predictions: Predictions, known: NDArray[np.float64], answered: NDArray[np.bool_]
) -> tuple[list[Curve], tuple[tuple[str, str], ...]]:
    """A curve for each group with crops, then a dot where its run stands; and the legend."""
    names: dict[Group, str] = {"all": "all crops", "rare": "rare", "freq": "frequent"}
    lines, dots, legend = [], [], []
    for group in GROUPS:
        rows = predictions.of_group(group)
        count = int(rows.sum())
        if not count:
            continue
        score, right = known[rows], predictions.correct[rows]
        coverage, accuracy = accuracy_coverage(score, right)
        # The share right among a handful of answers jumps about and says nothing.
        shown = coverage * count >= min(_FIRST_ANSWERS, count) - 0.5
        points = zip(coverage[shown].tolist(), accuracy[shown].tolist(), strict=True)
        css = f"curve-{group}"
        lines.append(Curve(tuple(points), css))
        taken = answered[rows]
        if taken.any():
            dots.append(
                Curve(((float(taken.mean()), float(right[taken].mean())),), f"mark {css}", (5.5,))
            )
        area = area_under_risk_coverage(score, right)
        legend.append((css, f"{names[group]} (AURC {area:.3f})"))
    return [*lines, *dots], tuple(legend)
