"""Forecast of the recall of a class nobody photographed, learned from pseudo-rare classes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from raresign.fitting.forecast_facts import FACTS, Floats

_TENTHS = 9  # the interval holds 9 of 10; whole numbers, for an exact rank


@dataclass(frozen=True)
class Forecast:
    """A ridge regression of the logit of recall on the facts of a class.

    logit(recall) = offset + sum over facts of coefficient x (fact - centre) / spread.

    Args:
        offset: Logit at the centre.
        coefficients: One a fact of `FACTS`.
        centre: Weighted mean of each fact over the pseudo-rare classes.
        spread: Weighted standard deviation of each, 1 where it does not vary.
        residuals: |observed - predicted| logit of each pseudo-rare class, by a fit without it.

    Example: see `fit_forecast`, which makes it.
    """

    offset: float
    coefficients: tuple[float, ...]
    centre: tuple[float, ...]
    spread: tuple[float, ...]
    residuals: tuple[float, ...]

    @property
    def half_width(self) -> float:
        """Half the interval in logits, infinite below 9 classes.

        The ceil(0.9 (P + 1))-th smallest of the P residuals, the quantile with the correction of
        split-conformal prediction (Vovk, Gammerman, Shafer 2005).
        """
        rank = -(-_TENTHS * (len(self.residuals) + 1) // 10)
        return sorted(self.residuals)[rank - 1] if rank <= len(self.residuals) else math.inf

    def predict(self, facts: ArrayLike) -> tuple[Floats, Floats, Floats]:
        """Recall with its 90 % interval.

        The interval is symmetric on the logit scale: prediction -+ `half_width`, the jackknife of
        R. F. Barber et al., "Predictive inference with the jackknife+", Annals of Statistics 2021.
        It promises the observed recall of a class of the same kind and about as many crops as the
        pseudo-rare ones; no proof covers the jackknife in the worst case, or classes of another
        kind.

        Args:
            facts: (Q, 4), see `class_facts`.

        Returns:
            (recall, low, high), each (Q,) in [0, 1].

        Example:
            >>> flat = Forecast(0.0, (0.0,) * 4, (0.0,) * 4, (1.0,) * 4, (1.0,) * 9)
            >>> [round(float(part[0]), 2) for part in flat.predict([[0.9, 0.1, 0.0, 0.2]])]
            [0.5, 0.27, 0.73]
        """
        standard = (np.asarray(facts) - np.array(self.centre)) / np.array(self.spread)
        logit = self.offset + standard @ np.array(self.coefficients)
        half = self.half_width
        return expit(logit), expit(logit - half), expit(logit + half)

    def as_dict(self) -> dict[str, Any]:
        """The same ready for JSON, with the names of the facts."""
        return {"facts": list(FACTS), **asdict(self)}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Forecast:
        """Undo `as_dict`, whose lists JSON may have made of tuples.

        Example:
            >>> flat = Forecast(0.0, (0.0,) * 4, (0.0,) * 4, (1.0,) * 4, (1.0,))
            >>> Forecast.from_dict(flat.as_dict()) == flat
            True
        """
        names = ("coefficients", "centre", "spread", "residuals")
        return cls(saved["offset"], *(tuple(saved[name]) for name in names))


def fit_forecast(
    facts: ArrayLike, hits: ArrayLike, crops: ArrayLike, ridge: float = 1.0, tau: float = 0.1
) -> Forecast:
    """Learn the recall of classes from pseudo-rare ones: trained from their icon, photos at hand.

    The target is the logit of (hits + 0.5) / (crops + 1). A class of n crops has the weight
    1 / (1 / n + tau): its sampling error and what the facts leave open. Weights are scaled to mean
    1; the penalty is ridge x sum of squared coefficients of the standardised facts, the offset is
    free. For the residuals the whole fit is repeated without each class.

    Args:
        facts: (P, 4), see `class_facts`; P at least 2.
        hits: (P,) real crops of the class that the model recognised.
        crops: (P,) its real crops, each at least 1.
        ridge: Strength of the penalty, above 0; 1 is as much as one class of mean weight.
        tau: Variance that the facts leave open relative to that of one crop, at least 0.

    Returns:
        The forecast; below 9 classes its interval is 0 to 1.

    Example:
        >>> share = np.linspace(0.2, 0.9, 12)
        >>> facts = np.stack([share, 0 * share, 0 * share, 0 * share], axis=1)
        >>> forecast = fit_forecast(facts, np.rint(200 * share), np.full(12, 200))
        >>> recall, low, high = forecast.predict(facts[[2]])
        >>> bool(abs(recall[0] - share[2]) < 0.05), bool(low[0] < share[2] < high[0])
        (True, True)
    """
    known, hit, count = (np.asarray(part, np.float64) for part in (facts, hits, crops))
    target = np.log((hit + 0.5) / (count - hit + 0.5))
    weights = 1 / (1 / count + tau)
    residuals = []
    for left_out in range(len(known)):
        others = np.arange(len(known)) != left_out
        fitted = _ridge(known[others], target[others], weights[others], ridge)
        predicted = fitted.predict(known[[left_out]])[0]
        residuals.append(abs(float(target[left_out] - predicted)))
    scaler, regression = _ridge(known, target, weights, ridge)
    return Forecast(
        float(regression.intercept_),
        tuple(regression.coef_.tolist()),
        tuple(scaler.mean_.tolist()),
        tuple(scaler.scale_.tolist()),
        tuple(residuals),
    )


def _ridge(facts: Floats, target: Floats, weights: Floats, ridge: float) -> Any:
    """Standardises the facts, then a ridge regression of them, as a pipeline of scikit-learn."""
    # A second to import; only a training or a protocol fits a forecast.
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    share = weights / weights.mean()
    with np.errstate(invalid="ignore"):  # the variance of equal facts may be a hair below 0
        return make_pipeline(StandardScaler(), Ridge(ridge)).fit(
            facts, target, standardscaler__sample_weight=share, ridge__sample_weight=share
        )
