"""How known the class of a crop looks: baselines, features and the score made of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logsumexp

from raresign.errors import InputError

Floats = NDArray[np.float64]

FEATURES = ("log_probability", "margin", "max_cosine", "predicted_cosine", "energy")
"""The columns of `known_features`."""

_LEAST = 1e-12  # a probability that underflows must not give log 0


def max_probability(probabilities: ArrayLike) -> Floats:
    """(N,) highest of (N, C) probabilities, in [0, 1]; higher means known.

    Source: D. Hendrycks, K. Gimpel, "A baseline for detecting misclassified and
    out-of-distribution examples in neural networks", ICLR 2017.
    """
    best: Floats = finite_table(probabilities, "probabilities").max(axis=1)
    return best


def max_cosine(cosines: ArrayLike) -> Floats:
    """(N,) highest of (N, C) prototype cosines, in [-1, 1]; higher means known."""
    best: Floats = finite_table(cosines, "cosines").max(axis=1)
    return best


def energy(logits: ArrayLike, temperature: float = 1.0) -> Floats:
    """(N,) negative free energy T log sum_c exp(logit_c / T) of (N, C); higher means known.

    Source: W. Liu et al., "Energy-based out-of-distribution detection", NeurIPS 2020, equation 4
    (without its minus sign). `temperature` T is above 0.

    Example:
        >>> energy([[0.0, 0.0]]).round(4).tolist()
        [0.6931]
    """
    if not (temperature > 0 and math.isfinite(temperature)):
        raise InputError(f"the temperature is {temperature}", "use a number above 0")
    table = finite_table(logits, "logits") / temperature
    free: Floats = temperature * logsumexp(table, axis=1)
    return free


def known_features(probabilities: ArrayLike, cosines: ArrayLike, logits: ArrayLike) -> Floats:
    """(N, 5) what tells a known class from an unknown one, columns `FEATURES`; higher means known.

    Log of the highest probability, its distance to the second highest log probability (both of at
    least 1e-12), highest cosine, cosine of the predicted class, energy.

    Args:
        probabilities: (N, C) calibrated, rows sum to 1, C at least 2.
        cosines: (N, C) best prototype cosine of each class, in [-1, 1].
        logits: (N, C) of the classifier.

    Raises:
        InputError: Shapes that do not belong together, one class only, or a number not finite.

    Example:
        >>> known_features([[0.8, 0.2]], [[0.5, 0.9]], [[0.0, 0.0]]).round(2).tolist()
        [[-0.22, 1.39, 0.9, 0.5, 0.69]]
    """
    p, cosine = finite_table(probabilities, "probabilities"), finite_table(cosines, "cosines")
    free = energy(logits)
    if not p.shape == cosine.shape == np.shape(logits) or p.shape[1] < 2:
        raise InputError(
            f"probabilities {p.shape}, cosines {cosine.shape}, logits {np.shape(logits)}",
            "give all three as (N, C) with at least 2 classes",
        )
    best = p.argmax(axis=1)
    logs = np.log(np.maximum(np.partition(p, -2, axis=1)[:, -2:], _LEAST))
    own = cosine[np.arange(len(p)), best]
    return np.stack([logs[:, 1], logs[:, 1] - logs[:, 0], cosine.max(axis=1), own, free], axis=1)


@dataclass(frozen=True)
class KnownScore:
    """Logistic regression on `known_features`: the chance that a crop's class is a known one.

    Args:
        mean: (5,) mean of each feature.
        scale: (5,) standard deviation of each, above 0.
        coefficients: (5,) of the standardised features.
        intercept: Of the logit.

    Example:
        >>> KnownScore((0.0,) * 5, (1.0,) * 5, (1.0, 0, 0, 0, 0), 0.0).of([[0.0, 1, 2, 3, 4]])
        array([0.5])
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    coefficients: tuple[float, ...]
    intercept: float

    def of(self, features: ArrayLike) -> Floats:
        """(N,) scores in [0, 1] of (N, 5) `known_features`; known and unknown equally common."""
        standard = (feature_table(features) - np.array(self.mean)) / np.array(self.scale)
        logit = standard @ np.array(self.coefficients) + self.intercept
        score: Floats = expit(logit)
        return score


def finite_table(values: ArrayLike, name: str) -> Floats:
    """`values` as finite float64 (N, C) with at least one class."""
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] == 0:
        raise InputError(f"{name} of shape {table.shape}", "give (N, C) with at least 1 class")
    if not np.isfinite(table).all():
        raise InputError(f"{name} with a number that is not finite", "check the model's output")
    return table


def feature_table(values: ArrayLike) -> Floats:
    """`values` as finite float64 (N, 5)."""
    table = finite_table(values, "features")
    if table.shape[1] != len(FEATURES):
        raise InputError(f"features of shape {table.shape}", f"give (N, {len(FEATURES)})")
    return table
