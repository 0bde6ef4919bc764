"""Classifier and prototypes side by side, and the calibration of both together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from raresign.evaluation.calibration import negative_log_likelihood, reliability
from raresign.evaluation.crop_answers import CropAnswer
from raresign.evaluation.intervals import Estimate
from raresign.evaluation.predictions import GROUPS, Group, Predictions
from raresign.language.spoken import _, later
from raresign.report.plot import Curve, draw_plot, share_axis

_LEAST_DOT, _LARGEST_DOT = 2.0, 11.0


class Part(NamedTuple):
    """How well one part of the model does alone; every figure is a share of labelled crops."""

    name: str
    all: Estimate
    rare: Estimate
    freq: Estimate
    rare_called_frequent: Estimate


def part_rows(predictions: Predictions, answers: Sequence[CropAnswer]) -> list[Part]:
    """Recall of classifier alone, prototypes alone and both together; none without prototypes.

    Args:
        predictions: The fused probabilities.
        answers: One a row of the predictions.

    Example:
        >>> predictions = Predictions(("a", "b"), [0, 1], [[0.9, 0.1], [0.8, 0.2]],
        ...                           ("3.1", "3.2"), ("freq", "rare"), ("red ring", "red ring"))
        >>> answers = [CropAnswer(path, "class", 1.0, "red ring", 1.0, 1.0, "3.1", "3.2",
        ...                       ("3.2",), ("icon",), (0.5,)) for path in "ab"]
        >>> [(part.name, part.rare.value) for part in part_rows(predictions, answers)]
        [('classifier alone', 0.0), ('prototypes alone', 1.0), ('both, fused', 0.0)]
    """
    if not any(answer.neighbours for answer in answers):
        return []
    label_of = {code: label for label, code in enumerate(predictions.codes)}
    answered = {
        later("classifier alone"): [label_of.get(answer.classifier, -1) for answer in answers],
        later("prototypes alone"): [label_of.get(answer.prototypes, -1) for answer in answers],
        later("both, fused"): predictions.predicted.tolist(),
    }
    types = np.array([*predictions.types, "unknown"])  # label -1 picks the last
    rows = []
    for name, found in answered.items():
        labels = np.array(found, np.int64)
        right = (labels == predictions.labels) & (labels >= 0)
        shares = [_share(right, predictions.of_group(group)) for group in GROUPS]
        shares.append(_share(types[labels] == "freq", predictions.of_group("rare")))
        rows.append(Part(name, *shares))
    return rows


def _share(hits: NDArray[np.bool_], rows: NDArray[np.bool_]) -> Estimate:
    return Estimate.of_share(int(hits[rows].sum()), int(rows.sum()))


def log_likelihoods(predictions: Predictions) -> dict[Group, float]:
    """Group -> negative log-likelihood of the true class, in nats; NaN without crops."""
    masks = {group: predictions.of_group(group) for group in GROUPS}
    return {
        group: negative_log_likelihood(predictions.probabilities[rows], predictions.labels[rows])
        for group, rows in masks.items()
    }


def reliability_plot(predictions: Predictions) -> str:
    """The reliability diagram of the fused probabilities as SVG, a curve for each group.

    A dot for each bin with crops; its area is their share of the group.
    """
    curves = []
    for group in GROUPS:
        rows = predictions.of_group(group)
        diagram = reliability(predictions.confidence[rows], predictions.correct[rows])
        bins = list(zip(diagram.confidence, diagram.accuracy, diagram.counts, strict=True))
        points = [(confidence, accuracy) for confidence, accuracy, count in bins if count]
        radii = [
            max(_LEAST_DOT, _LARGEST_DOT * math.sqrt(count / sum(diagram.counts)))
            for *_places, count in bins
            if count
        ]
        curves.append(Curve(points, f"curve-{group}", radii))
    axes = share_axis(_("confidence")), share_axis(_("accuracy"))
    return draw_plot(
        _("Reliability diagram: accuracy over confidence"), *axes, curves, diagonal=True
    )
