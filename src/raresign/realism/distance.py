"""Distances between two sets of feature vectors: Frechet (as in FID) and kernel (as in KID)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raresign.errors import InputError

Features = NDArray[np.float64]


def frechet_distance(a: Features, b: Features, shrinkage: float = 0.1) -> float:
    """Squared Frechet distance of the Gaussians that fit two sets.

    |mu_a - mu_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)), as in Heusel, Ramsauer, Unterthiner,
    Nessler and Hochreiter, "GANs trained by a two time-scale update rule" (NIPS 2017); on other
    features than theirs it is FID-like, not FID. With no more rows than columns covariances are
    singular and the trace is overestimated, so both are shrunk towards the pooled variances:
    C <- (1 - s) C + s diag(pooled).

    Args:
        a: (N, D), N at least 2.
        b: (M, D), M at least 2.
        shrinkage: s in [0, 1].

    Returns:
        A number >= 0; it grows as the sets get smaller, so compare it with real against
        real crops of the same sizes (see `RealismRuler.floor`).

    Raises:
        InputError: The shapes do not match, or a set has fewer than two rows.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> a = rng.normal(size=(2000, 3))
        >>> round(frechet_distance(a, a + [2.0, 0.0, 0.0]), 6)
        4.0
    """
    _check(a, b)
    pooled = np.diag((a.var(0, ddof=1) + b.var(0, ddof=1)) / 2)
    cov_a = (1 - shrinkage) * np.atleast_2d(np.cov(a, rowvar=False)) + shrinkage * pooled
    cov_b = (1 - shrinkage) * np.atleast_2d(np.cov(b, rowvar=False)) + shrinkage * pooled
    values, vectors = np.linalg.eigh(cov_a)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    # C_a C_b and the symmetric root C_b root have the same eigenvalues.
    joint = np.sqrt(np.linalg.eigvalsh(root @ cov_b @ root).clip(min=0)).sum()
    shift = float(np.square(a.mean(0) - b.mean(0)).sum())
    return max(0.0, shift + float(np.trace(cov_a) + np.trace(cov_b) - 2 * joint))


def kernel_distance(a: Features, b: Features) -> float:
    """Unbiased squared maximum mean discrepancy with the cubic kernel (x . y / D + 1)^3.

    Binkowski, Sutherland, Arbel and Gretton, "Demystifying MMD GANs" (ICLR 2018); the estimator is
    that of Gretton et al. (JMLR 13, 2012), lemma 6. Its expectation is 0 for equal distributions
    whatever the sizes, so it may be a little below 0.

    Args:
        a: (N, D), N at least 2.
        b: (M, D), M at least 2.

    Raises:
        InputError: The shapes do not match, or a set has fewer than two rows.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> a, b = rng.normal(size=(2, 500, 4))
        >>> abs(kernel_distance(a, b)) < 0.02 < kernel_distance(a, b + 1)
        True
    """
    _check(a, b)
    n, m, width = len(a), len(b), a.shape[1]
    within_a = (a @ a.T / width + 1) ** 3
    within_b = (b @ b.T / width + 1) ** 3
    between = (a @ b.T / width + 1) ** 3
    own_a = (within_a.sum() - np.trace(within_a)) / (n * (n - 1))
    own_b = (within_b.sum() - np.trace(within_b)) / (m * (m - 1))
    return float(own_a + own_b - 2 * between.mean())


@dataclass(frozen=True)
class FeatureDistance:
    """Both distances between two sets of one size.

    Args:
        frechet: See `frechet_distance`.
        kernel: See `kernel_distance`.

    Example:
        >>> a = np.random.default_rng(0).normal(size=(64, 4))
        >>> FeatureDistance.between(a, a).frechet < 1e-9
        True
    """

    frechet: float
    kernel: float

    @classmethod
    def between(cls, a: Features, b: Features) -> FeatureDistance:
        """Measure (N, D) against (M, D)."""
        return cls(frechet_distance(a, b), kernel_distance(a, b))


def _check(a: Features, b: Features) -> None:
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise InputError(
            f"features of the shapes {a.shape} and {b.shape}", "give (N, D) and (M, D), N, M >= 2"
        )
