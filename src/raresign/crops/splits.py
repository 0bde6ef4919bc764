"""Decides which real crops train and which only measure: pseudo-rare classes, validation crops."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from raresign.errors import InputError
from raresign.signs.catalogue.sign_catalogue import SignCatalogue

Integers = npt.NDArray[np.int64]
Thumbnails = npt.NDArray[np.float32]

_SIDE = 12
_READ = 1024  # crops decoded to thumbnails at a time
_BLOCK = 1024  # rows and columns of a block of correlations: 4 MiB
_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601


def choose_pseudo_rare(
    catalogue: SignCatalogue, counts: Mapping[int, int], share: float, seed: int
) -> list[int]:
    """Choose frequent classes that play rare: their crops are held out and only icons train.

    The choice is spread over the families, because a rare sign of a family with real crops is
    easier than one of a family without: every family of two or more classes gives at least one as
    far as the share goes (larger families first), then whoever is furthest below the share. A
    family keeps at least one class that trains, unless single-class families must help out.

    Args:
        catalogue: The classes.
        counts: Label -> number of real crops; labels without crops are never chosen.
        share: Share of the frequent classes with crops that shall play rare, in (0, 1).
        seed: Any integer; the same choice for the same seed, whatever the order of `counts`.

    Returns:
        Labels, ascending: at least one, never all.

    Raises:
        InputError: The share is not in (0, 1), or fewer than two frequent classes have crops.
    """
    rng = _checked(share, seed)
    candidates = [lab for lab in catalogue.labels_of_type("freq") if counts.get(lab, 0) > 0]
    if len(candidates) < 2:
        raise InputError(
            f"{len(candidates)} frequent classes have real crops: none can play rare",
            "give real crops of at least 2 classes, or set the share of pseudo-rare classes to 0",
        )
    families: dict[str, list[int]] = {}
    for label in rng.permutation(candidates).tolist():
        families.setdefault(catalogue[label].family, []).append(label)
    wanted = min(max(1, round(share * len(candidates))), len(candidates) - 1)
    # Python's sort is stable, so the permutation above decides between equals.
    members = sorted(families.values(), key=len, reverse=True)
    seats = [0] * len(members)
    for _ in range(wanted):
        open_seats = [i for i, family in enumerate(members) if seats[i] < len(family) - 1]
        if not open_seats:
            open_seats = [i for i, family in enumerate(members) if seats[i] < len(family)]
        winner = max(open_seats, key=lambda i: (seats[i] == 0, share * len(members[i]) - seats[i]))
        seats[winner] += 1
    return sorted(
        label for family, count in zip(members, seats, strict=True) for label in family[:count]
    )


def near_duplicate_clusters(
    crops: npt.NDArray[np.uint8], threshold: float = 0.94, labels: Integers | None = None
) -> Integers:
    """Group crops that show the same physical sign, such as neighbouring video frames.

    Two crops are near-duplicates if the normalised correlation (Pearson) of their 12x12 grey
    thumbnails reaches the threshold; clusters are the connected components. A crop of one single
    grey correlates with nothing. Memory stays within a few blocks whatever N is.

    Args:
        crops: (N, 3, S, S) uint8; may be memory-mapped.
        threshold: Correlation in (0, 1].
        labels: (N,) int64; if given, crops of different labels are never joined, which is also
            much faster.

    Returns:
        (N,) int64 cluster numbers 0, 1, 2, ... by first appearance.


    Example:
        >>> crop = np.random.default_rng(0).integers(0, 256, (3, 24, 24), dtype=np.uint8)
        >>> near_duplicate_clusters(np.stack([crop, 255 - crop, crop // 2])).tolist()
        [0, 1, 0]
    """
    thumbnails = _thumbnails(crops)
    roots = np.arange(len(crops), dtype=np.int64)
    groups = np.zeros(len(crops), dtype=np.int64) if labels is None else labels
    order = np.argsort(groups, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        roots[rows] = rows[_components(thumbnails[rows], threshold)]
    # A root is the smallest index of its cluster, so sorted roots follow first appearance.
    return np.unique(roots, return_inverse=True)[1].astype(np.int64)


def split_validation(
    labels: Integers, clusters: Integers, share: float, seed: int
) -> npt.NDArray[np.bool_]:
    """Choose the crops that only validate: whole clusters, about `share` of every class.

    Clusters come in random order; one goes to validation if that brings its classes nearer to
    their share and every class keeps a crop for training. So a class of one cluster trains only,
    and so does one whose clusters are all more than twice as large as its share.

    Args:
        labels: (N,) int64; -1 (unknown) counts for no class.
        clusters: (N,) int64 cluster numbers, as from `near_duplicate_clusters`.
        share: Share of validation crops, in (0, 1).
        seed: Any integer.

    Returns:
        (N,) bool, True where the crop validates.

    Raises:
        InputError: The share is not in (0, 1).
    """
    rng = _checked(share, seed)
    known = np.flatnonzero(labels >= 0)
    if not len(known):
        return np.zeros(len(labels), dtype=np.bool_)
    names, cluster_of = np.unique(clusters, return_inverse=True)
    width = int(labels.max()) + 1
    # One row a (cluster, class) pair that occurs, sorted by cluster.
    pairs, sizes = np.unique(cluster_of[known] * width + labels[known], return_counts=True)
    first = np.searchsorted(pairs // width, np.arange(len(names) + 1)).tolist()
    total = np.bincount(labels[known], minlength=width)
    target = (share * total).tolist()
    room = (total - 1).tolist()  # crops of each class that may still leave training
    taken = [0] * width
    classes, counts = (pairs % width).tolist(), sizes.tolist()
    chosen = np.zeros(len(names), dtype=np.bool_)
    for cluster in rng.permutation(len(names)).tolist():
        part = range(first[cluster], first[cluster + 1])
        gain = sum(
            abs(target[classes[k]] - taken[classes[k]])
            - abs(target[classes[k]] - taken[classes[k]] - counts[k])
            for k in part
        )
        if gain > 0 and all(counts[k] <= room[classes[k]] for k in part):
            chosen[cluster] = True
            for k in part:
                taken[classes[k]] += counts[k]
                room[classes[k]] -= counts[k]
    return np.asarray(chosen[cluster_of])


def _checked(share: float, seed: int) -> np.random.Generator:
    """The generator of a seed, for a share that is one; NumPy takes no negative seeds."""
    if not 0 < share < 1:
        raise InputError(f"share {share}", "give a number between 0 and 1, such as 0.2")
    return np.random.default_rng(seed & ((1 << 64) - 1))


def _area_weights(size: int) -> npt.NDArray[np.float32]:
    """(12, size): the share of each source pixel in each of 12 equal stretches; rows sum to 1."""
    edges = np.linspace(0, size, _SIDE + 1)
    pixel = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    weights: Thumbnails = (np.clip(overlap, 0, None) * _SIDE / size).astype(np.float32)
    return weights


def _thumbnails(crops: npt.NDArray[np.uint8]) -> Thumbnails:
    """(N, 144) float32 grey thumbnails with mean 0 and length 1; all 0 if the crop is flat."""
    down, across = _area_weights(crops.shape[2]), _area_weights(crops.shape[3])
    thumbnails = np.empty((len(crops), _SIDE * _SIDE), dtype=np.float32)
    for start in range(0, len(crops), _READ):
        part = np.asarray(crops[start : start + _READ]).astype(np.float32)
        grey = np.tensordot(part, _GREY, axes=(1, 0))  # (n, S, S)
        small = (down @ grey @ across.T).reshape(len(part), -1)
        small -= small.mean(axis=1, keepdims=True)
        length = np.linalg.norm(small, axis=1, keepdims=True)
        # Below one grey level of deviation over the whole thumbnail there is only rounding.
        thumbnails[start : start + _READ] = np.where(length > 1, small / np.maximum(length, 1), 0)
    return thumbnails


def _components(thumbnails: Thumbnails, threshold: float) -> Integers:
    """(n,) smallest index of each thumbnail's connected component."""
    # Takes a quarter of a second; only a training splits crops.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(thumbnails)
    roots = every = np.arange(count, dtype=np.int64)
    for i in range(0, count, _BLOCK):
        rows = thumbnails[i : i + _BLOCK]
        for j in range(i, count, _BLOCK):
            # Rounding may leave the correlation of equal crops a hair below 1.
            near = rows @ thumbnails[j : j + _BLOCK].T >= threshold - 1e-6
            a, b = np.nonzero(near & (roots[i : i + _BLOCK, None] != roots[j : j + _BLOCK]))
            # The new pairs, and the components so far as pairs of a crop and its root.
            ends = np.append(a + i, every), np.append(b + j, roots)
            graph = coo_array((np.ones(len(ends[0]), np.bool_), ends), shape=(count, count))
            parts = connected_components(graph, directed=False)[1]
            roots = np.unique(parts, return_index=True)[1][parts]
    return roots
