"""95 % intervals of shares and averages: how far a number may be off because the crops are few.

Every interval takes the crops as independent. Several crops of one physical sign (neighbouring
video frames) make the true uncertainty larger than what stands here.

No interval has zero width only because nothing went wrong (or nothing went right) in a small
sample: the resampling mixes in a little of "the other outcome", as the Wilson interval does for
plain shares.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BeforeValidator

Number = Annotated[float, BeforeValidator(lambda value: math.nan if value is None else value)]
"""A number that may be NaN; JSON has null for it."""

RESAMPLES = 2000
"""How often a bootstrap resamples."""


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval and the count that it rests on.

    Args:
        value: The number, NaN where nothing was counted.
        low: Lower end of the interval, NaN where there is none.
        high: Upper end of the interval, NaN where there is none.
        n: Crops that it rests on (for an average over classes: classes).

    Example:
        >>> Estimate.of_share(9, 10)
        Estimate(value=0.9, low=0.5958..., high=0.9821..., n=10)
    """

    value: Number
    low: Number
    high: Number
    n: int

    @classmethod
    def of_share(cls, hits: int, n: int) -> Estimate:
        """The share hits / n with its Wilson interval; all NaN where `n` is 0."""
        low, high = wilson_interval(hits, n)
        return cls(hits / n if n else math.nan, low, high, n)


