"""The levels at which a run answered, from a class to "no sign", and the accuracy at each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raresign.evaluation.crop_answers import CropAnswer
from raresign.evaluation.detection import accuracy_coverage, area_under_risk_coverage
from raresign.evaluation.intervals import Estimate
from raresign.evaluation.predictions import GROUPS, Predictions
from raresign.language.spoken import _, later
from raresign.report.plot import Curve, draw_plot, share_axis
from raresign.report.words import number

LEVEL_NAMES = {
    "class": later("class"),
    "family": later("unknown sign of a family"),
    "sign": later("unknown sign"),
    "none": later("no sign"),
}
"""Level of an answer, from exact to vague -> words."""
_RIGHT = {"class": later("class right: {range} %"), "family": later("family right: {range} %")}

GROUP_NAMES = {"all": later("all crops"), "rare": later("rare"), "freq": later("frequent")}
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


def answer_counts(
    predictions: Predictions, answers: Sequence[CropAnswer]
) -> tuple[int, int, int, int]:
    """Of the crops with a known class: how many, named with a class, rightly named, no sign.

    Args:
        predictions: The fused probabilities.
        answers: One a row of the predictions.
    """
    rows = predictions.of_group("all")
    levels = np.array([answer.level for answer in answers])[rows]
    named = levels == "class"
    right = int(predictions.correct[rows][named].sum())
    return len(levels), int(named.sum()), right, int((levels == "none").sum())


def level_rows(
    predictions: Predictions, answers: Sequence[CropAnswer]
) -> list[tuple[str, str, list[LevelCell]]]:
    """For each level: its name in words, how a range of what is right is told, a cell a group.

    Args:
        predictions: The fused probabilities.
        answers: One a row of the predictions.

    Example:
        >>> predictions = Predictions(("a", "b"), [0, 1], [[0.9, 0.1], [0.8, 0.2]],
        ...                           ("3.1", "3.2"), ("freq", "rare"), ("red ring", "red ring"))
        >>> rest = ("red ring", 1.0, 1.0, "3.1", "3.1", (), (), ())
        >>> answers = [CropAnswer("a", "class", 0.9, *rest), CropAnswer("b", "family", 0.2, *rest)]
        >>> [(words, cells[0].count) for words, _told, cells in level_rows(predictions, answers)]
        [('class', 1), ('unknown sign of a family', 1), ('unknown sign', 0), ('no sign', 0)]
    """
    families = np.array([*predictions.families, ""])  # label -1 picks the last
    named = np.array([answer.family for answer in answers])
    right = {"class": predictions.correct, "family": named == families[predictions.labels]}
    levels = np.array([answer.level for answer in answers])
    rows = []
    for level, words in LEVEL_NAMES.items():
        cells = []
        for group in GROUPS:
            of_group = predictions.of_group(group)
            here = of_group & (levels == level)
            count = int(here.sum())
            share = Estimate.of_share(count, int(of_group.sum()))
            hits = int(right[level][here].sum()) if level in right else None
            accuracy = None if hits is None else Estimate.of_share(hits, count)
            cells.append(LevelCell(count, share, accuracy))
        rows.append((_(words), _RIGHT.get(level, ""), cells))
    return rows


def coverage_plot(
    predictions: Predictions, answers: Sequence[CropAnswer]
) -> tuple[str, list[tuple[str, str]]]:
    """Accuracy against coverage as SVG, and its legend; "" for a run that always names a class.

    Crops are answered by falling chance that their class is known. A curve for each group with
    crops; a dot marks the share that the run answers with a class. Source: R. Geifman,
    R. El-Yaniv, "Selective classification for deep neural networks", NIPS 2017.
    """
    known = np.array([answer.known for answer in answers], np.float64)
    answered = np.array([answer.level == "class" for answer in answers])
    if answered.all() and (known == known[0]).all():
        return "", []
    lines, dots, legend = [], [], []
    for group in GROUPS:
        rows = predictions.of_group(group)
        count = int(rows.sum())
        if not count:
            continue
        score, right, taken = known[rows], predictions.correct[rows], answered[rows]
        coverage, accuracy = accuracy_coverage(score, right)
        # The accuracy of a handful of answers jumps about and says nothing.
        shown = coverage * count >= min(_FIRST_ANSWERS, count) - 0.5
        points = list(zip(coverage[shown].tolist(), accuracy[shown].tolist(), strict=True))
        css = f"curve-{group}"
        lines.append(Curve(points, css))
        if taken.any():
            point = (float(taken.mean()), float(right[taken].mean()))
            dots.append(Curve([point], f"mark {css}", (5.5,)))
        area = area_under_risk_coverage(score, right)
        legend.append((css, f"{_(GROUP_NAMES[group])} (AURC {number(area, 3)})"))
    lowest = min(y for curve in (*lines, *dots) for _x, y in curve.points)
    across, up = share_axis(_("crops answered with a class")), share_axis(_("accuracy"), lowest)
    return draw_plot(_("Accuracy over coverage"), across, up, [*lines, *dots]), legend
