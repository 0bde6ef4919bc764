"""How known the class of a crop looks: features and the score made of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raresign.answers.numerics import log_sum_exp, sigmoid

Floats = NDArray[np.float64]

FEATURES = ("log_probability", "margin", "max_cosine", "predicted_cosine", "energy")
"""The columns of `known_features`."""

_LEAST = 1e-12  # a probability that underflows must not give log 0


def energy(logits: ArrayLike) -> Floats:
    """(N,) negative free energy log sum_c exp(logit_c) of (N, C); higher means known.

    Source: W. Liu et al., "Energy-based out-of-distribution detection", NeurIPS 2020, equation 4
    without its minus sign, at temperature 1.
    """
    return log_sum_exp(np.asarray(logits, np.float64))


def known_features(probabilities: ArrayLike, cosines: ArrayLike, logits: ArrayLike) -> Floats:
    """(N, 5) what tells a known class from an unknown one, columns `FEATURES`; higher means known.

    Log of the highest probability, its distance to the second highest log probability (both of at
    least 1e-12), highest cosine, cosine of the predicted class, energy.

    Args:
        probabilities: (N, C) calibrated, rows sum to 1, C at least 2.
        cosines: (N, C) best prototype cosine of each class, in [-1, 1].
        logits: (N, C) of the classifier.

    Example:
        >>> known_features([[0.8, 0.2]], [[0.5, 0.9]], [[0.0, 0.0]]).round(2).tolist()
        [[-0.22, 1.39, 0.9, 0.5, 0.69]]
    """
    p, cosine = np.asarray(probabilities, np.float64), np.asarray(cosines, np.float64)
    logs = np.log(np.maximum(np.partition(p, -2, axis=1)[:, -2:], _LEAST))
    own = cosine[np.arange(len(p)), p.argmax(axis=1)]
    columns = logs[:, 1], logs[:, 1] - logs[:, 0], cosine.max(axis=1), own, energy(logits)
    return np.stack(columns, axis=1)


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
        standard = (np.asarray(features) - np.array(self.mean)) / np.array(self.scale)
        return sigmoid(standard @ np.array(self.coefficients) + self.intercept)
