"""Calibration: the reliability diagram, its error and the log-likelihood."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from raresign.errors import InputError

_SMALLEST = float(np.finfo(np.float32).tiny)
_LARGEST = 1 + 1e-6  # a float32 softmax may be a hair above 1


@dataclass(frozen=True)
class Reliability:
    """Confidence and accuracy of the crops in bins of equal width, for a reliability diagram.

    Args:
        edges: (B + 1,) from 0 to 1; bin b holds (edges[b], edges[b + 1]], the first also 0.
        counts: (B,) crops.
        confidence: (B,) mean confidence, in [0, 1]; NaN in an empty bin.
        accuracy: (B,) share recognised, in [0, 1]; NaN in an empty bin.
        ece: Expected calibration error, in [0, 1]; NaN without crops.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    confidence: tuple[float, ...]
    accuracy: tuple[float, ...]
    ece: float


def reliability(confidence: ArrayLike, correct: ArrayLike, bins: int = 15) -> Reliability:
    """The reliability diagram of the crops.

    ECE = sum over bins of counts / N x |accuracy - confidence|. Source: C. Guo et al., "On
    calibration of modern neural networks", ICML 2017, equations 2 and 3.

    Args:
        confidence: (N,) probability of the predicted class, in [0, 1].
        correct: (N,) bool, whether the prediction was right.
        bins: B, at least 1.

    Raises:
        InputError: A confidence is out of range.

    Example:
        >>> diagram = reliability([0.25, 0.75, 0.75], [False, True, False], bins=2)
        >>> diagram.counts, diagram.confidence, diagram.accuracy
        ((1, 2), (0.25, 0.75), (0.0, 0.5))
        >>> diagram.ece
        0.25
    """
    sure = np.asarray(confidence, dtype=np.float64)
    right = np.asarray(correct, dtype=np.float64)
    if not ((sure >= 0) & (sure <= _LARGEST)).all():
        raise InputError("a confidence is outside [0, 1]", "give probabilities, not scores")
    edges = np.arange(bins + 1) / bins
    place = np.digitize(sure, edges[1:-1], right=True)
    counts = np.bincount(place, minlength=bins)
    sums = [np.bincount(place, weights=values, minlength=bins) for values in (sure, right)]
    filled = np.maximum(counts, 1)
    means = [np.where(counts > 0, total / filled, math.nan) for total in sums]
    gaps = np.bincount(place, weights=right - sure, minlength=bins)
    return Reliability(
        edges=tuple(edges.tolist()),
        counts=tuple(counts.tolist()),
        confidence=tuple(means[0].tolist()),
        accuracy=tuple(means[1].tolist()),
        ece=float(np.abs(gaps).sum() / sure.size) if sure.size else math.nan,
    )


def calibration_error(confidence: ArrayLike, correct: ArrayLike) -> float:
    """The expected calibration error of `reliability` with its 15 bins, in [0, 1].

    Example:
        >>> calibration_error([0.75, 0.75, 0.75, 0.75], [True, True, True, False])
        0.0
    """
    return reliability(confidence, correct).ece


def negative_log_likelihood(probabilities: ArrayLike, labels: ArrayLike) -> float:
    """The mean of -log p(true class) over the labelled crops, in nats: a proper scoring rule.

    A probability below 1.2e-38, which float32 has as 0, counts as 1.2e-38: 87 nats and no more.
    Source: T. Gneiting, A. E. Raftery, "Strictly proper scoring rules, prediction, and
    estimation", JASA 102, 2007, section 4 (the logarithmic score).

    Args:
        probabilities: (N, C) in [0, 1].
        labels: (N,) integers in [0, C); crops with -1 are left out.

    Returns:
        In [0, 87.4]; NaN without labelled crops.

    Example:
        >>> print(f"{negative_log_likelihood([[0.5, 0.5], [0.25, 0.75]], [0, -1]):.4f}")
        0.6931
    """
    table = np.asarray(probabilities, dtype=np.float64)
    classes = np.asarray(labels, dtype=np.int64)
    known = np.flatnonzero(classes >= 0)
    right = table[known, classes[known]]
    if not known.size:
        return math.nan
    return float(-np.log(np.clip(right, _SMALLEST, 1.0)).mean())
