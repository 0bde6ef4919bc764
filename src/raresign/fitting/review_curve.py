"""How often an answer of a probability is right, by reviewed answers: a logistic curve a class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit, logit

Floats = NDArray[np.float64]

_LEAST = 1e-7
_DRAWS = 2000
_AS_TOLD = np.array([0.0, 1.0])
_COMMON_SD = np.array([2.0, 1.0])
"""Prior of the common curve around "the probability is right": of its height, of its slope."""
_CLASS_SD = np.array([1.0, 0.5])
"""Prior of a class's curve around the common one."""
_Z = 1.96


@dataclass(frozen=True, eq=False)
class ReviewCurve:
    """Chance that an answer is right = sigmoid(height + slope x logit of its probability).

    Attributes:
        mean: (2,) height and slope, the most probable ones.
        covariance: (2, 2) of them.
        reviews: Answers that were reviewed.
        right: Those that were right.
    """

    mean: Floats
    covariance: Floats
    reviews: int
    right: int

    def threshold(self, precision: float) -> tuple[float, float, float]:
        """The probability from which on answers are right so often, and its 95 % interval.

        1 where no probability is enough.
        """
        rng = np.random.default_rng(0)
        draws = rng.multivariate_normal(self.mean, self.covariance, _DRAWS)
        low, high = np.quantile(_thresholds(draws, precision), [0.025, 0.975])
        own = float(_thresholds(self.mean[None], precision)[0])
        return own, min(own, float(low)), max(own, float(high))

    def right_share(self, probabilities: ArrayLike) -> tuple[Floats, Floats, Floats]:
        """How often answers of these probabilities are right, and the 95 % interval of that.

        Args:
            probabilities: (K,) in [0, 1].

        Returns:
            Three (K,) arrays: most probable, lowest, highest.
        """
        x = _logit(probabilities)
        design = np.stack([np.ones_like(x), x], axis=1)
        at = design @ self.mean
        error = _Z * np.sqrt(np.einsum("ki,ij,kj->k", design, self.covariance, design))
        return expit(at), expit(at - error), expit(at + error)

    def more_reviews(self, precision: float) -> int:
        """Further reviews until the precision at the threshold is known to half the gap to 1.

        At a precision of 95 % that is 92.5 to 97.5 %. The error of the curve shrinks with the root
        of their number, and reviews near the threshold tell most: it is an order of magnitude.
        """
        own, _low, _high = self.threshold(precision)
        place = np.array([1.0, float(_logit(own))])
        error = _Z * precision * (1 - precision) * float(np.sqrt(place @ self.covariance @ place))
        wanted = (1 - precision) / 2
        count = max(self.reviews, 1)
        return max(0, int(np.ceil(count * (error / wanted) ** 2)) - self.reviews)


def fit_review_curves(
    probabilities: ArrayLike, right: ArrayLike, labels: ArrayLike
) -> tuple[ReviewCurve, dict[int, ReviewCurve]]:
    """A curve of all classes, and one of each class, which is drawn to the common one.

    Source: maximum a posteriori, covariance by Laplace's approximation. The common curve has a
    prior around "a probability of 0.8 is right 8 times of 10"; with few reviews a class keeps the
    common curve, with many it has its own.

    Args:
        probabilities: (N,) of the answers that were reviewed.
        right: (N,) bool.
        labels: (N,) classes that were answered.

    Example:
        >>> common, own = fit_review_curves([0.9, 0.9, 0.6], [True, True, False], [4, 4, 7])
        >>> common.reviews, sorted(own), own[7].right
        (3, [4, 7], 0)
    """
    chances, truth = np.asarray(probabilities, np.float64), np.asarray(right, bool)
    classes = np.asarray(labels)
    common = fit_common_curve(chances, truth)
    return common, {
        int(label): fit_class_curve(common, chances[classes == label], truth[classes == label])
        for label in np.unique(classes)
    }


def fit_common_curve(probabilities: ArrayLike, right: ArrayLike) -> ReviewCurve:
    """The curve of all classes together, see `fit_review_curves`."""
    truth = np.asarray(right, bool)
    return _fit(_logit(np.asarray(probabilities, np.float64)), truth, _AS_TOLD, _COMMON_SD)


def fit_class_curve(common: ReviewCurve, probabilities: ArrayLike, right: ArrayLike) -> ReviewCurve:
    """The curve of one class, drawn to the common one, see `fit_review_curves`."""
    truth = np.asarray(right, bool)
    return _fit(_logit(np.asarray(probabilities, np.float64)), truth, common.mean, _CLASS_SD)


def _fit(x: Floats, y: NDArray[np.bool_], centre: Floats, sd: Floats) -> ReviewCurve:
    design = np.stack([np.ones_like(x), x], axis=1)
    signs = np.where(y, 1.0, -1.0)

    def cost(at: Floats) -> tuple[float, Floats]:
        score = signs * (design @ at)
        off = (at - centre) / sd
        slope = -(design * (signs * expit(-score))[:, None]).sum(axis=0) + off / sd
        return float(-log_expit(score).sum() + off @ off / 2), slope

    mean = np.asarray(minimize(cost, centre, jac=True, method="BFGS").x, np.float64)
    weight = expit(design @ mean) * expit(-(design @ mean))
    information = design.T @ (design * weight[:, None]) + np.diag(1 / sd**2)
    return ReviewCurve(mean, np.linalg.inv(information), len(y), int(y.sum()))


def _thresholds(curves: Floats, precision: float) -> Floats:
    """(n,) probabilities of (n, 2) curves."""
    height, slope = curves.T
    rising = slope > 1e-6
    place = (logit(precision) - height) / np.where(rising, slope, 1.0)
    flat = np.where(expit(height) >= precision, 0.0, 1.0)
    return np.asarray(np.where(rising, expit(place), flat))


def _logit(probability: ArrayLike) -> Floats:
    return np.asarray(logit(np.clip(probability, _LEAST, 1 - _LEAST)), np.float64)
