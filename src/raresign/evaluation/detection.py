"""How well a score tells known crops from unknown ones, and right answers from wrong ones."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raresign.errors import InputError

Floats = NDArray[np.float64]


def auroc(scores_known: ArrayLike, scores_unknown: ArrayLike) -> float:
    """Chance that a known crop scores above an unknown one, equal scores counting half.

    Source: J. A. Hanley, B. J. McNeil, "The meaning and use of the area under a receiver operating
    characteristic (ROC) curve", Radiology 143 (1982) 29-36.

    Args:
        scores_known: (N,) higher means known.
        scores_unknown: (M,).

    Returns:
        In [0, 1], 0.5 for a score that says nothing; NaN where a kind has no crops.

    Example:
        >>> auroc([1.0, 2.0], [0.0, 1.0])
        0.875
    """
    known, unknown = _scores(scores_known, "known"), _scores(scores_unknown, "unknown")
    if known.size == 0 or unknown.size == 0:
        return math.nan
    from sklearn.metrics import roc_auc_score  # takes a second; few commands need it

    return float(roc_auc_score(*_as_one(known, unknown)))


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

    Example:
        >>> fpr_at_tpr([1.0, 2.0, 3.0, 4.0], [0.0, 1.5, 2.0, 9.0], tpr=0.75)
        0.5
    """
    known, unknown = _scores(scores_known, "known"), _scores(scores_unknown, "unknown")
    if known.size == 0 or unknown.size == 0:
        return math.nan
    from sklearn.metrics import roc_curve

    passed, accepted, _ = roc_curve(*_as_one(known, unknown), drop_intermediate=False)
    return float(passed[np.argmax(accepted >= tpr)])


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

    Example:
        >>> accuracy_coverage([0.9, 0.5, 0.5, 0.1], [True, True, False, False])
        (array([0.25, 0.75, 1.  ]), array([1.        , 0.66666667, 0.5       ]))
    """
    value, right = _scores(score, "answered"), np.asarray(correct, dtype=bool)
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
        score, correct: See `accuracy_coverage`.

    Returns:
        In [0, 1], lower is better; NaN without crops.

    Example:
        >>> area_under_risk_coverage([0.9, 0.5, 0.5, 0.1], [True, True, True, False])
        0.0625
    """
    coverage, accuracy = accuracy_coverage(score, correct)
    if coverage.size == 0:
        return math.nan
    return float((np.diff(coverage, prepend=0.0) * (1 - accuracy)).sum())


def _as_one(known: Floats, unknown: Floats) -> tuple[Floats, Floats]:
    """Whether each crop is known, and its score, as scikit-learn takes them."""
    return np.repeat([1.0, 0.0], [known.size, unknown.size]), np.concatenate([known, unknown])


def _scores(values: ArrayLike, name: str) -> Floats:
    """`values` as finite float64 (N,)."""
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all():
        raise InputError(f"scores of {name} crops that are not finite", "check the model's output")
    return array
