"""Which crops count in a fit, and how much."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raresign.errors import InputError


def counted(
    logits: NDArray[Any], labels: ArrayLike, weights: ArrayLike | None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The labels and each crop's share of the loss.

    Args:
        logits: (N, C).
        labels: (N,) integers in [-1, C).
        weights: (N,) of at least 0; None for all alike.

    Returns:
        (N,) int64 labels and (N,) float64 shares that sum to 1; 0 where the label is -1.

    Raises:
        InputError: Shapes that do not belong together, values out of range, no crop that counts.

    Example:
        >>> counted(np.zeros((3, 2)), [1, -1, 0], None)[1].tolist()
        [0.5, 0.0, 0.5]
    """
    n, classes = logits.shape
    label = np.asarray(labels)
    given = np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)
    if label.shape != (n,) or given.shape != (n,):
        raise InputError(
            f"labels {label.shape} and weights {given.shape} for {n} crops",
            "give one of each a crop",
        )
    label = label.astype(np.int64)
    if n and not (label.min() >= -1 and label.max() < classes):
        raise InputError(f"labels from {label.min()} to {label.max()}", f"use -1 to {classes - 1}")
    if not (np.isfinite(given) & (given >= 0)).all():
        raise InputError("a weight is below 0 or not finite", "use weights of at least 0")
    given = given * (label >= 0)
    if not given.sum() > 0:
        raise InputError("no crop counts", "give crops with a label and a weight above 0")
    return label, given / given.sum()