def wilson_interval(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of the share hits / n; (nan, nan) where `n` is 0.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    JASA 22 (1927) 209-212.

    Raises:
        ValueError: `hits` is not in 0..n.

    Example:
        >>> low, high = wilson_interval(81, 263)
        >>> round(low, 4), round(high, 4)
        (0.2553, 0.3662)
    """
    from scipy.stats import binomtest  # takes half a second; most commands need no figures

    if hits == n == 0:
        return math.nan, math.nan
    low, high = binomtest(hits, n).proportion_ci(method="wilson")
    return _within((float(low), float(high)), hits / n, 0.0)


def percentile_interval(draws: ArrayLike) -> tuple[float, float]:
    """The 2.5 % and 97.5 % quantiles of (B,) bootstrap draws.

    Source: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13.

    Example:
        >>> percentile_interval(range(1001))
        (25.0, 975.0)
    """
    low, high = np.quantile(np.asarray(draws, dtype=np.float64), [0.025, 0.975])
    return float(low), float(high)


def bootstrap_means(
    values: ArrayLike, rng: np.random.Generator, weights: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Means of n crops drawn anew, with replacement.

    The counts of the distinct values are multinomial, so they are drawn instead of the crops: the
    same distribution at a fraction of the cost.

    Args:
        values: (D,) values, finite.
        rng: Source of the draws.
        weights: (D,) how many crops have each value (their sum, rounded, is n); default one each.

    Returns:
        (RESAMPLES,) float64.

    Example:
        >>> draws = bootstrap_means([0.0, 1.0, 1.0, 1.0], np.random.default_rng(0))
        >>> draws.shape, abs(float(draws.mean()) - 0.75) < 0.02
        ((2000,), True)
    """
    array = np.asarray(values, dtype=np.float64)
    counts = np.ones(array.size) if weights is None else np.asarray(weights, dtype=np.float64)
    distinct, inverse = np.unique(array, return_inverse=True)
    shares = np.bincount(inverse.reshape(-1), weights=counts) / counts.sum()
    n = max(1, round(float(counts.sum())))
    drawn: NDArray[np.float64] = rng.multinomial(n, shares, size=RESAMPLES) @ distinct / n
    return drawn


def macro_recall_interval(hits: ArrayLike, crops: ArrayLike, seed: int) -> tuple[float, float]:
    """Interval of the mean over classes of recall: crops drawn anew within each class.

    The stratified percentile bootstrap, with one change. Resampling the one crop of a class
    gives that crop again, so tiny classes would seem to be known exactly: on simulated tests with
    1..40 crops a class the plain form covers the truth in 74..84 % of the cases instead of 95 %,
    with 1..5 crops in 67..71 %. So class c of K draws from the recall
    (h_c + q + 2/K) / (n_c + 1 + 4/K): its own, moved by one crop's weight towards
    q = (sum h + 2) / (sum n + 4), the recall of all crops together, and by the two hits and two
    misses of Agresti and Coull (The American Statistician 52 (1998) 119-126), spread over all
    classes. The draws are then shifted back to the measured mean. That form covers 93..99 % in all
    of these cases (``tests/test_intervals.py`` simulates both).

    Args:
        hits: (C,) crops of each class that were recognised.
        crops: (C,) crops of each class; classes with none are left out.
        seed: Seed of the resampling.

    Returns:
        (low, high) in [0, 1]; (nan, nan) without crops.

    Example:
        >>> low, high = macro_recall_interval([9, 40, 1], [10, 80, 1], seed=0)
        >>> 0.4 < low < 0.8 < high <= 1.0
        True
    """
    right = np.asarray(hits, dtype=np.float64)
    total = np.asarray(crops, dtype=np.int64)
    right, total = right[total > 0], total[total > 0]
    if total.size == 0:
        return math.nan, math.nan
    extra = 2 / total.size  # hits and as many misses
    pooled = (right.sum() + 2) / (total.sum() + 4)
    smoothed = (right + pooled + extra) / (total + 1 + 2 * extra)
    drawn = np.random.default_rng(seed).binomial(total, smoothed, size=(RESAMPLES, total.size))
    macro = float((right / total).mean())
    draws = (drawn / total).mean(axis=1) - smoothed.mean() + macro
    return _within(percentile_interval(draws), macro, 0.0)


def paired_difference_interval(wins: int, losses: int, n: int, seed: int) -> tuple[float, float]:
    """Interval of (wins - losses) / n over paired crops: the pairs are drawn anew.

    The percentile bootstrap over pairs, from cells with half a crop added to each of the four
    (both right, only A, only B, both wrong), so that two models without a single disagreement on
    ten crops are not called equal for certain.
    Source of the half crops: A. Agresti, Y. Min, "Simple improved confidence intervals for
    comparing matched proportions", Statistics in Medicine 24 (2005) 729-740.

    Args:
        wins: Crops that only the first model recognised.
        losses: Crops that only the second model recognised.
        n: All pairs.
        seed: Seed of the resampling.

    Returns:
        (low, high) in [-1, 1]; (nan, nan) where `n` is 0.

    Example:
        >>> low, high = paired_difference_interval(20, 5, 165, seed=0)
        >>> 0.02 < low < 15 / 165 < high < 0.16
        True
    """
    if n == 0:
        return math.nan, math.nan
    weights = np.array([losses + 0.5, n - wins - losses + 1.0, wins + 0.5]) * n / (n + 2)
    draws = bootstrap_means([-1.0, 0.0, 1.0], np.random.default_rng(seed), weights)
    return _within(percentile_interval(draws), (wins - losses) / n, -1.0)


def seeds_mean_interval(
    crop_means: ArrayLike, recalls: ArrayLike, seed: int
) -> tuple[float, float]:
    """Interval of the recall that training with any seed would reach on average on any crops.

    Both the crops of the test and the seeds vary. Each draw adds up both: the mean of the crops
    drawn anew (every crop counted by the share of seeds that recognised it; one crop always right
    and one always wrong are added first), and s / sqrt(S) x t with S - 1 degrees of freedom, where
    s is the sample standard deviation over the S seeds. The interval is the 2.5 % and 97.5 %
    quantile. What a seed does to single crops counts in both parts, so the interval errs on the
    wide side: it covers the truth in 98..99 % of simulated tests (S = 3 or 5), and Student's t
    makes it very wide with S = 2. With one seed only the crops vary, and the interval says nothing
    about other seeds.

    Args:
        crop_means: (N,) share of the seeds that recognised each crop, in [0, 1].
        recalls: (S,) recall of each seed, in [0, 1].
        seed: Seed of the resampling.

    Returns:
        (low, high) in [0, 1]; (nan, nan) without crops.

    Example:
        >>> low, high = seeds_mean_interval([1, 1, 1, 2 / 3] * 50, [0.90, 0.92, 0.93], seed=0)
        >>> 0.85 < low < 0.917 < high <= 1.0
        True
    """
    means = np.asarray(crop_means, dtype=np.float64)
    per_seed = np.asarray(recalls, dtype=np.float64)
    if means.size == 0:
        return math.nan, math.nan
    rng = np.random.default_rng(seed)
    n = means.size
    smoothed = np.concatenate([means, [0.0, 1.0]])
    draws = bootstrap_means(smoothed, rng, np.full(n + 2, n / (n + 2)))
    centre = float(per_seed.mean())
    draws = draws - smoothed.mean() + centre
    if per_seed.size > 1:
        error = float(per_seed.std(ddof=1)) / math.sqrt(per_seed.size)
        draws = draws + error * rng.standard_t(per_seed.size - 1, size=RESAMPLES)
    return _within(percentile_interval(draws), centre, 0.0)


def _within(interval: tuple[float, float], value: float, lowest: float) -> tuple[float, float]:
    """`interval` cut to [lowest, 1], and never without the measured `value` itself."""
    low, high = interval
    return max(lowest, min(low, value)), min(1.0, max(high, value))
