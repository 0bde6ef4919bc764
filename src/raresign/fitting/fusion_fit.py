"""Fits the rule that joins classifier and prototypes on held-out crops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp

from raresign.answers.fusion import Fusion, checked_scores
from raresign.errors import InputError

Floats = NDArray[np.float64]

PARTS = ("logits", "prototypes", "bias")
"""What `fit_fusion` can fit: logit_scale, prototype_scale and rare_bias."""

_UNITS = (1.0, 10.0, 1.0)  # sizes usual for the three: a temperature of the cosines is near 0.1
_RIDGE = 1e-4


def fit_fusion(
    logits: ArrayLike,
    cosines: ArrayLike,
    labels: ArrayLike,
    rare: ArrayLike,
    weights: ArrayLike | None = None,
    parts: Sequence[str] = PARTS,
    bias_ridge: float = _RIDGE,
) -> Fusion:
    """The rule with the least weighted mean negative log-likelihood on these crops.

    Minimised, over the named parts, with a >= 0 and b >= 0::

        sum_i w_i (-log p_i(label_i)) / sum_i w_i + 1e-4 ((a - 1)^2 + (b / 10)^2) + bias_ridge r^2

    It is convex in (a, b, r). The last terms keep the answer finite where crops are recognised
    without a mistake; b is measured in tens, the usual size of the inverse temperature of a cosine.
    A part left out keeps b = 0, r = 0 and a = 1, or a = 0 if "prototypes" is named. The crops
    must not be those that the classifier was trained on, nor rows of the index.

    Args:
        logits: (N, C) finite floats.
        cosines: (N, C) finite floats.
        labels: (N,) integers in [0, C); crops with -1 are left out.
        rare: (C,) bool.
        weights: (N,) of at least 0; None counts every crop alike. See `balanced_weights`.
        parts: Names from `PARTS`, at least one.
        bias_ridge: Above 0; holds r back where few classes tell of it.

    Raises:
        InputError: Shapes that do not belong together, no crop that counts, a number that is not
            finite.

    Example:
        >>> logits = np.array([[4.0, 0.0]] * 4)  # sure of 0.98, right in 3 of 4 cases
        >>> labels, rare, none = [0, 0, 0, 1], [False, True], np.zeros((4, 2))
        >>> fusion = fit_fusion(logits, none, labels, rare, parts=["logits"])
        >>> print(f"{fusion.probabilities(logits, none, rare)[0, 0]:.2f}")
        0.75
    """
    logit, cosine, is_rare = checked_scores(logits, cosines, rare)
    truth, share = counted(logit, labels, weights)
    rows = np.flatnonzero(share)
    truth, share = truth[rows], share[rows]
    features = np.stack(
        [
            unit * np.broadcast_to(values.astype(np.float64), logit.shape)[rows]
            for unit, values in zip(_UNITS, (logit, cosine, is_rare), strict=True)
        ]
    )
    if not np.isfinite(features).all():
        raise InputError("a logit or a cosine is not finite", "look for the crop that gives it")
    ridges = np.array([_RIDGE, _RIDGE, bias_ridge])
    neutral = np.array([0.0 if "logits" not in parts and "prototypes" in parts else 1.0, 0, 0])
    own = features[:, np.arange(len(rows)), truth]

    def loss(values: Floats) -> tuple[float, Floats]:
        scores = np.tensordot(values, features, axes=1)
        total = logsumexp(scores, axis=1)
        chances = np.exp(scores - total[:, None])
        away = values - neutral
        value = share @ (total - values @ own) + ridges @ away**2
        expected = np.einsum("pnc,nc->pn", features, chances)
        return float(value), (expected - own) @ share + 2 * ridges * away

    lowest = (0.0, 0.0, None)
    bounds = [
        (least, None) if name in parts else (start, start)
        for name, least, start in zip(PARTS, lowest, neutral, strict=True)
    ]
    options = {"maxiter": 1000, "ftol": 1e-15, "gtol": 1e-9}
    found = minimize(loss, neutral, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return Fusion(*(found.x * _UNITS).tolist())


def counted(
    logits: NDArray[Any], labels: ArrayLike, weights: ArrayLike | None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Labels of crops and their shares of a loss, which sum to 1; 0 where the label is -1.

    Args:
        logits: (N, C).
        labels: (N,) integers in [-1, C).
        weights: (N,) of at least 0; None for all alike.

    Raises:
        InputError: No crop has a label and a weight above 0.

    Example:
        >>> counted(np.zeros((3, 2)), [1, -1, 0], None)[1].tolist()
        [0.5, 0.0, 0.5]
    """
    label = np.asarray(labels, np.int64)
    given = np.ones(len(logits)) if weights is None else np.asarray(weights, np.float64)
    given = given * (label >= 0)
    if not given.sum() > 0:
        raise InputError("no crop counts", "give crops with a label and a weight above 0")
    return label, given / given.sum()


def balanced_weights(labels: ArrayLike, rare_played: ArrayLike) -> NDArray[np.float32]:
    """Weights under which the crops that play a rare class count half, and the frequent ones half.

    Args:
        labels: (N,) integers; a crop with -1 weighs 0.
        rare_played: (N,) bool, which crops play a rare class.

    Returns:
        (N,) float32 that sum to 1, equal inside each group. A group without crops leaves all to
        the other.

    Example:
        >>> balanced_weights([3, 0, 0, 1, 2], [True, False, False, False, False]).tolist()
        [0.5, 0.125, 0.125, 0.125, 0.125]
    """
    known, played = np.asarray(labels) >= 0, np.asarray(rare_played)
    weights = np.zeros(known.shape, np.float32)
    for group in (known & played, known & ~played):
        weights += group / np.float32(max(1, group.sum()))
    shares: NDArray[np.float32] = weights / np.maximum(weights.sum(), np.float32(1e-12))
    return shares
