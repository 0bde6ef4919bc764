"""How good a forecast of recalls was, against what was observed."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ForecastQuality:
    """A forecast against what was observed, each class counting alike.

    Args:
        classes: Classes compared.
        pearson: Correlation of predicted and observed recall, NaN where one does not vary.
        spearman: The same of their ranks, ties at their mean rank.
        error: Mean absolute error.
        noise: Mean absolute error that a perfect forecast would have by the number of crops alone.
        coverage: Share of the classes whose interval holds (hits + 0.5) / (crops + 1), which it is
            learned for: an observed 100 % would lie outside every interval, being no finite logit.
    """

    classes: int
    pearson: float
    spearman: float
    error: float
    noise: float
    coverage: float

    def as_dict(self) -> dict[str, Any]:
        """The same ready for JSON: None for NaN."""
        return {name: None if math.isnan(value) else value for name, value in asdict(self).items()}


def forecast_quality(
    predicted: ArrayLike, low: ArrayLike, high: ArrayLike, observed: ArrayLike, crops: ArrayLike
) -> ForecastQuality:
    """Compare forecasts with observed recalls.

    The noise is sqrt(2 / pi) x the binomial standard error sqrt(p (1 - p) / n), the mean absolute
    value of a normal variable, with p = (hits + 0.5) / (n + 1).

    Args:
        predicted: (Q,) recall in [0, 1].
        low: (Q,) lower ends.
        high: (Q,) upper ends.
        observed: (Q,) observed recall in [0, 1]; anything where there are no crops.
        crops: (Q,) real crops of each class; classes without are left out.

    Returns:
        The figures; NaN where no class is left.

    Example:
        >>> quality = forecast_quality([0.5, 0.9], [0.3, 0.8], [0.7, 1.0], [0.6, 0.7], [10, 10])
        >>> quality.coverage, round(quality.error, 3), round(quality.pearson, 3)
        (0.5, 0.15, 1.0)
    """
    columns = np.array([predicted, low, high, observed, crops], np.float64)
    guess, lower, upper, truth, count = columns[:, columns[4] > 0]
    if not len(guess):
        return ForecastQuality(0, *[math.nan] * 5)
    from scipy.stats import rankdata  # takes half a second; only a protocol needs it

    share = (truth * count + 0.5) / (count + 1)
    return ForecastQuality(
        classes=len(guess),
        pearson=_correlation(guess, truth),
        spearman=_correlation(rankdata(guess), rankdata(truth)),
        error=float(np.abs(guess - truth).mean()),
        noise=float(np.sqrt(2 / math.pi * share * (1 - share) / count).mean()),
        coverage=float(((lower <= share) & (share <= upper)).mean()),
    )


def _correlation(a: Floats, b: Floats) -> float:
    """Pearson's r."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:  # exact, unlike a variance of equal numbers
        return math.nan
    return float(np.corrcoef(a, b)[0, 1])
