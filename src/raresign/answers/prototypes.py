"""The prototype index: embeddings of known pictures of each class, which a crop is compared to."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raresign.errors import InputError
from raresign.language.spoken import later

Floats = NDArray[np.float32]

SOURCES = (later("synthetic"), later("icon"), later("real"))
"""Where a prototype comes from; a row's source is its place here."""

_CELLS = 2**24  # cosines held at a time: 64 MB
_SHORTEST = 1e-12  # a shorter row counts as zeros


class PrototypeIndex:
    """Embeddings of known pictures with their classes; never changed, `add` makes a new one.

    A new class needs no training: its icon, or crops made from it, become rows. Sources: the class
    mean is the prototype of J. Snell, K. Swersky, R. Zemel, "Prototypical networks for few-shot
    learning", NeurIPS 2017, equation 1, with the cosine in place of the Euclidean distance; the
    nearest rows are a k-nearest-neighbour classifier.

    Args:
        embeddings: (M, E) floats of any length; kept as float32 rows of length 1. A row of zeros
            stays one; its cosine with anything is 0. M may be 0.
        labels: (M,) integers in [0, classes).
        sources: (M,) places in `SOURCES`.
        classes: C, number of classes; a class may lack rows.

    Attributes:
        embeddings, labels, sources, classes: As given, the rows float32 of length 1.
        present: (C,) bool, which classes have rows.

    Raises:
        InputError: Shapes that do not belong together, values out of range or not finite.

    Example:
        >>> icons = np.array([[2.0, 0.0], [0.0, 3.0]])
        >>> index = PrototypeIndex(icons, [0, 1], [1, 1], classes=3)
        >>> index.similarities([[5.0, 0.0]], "mean").tolist()
        [[1.0, 0.0, -1.0]]
    """

    def __init__(
        self, embeddings: ArrayLike, labels: ArrayLike, sources: ArrayLike, classes: int
    ) -> None:
        rows, label, source = np.asarray(embeddings), np.asarray(labels), np.asarray(sources)
        _check_rows(rows, label, source, classes)
        self.embeddings = _unit(rows)
        self.labels = label.astype(np.int64)
        self.sources = source.astype(np.uint8)
        self.classes = classes
        self._counts = np.bincount(self.labels, minlength=classes)
        self.present = self._counts > 0

    def __len__(self) -> int:
        return len(self.labels)

    def counts_of(self, label: int) -> dict[str, int]:
        """How many rows of a class come from which of `SOURCES`.

        Example:
            >>> PrototypeIndex(np.eye(2), [0, 0], [0, 1], classes=1).counts_of(0)
            {'synthetic': 1, 'icon': 1, 'real': 0}
        """
        own = self.sources[self.labels == label]
        counts = np.bincount(own, minlength=len(SOURCES)).tolist()
        return dict(zip(SOURCES, counts, strict=True))

    def add(
        self,
        embeddings: ArrayLike,
        labels: ArrayLike,
        source: str | ArrayLike,
        classes: int | None = None,
    ) -> PrototypeIndex:
        """A new index with these rows after the old ones, whose numbers stay.

        Args:
            embeddings: (K, E) floats.
            labels: (K,) integers in [0, classes).
            source: One of `SOURCES`, for all K rows; or (K,) places in `SOURCES`.
            classes: The new number of classes, not below the old one; None keeps it.

        Raises:
            InputError: As the constructor.

        Example:
            >>> index = PrototypeIndex(np.eye(2), [0, 1], [1, 1], classes=2)
            >>> grown = index.add([[1.0, 1.0]], [2], "real", classes=3)
            >>> len(index), len(grown), grown.classes
            (2, 3, 3)
        """
        rows = self._normalised(embeddings)
        kind = SOURCES.index(source) if isinstance(source, str) else source
        return PrototypeIndex(
            np.concatenate([self.embeddings, rows]),
            np.concatenate([self.labels, np.asarray(labels)]),
            np.concatenate([self.sources, np.full(len(rows), kind, np.uint8)]),
            self.classes if classes is None else classes,
        )

    @cached_property
    def class_means(self) -> Floats:
        """(C, E) float32 mean of each class's rows, of length 1; zeros for a class without rows."""
        sums = np.zeros((self.classes, self.embeddings.shape[1]), np.float32)
        present = np.flatnonzero(self._counts)
        if len(present):
            by_class = self.labels.argsort(kind="stable")
            first = (self._counts.cumsum() - self._counts)[present]
            sums[present] = np.add.reduceat(self.embeddings[by_class], first, axis=0)
        return _unit(sums)

    def similarities(
        self, queries: ArrayLike, rule: Literal["mean", "nearest"], k: int = 5
    ) -> Floats:
        """How like each class each query is.

        Args:
            queries: (N, E) floats of any length.
            rule: "mean" for the cosine with the class mean; "nearest" for the mean cosine with the
                k most similar rows of the class, or with all where it has fewer.
            k: See `rule`; at least 1.

        Returns:
            (N, C) float32 in [-1, 1]; -1 for a class without rows.

        Raises:
            InputError: Queries of another shape.

        Example:
            >>> rows = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
            >>> index = PrototypeIndex(rows, [0, 0, 0], [0, 0, 0], classes=1)
            >>> round(float(index.similarities([[1.0, 0.0]], "nearest", k=2)[0, 0]), 4)
            0.8
        """
        asked = self._normalised(queries)
        if rule == "mean":
            cosines = _cosines(asked, self.class_means)
            cosines[:, ~self.present] = -1.0
            return cosines
        result = np.full((len(asked), self.classes), -1.0, np.float32)
        by_class = self.labels.argsort(kind="stable")
        ends = self._counts.cumsum()
        for part in self._blocks(len(asked)):
            cosines = _cosines(asked[part], self.embeddings[by_class])
            for label in np.flatnonzero(self._counts).tolist():
                own = cosines[:, ends[label] - self._counts[label] : ends[label]]
                best = own if own.shape[1] <= k else np.partition(own, -k, axis=1)[:, -k:]
                result[part, label] = best.mean(axis=1)
        return result

    def neighbours(self, queries: ArrayLike, count: int) -> tuple[NDArray[np.int64], Floats]:
        """The rows most like each query, best first: what to show beside an answer.

        Args:
            queries: (N, E) floats of any length.
            count: In [1, M].

        Returns:
            (N, count) int64 row numbers and (N, count) float32 cosines.

        Example:
            >>> index = PrototypeIndex(np.eye(3), [0, 1, 2], [0, 0, 0], classes=3)
            >>> index.neighbours([[0.0, 4.0, 3.0]], 2)[0].tolist()
            [[1, 2]]
        """
        asked = self._normalised(queries)
        rows = np.empty((len(asked), count), np.int64)
        cosines = np.empty((len(asked), count), np.float32)
        for part in self._blocks(len(asked)):
            every = _cosines(asked[part], self.embeddings)
            best = np.sort(np.argpartition(-every, count - 1, axis=1)[:, :count], axis=1)
            near = np.take_along_axis(every, best, axis=1)
            order = np.argsort(-near, axis=1, kind="stable")
            rows[part] = np.take_along_axis(best, order, axis=1)
            cosines[part] = np.take_along_axis(near, order, axis=1)
        return rows, cosines

    def _normalised(self, queries: ArrayLike) -> Floats:
        """Queries or new rows as float32 rows of length 1."""
        asked, width = np.asarray(queries), self.embeddings.shape[1]
        if asked.ndim != 2 or asked.shape[1] != width:
            raise InputError(f"embeddings of shape {asked.shape}", f"give (N, {width})")
        return _unit(asked)

    def _blocks(self, queries: int) -> Iterator[slice]:
        """Slices of the queries whose cosines with all rows fit into the memory bound."""
        step = max(1, _CELLS // max(1, len(self)))
        return (slice(first, first + step) for first in range(0, queries, step))


def _unit(rows: NDArray[Any]) -> Floats:
    """(N, E) float32 rows of length 1; zeros stay zeros."""
    single = rows.astype(np.float32)
    lengths = np.linalg.norm(single, axis=1, keepdims=True)
    unit: Floats = single / np.maximum(lengths, _SHORTEST)
    return unit


def _cosines(queries: Floats, rows: Floats) -> Floats:
    """(N, R) dot products of rows of length 1."""
    products: Floats = queries @ rows.T
    return np.clip(products, -1.0, 1.0, out=products)


def _check_rows(
    embeddings: NDArray[Any], labels: NDArray[Any], sources: NDArray[Any], classes: int
) -> None:
    """Refuse rows that would give wrong similarities without a word."""
    rows = embeddings.shape[:1]
    if embeddings.ndim != 2 or labels.shape != rows or sources.shape != rows:
        raise InputError(
            f"embeddings {embeddings.shape}, labels {labels.shape} and sources {sources.shape}",
            "give (M, E), (M,) and (M,)",
        )
    for name, values, end in (("label", labels, classes), ("source", sources, len(SOURCES))):
        if values.size and not 0 <= values.min() <= values.max() < end:
            raise InputError(
                f"{name}s from {values.min()} to {values.max()}", f"a {name} is in [0, {end})"
            )
    if not np.isfinite(embeddings).all():
        raise InputError("an embedding is not finite", "look for the crop that gives it")
