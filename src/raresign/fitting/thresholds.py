"""Thresholds that keep the share of wrong answers, and that of answers lost."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv

_SURE = 0.8
"""Chance with which `threshold_for_loss` keeps its promise on new crops."""


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


def threshold_for_loss(
    score: ArrayLike, lost: float, weights: ArrayLike, otherwise: float
) -> float:
    """The highest threshold that at most a share `lost` of new crops like these will miss.

    It holds with a chance of 80 %, so few crops lose fewer of themselves: 16 give their lowest
    score for a tenth, 1,000 their 92nd lowest (of alike crops the share below the k-th lowest of
    n is Beta(k, n + 1 - k); S. S. Wilks, "Determination of sample sizes for setting tolerance
    limits", Annals of Mathematical Statistics 12, 1941). Where even the lowest is not low enough,
    the crops tell less than what was known without them.

    Args:
        score: (N,) a crop is lost where score < threshold; N may be 0.
        lost: In (0, 1).
        weights: (N,) how much each crop counts, above 0; unequal ones count as fewer crops.
        otherwise: What to use where the crops are too few; never exceeds their lowest score then.

    Example:
        >>> scores = np.arange(1, 101) / 100
        >>> threshold_for_loss(scores, 0.1, np.ones(100), 0.0)
        0.07
        >>> threshold_for_loss(scores[-5:], 0.1, np.ones(5), 0.5)
        0.5
    """
    value, weight = np.asarray(score, np.float64), np.asarray(weights, np.float64)
    order = np.argsort(value, kind="stable")
    value, weight = value[order], weight[order]
    count = weight.sum() ** 2 / max(float((weight**2).sum()), 1e-300)  # of equal weights: N
    below = np.cumsum(weight) - weight  # of the crops before each
    place = below / max(float(weight.sum()), 1e-300) * count + 1
    # A weight above the mean may reach beyond the last place.
    bound = betaincinv(place, np.maximum(count + 1 - place, 1e-9), _SURE)
    fits = np.flatnonzero(bound <= lost)
    if fits.size:
        return float(value[fits[-1]])
    return float(min([otherwise, *value[:1]]))
