"""Distances between two sets of vectors: Frechet (as in FID), kernel (as in KID) and energy."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

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

    Example:
        >>> rng = np.random.default_rng(0)
        >>> a = rng.normal(size=(2000, 3))
        >>> round(frechet_distance(a, a + [2.0, 0.0, 0.0]), 6)
        4.0
    """
    pooled = np.diag((a.var(0, ddof=1) + b.var(0, ddof=1)) / 2)
    cov_a, cov_b = (
        (1 - shrinkage) * np.atleast_2d(np.cov(rows, rowvar=False)) + shrinkage * pooled
        for rows in (a, b)
    )
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

    Example:
        >>> rng = np.random.default_rng(0)
        >>> a, b = rng.normal(size=(2, 500, 4))
        >>> abs(kernel_distance(a, b)) < 0.02 < kernel_distance(a, b + 1)
        True
    """
    width = a.shape[1]

    def within(rows: Features) -> float:
        kernel = (rows @ rows.T / width + 1) ** 3
        return float((kernel.sum() - np.trace(kernel)) / (len(rows) * (len(rows) - 1)))

    between = (a @ b.T / width + 1) ** 3
    return float(within(a) + within(b) - 2 * between.mean())


class FeatureDistance(NamedTuple):
    """Both distances between two sets of one size; see the functions of these names."""

    frechet: float
    kernel: float


def energy_slope(real: Features, synthetic: Features) -> tuple[float, Features]:
    """Energy distance of two sets, and how much each synthetic row adds to it.

    Args:
        real: (M, K).
        synthetic: (N, K).

    Returns:
        The distance, unbiased (so it may be a little below 0), and (N,) E|s - r| - E|s - s'| of
        each synthetic row s.

    Example:
        >>> distance, slope = energy_slope(np.array([[0.0], [1.0]]), np.array([[0.5], [9.0]]))
        >>> distance, slope.tolist()
        (-0.5, [-8.0, 0.0])
    """
    a, b = torch.from_numpy(synthetic).float(), torch.from_numpy(real).float()
    across = torch.cdist(a, b).double().mean(1).numpy()
    within = torch.cdist(a, a).double().sum(1).numpy() / (len(a) - 1)
    own = torch.cdist(b, b).double().sum().item() / (len(b) * (len(b) - 1))
    slope: Features = across - within
    return float(2 * across.mean() - within.mean() - own), slope
