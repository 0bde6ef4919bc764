"""Splits real crops so that frames of one physical sign hardly ever stand on both sides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from raresign.crops.splits import near_duplicate_clusters


def block_folds(
    crops: NDArray[np.uint8], labels: NDArray[np.int64], folds: int
) -> NDArray[np.int64]:
    """Fold of every real crop: contiguous blocks of each class, near-duplicates together.

    Frames of one sign follow each other in the files of its class, so a random split would put
    near-copies on both sides and any classifier would look better than it is. Each class is cut, in
    its own order, into `folds` blocks of almost equal size; a cluster of near-duplicates (see
    `near_duplicate_clusters`) goes where its first crop goes.

    Args:
        crops: (N, 3, S, S) uint8 in the order of the files.
        labels: (N,) int64; unknown crops (-1) count as one class.
        folds: How many, 2 or more.

    Returns:
        (N,) int64 in 0..folds-1.

    Example:
        >>> crops = np.random.default_rng(0).integers(0, 256, (6, 3, 16, 16), dtype=np.uint8)
        >>> crops[3] = crops[2]
        >>> block_folds(crops, np.zeros(6, np.int64), 2).tolist()
        [0, 0, 0, 0, 1, 1]
    """
    clusters = near_duplicate_clusters(crops, labels=labels)
    chosen = np.zeros(len(labels), np.int64)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        # Clusters of a class, by first appearance; their crops counted on make the blocks.
        names, first, sizes = np.unique(clusters[rows], return_index=True, return_counts=True)
        order = np.argsort(first, kind="stable")
        before = np.cumsum(sizes[order]) - sizes[order]
        fold_of = np.empty(len(names), np.int64)
        fold_of[order] = (before * folds) // len(rows)
        # A class of few clusters would fill the first folds of every class alike.
        shift = int(label) % folds if len(names) < folds else 0
        chosen[rows] = (fold_of[np.searchsorted(names, clusters[rows])] + shift) % folds
    return chosen


def even_sample(labels: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Rows of at most `most` crops, the classes as even as they come, spread over each class.

    Every class gives up to a cap, the largest one that keeps the sum within `most`; a class above
    the cap gives every k-th crop, so that many physical signs are among them.

    Args:
        labels: (N,) int64.
        most: Upper bound of the number of rows, at least 1.

    Returns:
        (M,) int64 ascending rows, M <= most.

    Example:
        >>> even_sample(np.array([0] * 9 + [1]), 4).tolist()
        [0, 4, 8, 9]
    """
    counts = np.unique(labels, return_counts=True)[1]
    cap = max((c for c in range(1, most + 1) if np.minimum(counts, c).sum() <= most), default=1)
    rows = []
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        taken = min(cap, len(own))
        rows.append(own[np.linspace(0, len(own) - 1, taken).round().astype(np.int64)])
    return np.sort(np.concatenate(rows))[:most]
