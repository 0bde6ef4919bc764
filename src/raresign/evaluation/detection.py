"""How well a score tells known crops from unknown ones, and right answers from wrong ones."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raresign.errors import InputError
from raresign.evaluation.intervals import RESAMPLES, Estimate, percentile_interval

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def auroc(scores_known: ArrayLike, scores_unknown: ArrayLike) -> float:
    """Chance that a known crop scores above an unknown one, equal scores counting half.

    With R the sum of the known crops' mid-ranks among all N + M::

        AUROC = (R - N (N + 1) / 2) / (N M)

    Source: J. A. Hanley, B. J. McNeil, "The meaning and use of the area under a receiver operating
    characteristic (ROC) curve", Radiology 143 (1982) 29-36.

    Args:
        scores_known: (N,) higher means known.
        scores_unknown: (M,).

    Returns:
        In [0, 1], 0.5 for a score that says nothing; NaN where a kind has no crops.

    Raises:
        InputError: Not one-dimensional, or a NaN.

    Example:
        >>> auroc([1.0, 2.0], [0.0, 1.0])
        0.875
    """
    known, unknown = _scores(scores_known, "known"), _scores(scores_unknown, "unknown")
    if known.size == 0 or unknown.size == 0:
        return math.nan
    values = np.concatenate([known, unknown])
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[inverse.reshape(-1)]
    n = known.size
    return float((rank[:n].sum() - n * (n + 1) / 2) / (n * unknown.size))


def auroc_estimate(
    scores_known: ArrayLike,
    scores_unknown: ArrayLike,
    seed: int = 0,
    clusters_known: ArrayLike | None = None,
    clusters_unknown: ArrayLike | None = None,
) -> Estimate:
    """`auroc` with its bootstrap interval: known and unknown crops are drawn anew, each apart.

    With clusters whole clusters are drawn, since frames of one physical sign are no independent
    crops. Each kind also gets one cluster (of mean size) below and one above all scores, as Agresti
    and Caffo add one hit and one miss (The American Statistician 54 (2000) 280-288): few crops
    that happen to be told apart are not told apart for certain. The draws are shifted back.
    In simulations it covers the truth in 95 % (hundreds of crops) to 100 % (ten) of the cases.
    Source: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 8.

    Args:
        scores_known: (N,) higher means known.
        scores_unknown: (M,).
        seed: Seed of the resampling.
        clusters_known: (N,) which physical sign (or track) each crop shows; default each its own.
        clusters_unknown: (M,) the same for the unknown crops.

    Returns:
        The value, its 95 % interval in [0, 1] and n = N + M; all NaN where a kind has no crops.

    Raises:
        InputError: As `auroc`; clusters that are not one a crop.

    Example:
        >>> found = auroc_estimate([3.0, 4.0, 5.0], [0.0, 1.0, 2.0])
        >>> found.value, found.low < 0.9, found.n
        (1.0, True, 6)
    """
    known, unknown = _scores(scores_known, "known"), _scores(scores_unknown, "unknown")
    value, crops = auroc(known, unknown), known.size + unknown.size
    groups = (
        _clusters(clusters_known, known.size, "known"),
        _clusters(clusters_unknown, unknown.size, "unknown"),
    )
    if math.isnan(value):
        return Estimate(value, math.nan, math.nan, crops)
    outer = np.array([-np.inf, np.inf])
    _, places = np.unique(np.concatenate([known, outer, unknown, outer]), return_inverse=True)
    split = np.split(places.reshape(-1), [known.size + 2])
    weight_known, weight_unknown = (_padded_weights(group) for group in groups)
    member_known, member_unknown = (_padded_members(group) for group in groups)
    centre = _area(split[0], weight_known, split[1], weight_unknown)
    rng = np.random.default_rng(seed)
    draws = np.array(
        [
            _area(
                split[0],
                weight_known * _times_drawn(rng, member_known),
                split[1],
                weight_unknown * _times_drawn(rng, member_unknown),
            )
            for _ in range(RESAMPLES)
        ]
    )
    low, high = percentile_interval(draws - centre + value)
    return Estimate(value, max(0.0, min(low, value)), min(1.0, max(high, value)), crops)


def fpr_at_tpr(scores_known: ArrayLike, scores_unknown: ArrayLike, tpr: float = 0.95) -> float:
    """Share of the unknown crops that pass the threshold which accepts `tpr` of the known ones.

    The threshold is the highest known score s such that at least `tpr` of the known crops score
    s or more. Source: S. Liang, Y. Li, R. Srikant, "Enhancing the reliability of
    out-of-distribution image detection in neural networks", ICLR 2018.

    Args:
        scores_known: (N,) higher means known.
        scores_unknown: (M,).
        tpr: Share of the known crops to accept, in (0, 1].

    Returns:
        In [0, 1], lower is better; NaN where a kind has no crops.

    Raises:
        InputError: Not one-dimensional, a NaN, or a `tpr` out of range.

    Example:
        >>> fpr_at_tpr([1.0, 2.0, 3.0, 4.0], [0.0, 1.5, 2.0, 9.0], tpr=0.75)
        0.5
    """
    known, unknown = _scores(scores_known, "known"), _scores(scores_unknown, "unknown")
    if not 0 < tpr <= 1:
        raise InputError(f"a true positive rate of {tpr}", "use a share above 0, at most 1")
    if known.size == 0 or unknown.size == 0:
        return math.nan
    # k / n, not ceil(tpr * n): 0.07 * 100 is a hair above 7.
    accepted = np.arange(1, known.size + 1) / known.size >= tpr
    threshold = np.sort(known)[::-1][int(accepted.argmax())]
    return float((unknown >= threshold).mean())


def accuracy_coverage(score: ArrayLike, correct: ArrayLike) -> tuple[Floats, Floats]:
    """Share of crops answered, and share of answers that are right, from strict to lenient.

    One point for each of the K distinct scores, taken as the threshold (score >= threshold).
    Source: R. Geifman, R. El-Yaniv, "Selective classification for deep neural networks",
    NIPS 2017 (risk = 1 - accuracy).

    Args:
        score: (N,) higher means surer.
        correct: (N,) bool.

    Returns:
        coverage (K,), rising to 1, and accuracy (K,), both in [0, 1]; empty without crops.

    Raises:
        InputError: Shapes that differ, or a NaN.

    Example:
        >>> accuracy_coverage([0.9, 0.5, 0.5, 0.1], [True, True, False, False])
        (array([0.25, 0.75, 1.  ]), array([1.        , 0.66666667, 0.5       ]))
    """
    value, right = _scores(score, "answered"), np.asarray(correct, dtype=bool)
    if right.shape != value.shape:
        raise InputError(f"score {value.shape}, correct {right.shape}", "give (N,) each")
    order = np.argsort(-value, kind="stable")
    answered = np.arange(1, value.size + 1)
    # Equal scores pass a threshold together: only the last of them is a point.
    last = np.append(value[order][1:] != value[order][:-1], np.ones(min(value.size, 1), bool))
    accuracy = np.cumsum(right[order])[last] / answered[last]
    return answered[last] / max(value.size, 1), accuracy


def area_under_risk_coverage(score: ArrayLike, correct: ArrayLike) -> float:
    """Mean over the crops of the share of wrong answers at the threshold of their own score.

    That is the area under the risk-coverage curve as steps, whatever the order of equal scores.
    Sources: the curve of `accuracy_coverage` (Geifman, El-Yaniv 2017); its area in Y. Geifman,
    G. Uziel, R. El-Yaniv, "Bias-reduced uncertainty estimation for deep neural classifiers",
    ICLR 2019.

    Args:
        score: (N,) higher means surer.
        correct: (N,) bool.

    Returns:
        In [0, 1], lower is better; NaN without crops.

    Raises:
        InputError: As `accuracy_coverage`.

    Example:
        >>> area_under_risk_coverage([0.9, 0.5, 0.5, 0.1], [True, True, True, False])
        0.0625
    """
    coverage, accuracy = accuracy_coverage(score, correct)
    if coverage.size == 0:
        return math.nan
    return float((np.diff(coverage, prepend=0.0) * (1 - accuracy)).sum())


def _area(a: Integers, weight_a: Floats, b: Integers, weight_b: Floats) -> float:
    """AUROC of weighted crops; `a` and `b` are the places of their scores in one sorted list."""
    size = max(int(a.max()), int(b.max())) + 1
    known = np.bincount(a, weight_a, size)
    unknown = np.bincount(b, weight_b, size)
    below = np.cumsum(unknown) - unknown / 2
    return float((known * below).sum() / (known.sum() * unknown.sum()))


def _padded_weights(groups: Integers) -> Floats:
    """(N + 2,) weights: 1 a crop, then twice the mean size of a cluster."""
    return np.append(np.ones(groups.size), [groups.size / (groups.max() + 1)] * 2)


def _padded_members(groups: Integers) -> Integers:
    """(N + 2,) cluster numbers: those of the crops, then two clusters of their own."""
    count = groups.max() + 1
    return np.append(groups, [count, count + 1])


def _times_drawn(rng: np.random.Generator, members: Integers) -> Integers:
    """(N,) how often each crop's cluster comes up when as many clusters as there are are drawn."""
    count = int(members.max()) + 1
    drawn: Integers = np.bincount(rng.integers(0, count, count), minlength=count)[members]
    return drawn


def _clusters(clusters: ArrayLike | None, n: int, name: str) -> Integers:
    """(N,) int64 cluster numbers 0..G-1."""
    if clusters is None:
        return np.arange(n, dtype=np.int64)
    given = np.asarray(clusters)
    if given.shape != (n,):
        raise InputError(f"{n} {name} crops, clusters of shape {given.shape}", "give one a crop")
    numbers: Integers = np.unique(given, return_inverse=True)[1].astype(np.int64)
    return numbers


def _scores(values: ArrayLike, name: str) -> Floats:
    """`values` as float64 (N,) without NaN."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise InputError(f"scores of {name} crops of shape {array.shape}", "give (N,)")
    if np.isnan(array).any():
        raise InputError(f"scores of {name} crops with NaN", "check the model's output")
    return array
