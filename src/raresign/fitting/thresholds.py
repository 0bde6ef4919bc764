"""Thresholds that keep the share of wrong answers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def threshold_for_error(
    score: ArrayLike, correct: ArrayLike, accepted_error: float, weights: ArrayLike
) -> float:
    """The lowest threshold at which at most `accepted_error` of the answers are wrong.

    A crop is answered where score >= threshold. A larger `accepted_error` never gives a higher
    threshold. It holds on these crops; on new ones the error varies (R. Geifman, R. El-Yaniv,
    "Selective classification for deep neural networks", NIPS 2017, bound how far).

    Args:
        score: (N,) higher means surer; N at least 1.
        correct: (N,) bool; a wrong class and an unknown crop are both wrong.
        accepted_error: Share of wrong answers among all answers, in [0, 1].
        weights: (N,) how much each crop counts, above 0.

    Returns:
        One of the scores; just above the highest (in float64) where no threshold will do.

    Example:
        >>> threshold_for_error([0.9, 0.8, 0.7, 0.6], [True, True, False, True], 0.25, [1] * 4)
        0.6
        >>> threshold_for_error([0.9, 0.8, 0.7, 0.6], [True, True, False, True], 0.2, [1] * 4)
        0.8
    """
    value, weight = np.asarray(score, np.float64), np.asarray(weights, np.float64)
    order = np.argsort(-value, kind="stable")
    value, right, weight = value[order], np.asarray(correct, bool)[order], weight[order]
    error = np.cumsum(weight * ~right) / np.cumsum(weight)
    last = np.append(value[1:] != value[:-1], True)  # equal scores are answered together
    fits = np.flatnonzero(last & (error <= accepted_error))
    return float(value[fits[-1]] if fits.size else np.nextafter(value[0], np.inf))
