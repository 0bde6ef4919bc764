"""A classifier that tells real from synthetic: how well it does is how far apart they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from raresign.errors import InputError

Features = NDArray[np.float64]
Z95 = 1.96


@dataclass(frozen=True)
class TwoSampleTest:
    """Held-out success of a real-against-synthetic classifier; 0.5 is what cannot be told apart.

    Args:
        accuracy: Mean of the held-out accuracies on real and on synthetic crops.
        low: Lower end of its 95 % interval.
        high: Upper end.
        auc: Chance that a synthetic crop scores above a real one.

    Example:
        >>> test = TwoSampleTest.of_scores(np.array([-1.0, -2.0]), np.array([1.0, 2.0]))
        >>> test.accuracy, test.auc
        (1.0, 1.0)
    """

    accuracy: float
    low: float
    high: float
    auc: float

    @classmethod
    def of_scores(cls, real: Features, synthetic: Features) -> TwoSampleTest:
        """From held-out scores; above 0 means synthetic.

        The interval is Agresti and Caffo's for two independent shares (The American Statistician
        54, 2000): one hit and one miss are added to each. Frames of one sign make it too narrow.
        """
        n, m = len(real), len(synthetic)
        right_real, right_synthetic = int((real <= 0).sum()), int((synthetic > 0).sum())
        accuracy = (right_real / n + right_synthetic / m) / 2
        p, q = (right_real + 1) / (n + 2), (right_synthetic + 1) / (m + 2)
        half = Z95 * np.sqrt(p * (1 - p) / (n + 2) + q * (1 - q) / (m + 2)) / 2
        middle = (p + q) / 2
        low, high = min(middle - half, accuracy), max(middle + half, accuracy)
        return cls(accuracy, max(0.0, low), min(1.0, high), separation(real, synthetic))


def separation(a: Features, b: Features) -> float:
    """Chance that a row of `b` exceeds one of `a`, ties half: the area under the ROC curve.

    Mann-Whitney U / (N M), from mid-ranks.

    Args:
        a: (N,) numbers.
        b: (M,) numbers.

    Example:
        >>> separation(np.array([1.0, 2.0]), np.array([2.0, 3.0]))
        0.875
    """
    both = np.concatenate([a, b])
    _, inverse, counts = np.unique(both, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    u = rank[len(a) :].sum() - len(b) * (len(b) + 1) / 2
    return float(u / (len(a) * len(b)))


def held_out_scores(
    real: Features,
    synthetic: Features,
    real_folds: NDArray[np.int64],
    synthetic_folds: NDArray[np.int64],
    hidden: int = 0,
    seed: int = 0,
    ridge: float = 1e-3,
) -> tuple[Features, Features]:
    """Cross-validated logits of "synthetic": each row is scored by a classifier that never saw it.

    The classifier is a ridge logistic regression, or a small network with one hidden layer, on
    features that are standardised by the rows it trains on; both kinds count equally, so the logit
    is an estimate of log p_synthetic / p_real.

    Args:
        real: (N, D).
        synthetic: (M, D).
        real_folds: (N,) int64, see `block_folds`.
        synthetic_folds: (M,) int64, the same fold numbers.
        hidden: Width of the hidden layer; 0 is the logistic regression.
        seed: Of the network's first weights.
        ridge: Penalty on the squared weights.

    Returns:
        (N,) and (M,) logits.

    Raises:
        InputError: A fold would train without one of the two kinds.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> a, b = rng.normal(size=(60, 2)), rng.normal(size=(60, 2)) + 3
        >>> folds = np.arange(60) % 3
        >>> scores = held_out_scores(a, b, folds, folds)
        >>> TwoSampleTest.of_scores(*scores).accuracy > 0.9
        True
    """
    found_real, found_synthetic = np.zeros(len(real)), np.zeros(len(synthetic))
    for fold in np.unique(np.concatenate([real_folds, synthetic_folds])).tolist():
        ours, theirs = real_folds != fold, synthetic_folds != fold
        if not ours.any() or not theirs.any():
            raise InputError(
                f"{len(real)} real and {len(synthetic)} synthetic crops are too few for the folds",
                "give more crops",
            )
        score = fit_classifier(real[ours], synthetic[theirs], hidden, seed + fold, ridge)
        found_real[~ours] = score(real[~ours])
        found_synthetic[~theirs] = score(synthetic[~theirs])
    return found_real, found_synthetic


class Scorer:
    """A fitted classifier: features in, logits of "synthetic" out."""

    def __init__(self, mean: Tensor, scale: Tensor, weights: list[Tensor]) -> None:
        self._mean, self._scale, self._weights = mean, scale, weights

    def __call__(self, features: Features) -> Features:
        """(N,) logits of (N, D) features."""
        rows = _standardised(features, self._mean, self._scale)
        logits: Features = _logits(rows, self._weights).detach().double().numpy()
        return logits


def fit_classifier(
    real: Features, synthetic: Features, hidden: int = 0, seed: int = 0, ridge: float = 1e-3
) -> Scorer:
    """Fit the classifier of `held_out_scores` to all given rows, with L-BFGS.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> score = fit_classifier(rng.normal(size=(50, 1)), rng.normal(size=(50, 1)) + 4)
        >>> bool(score(np.array([[4.0]]))[0] > 0 > score(np.array([[0.0]]))[0])
        True
    """
    rows = torch.from_numpy(np.concatenate([real, synthetic])).float()
    mean, scale = rows.mean(0), rows.std(0).clamp(min=1e-6)
    rows = _standardised(rows, mean, scale)
    target = torch.cat([torch.zeros(len(real)), torch.ones(len(synthetic))])
    share = torch.cat(
        [
            torch.full((len(real),), 0.5 / len(real)),
            torch.full((len(synthetic),), 0.5 / len(synthetic)),
        ]
    )
    weights = _first_weights(rows.shape[1], hidden, seed)
    optimiser = torch.optim.LBFGS(weights, max_iter=60, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        each = F.binary_cross_entropy_with_logits(_logits(rows, weights), target, reduction="none")
        penalty = sum((weight.square().sum() for weight in weights[::2]), torch.zeros(()))
        value = (each * share).sum() + ridge * penalty
        value.backward()
        return value

    with torch.enable_grad():
        optimiser.step(loss)
    return Scorer(mean, scale, weights)


def _standardised(features: Features | Tensor, mean: Tensor, scale: Tensor) -> Tensor:
    """Mean 0, deviation 1; values beyond 6 deviations say no more than 6."""
    rows = torch.from_numpy(features).float() if isinstance(features, np.ndarray) else features
    return ((rows - mean) / scale).clamp(-6, 6)


def _first_weights(width: int, hidden: int, seed: int) -> list[Tensor]:
    """Weight, bias, weight, bias, ...; zeros for the logistic regression, whose loss is convex."""
    if not hidden:
        return [torch.zeros(width, 1, requires_grad=True), torch.zeros(1, requires_grad=True)]
    generator = torch.Generator().manual_seed(seed)
    shapes = [(width, hidden), (hidden,), (hidden, 1), (1,)]
    return [
        (
            torch.randn(shape, generator=generator) * (shape[0] ** -0.5 if len(shape) > 1 else 0)
        ).requires_grad_()
        for shape in shapes
    ]


def _logits(rows: Tensor, weights: list[Tensor]) -> Tensor:
    """(N,) logits of standardised (N, D) rows."""
    for weight, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        rows = F.silu(rows @ weight + bias)
    return (rows @ weights[-2] + weights[-1]).squeeze(1)
