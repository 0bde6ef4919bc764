"""The prototype index: embeddings of known pictures of each class, which a crop is compared to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raresign.errors import InputError

Floats = NDArray[np.float32]

SOURCES = ("synthetic", "icon", "real")
"""Where a prototype comes from; a row's source is its place here."""

Rule = Literal["mean", "nearest"]

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
        self._embeddings = _unit(rows)
        self._labels = label.astype(np.int64)
        self._sources = source.astype(np.uint8)
        self._classes = classes
        self._counts = np.bincount(self._labels, minlength=classes)

    def __len__(self) -> int:
        return len(self._labels)

    @property
    def embeddings(self) -> Floats:
        """(M, E) float32 rows of length 1, in the order in which they were added."""
        return self._embeddings

    @property
    def labels(self) -> NDArray[np.int64]:
        """(M,) int64 class of each row."""
        return self._labels

    @property
    def sources(self) -> NDArray[np.uint8]:
        """(M,) uint8 place of each row's source in `SOURCES`."""
        return self._sources

    @property
    def classes(self) -> int:
        """C, number of classes."""
        return self._classes

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
            InputError: As the constructor; an unknown source; fewer classes than before.

        Example:
            >>> index = PrototypeIndex(np.eye(2), [0, 1], [1, 1], classes=2)
            >>> grown = index.add([[1.0, 1.0]], [2], "real", classes=3)
            >>> len(index), len(grown), grown.classes
            (2, 3, 3)
        """
        total = self._classes if classes is None else classes
        if total < self._classes:
            raise InputError(
                f"{total} classes, but the index has {self._classes}", "an index only grows"
            )
        rows, label = self._normalised(embeddings), np.asarray(labels)
        kind = _places(source, len(rows))
        _check_rows(np.asarray(embeddings), label, kind, total)
        return PrototypeIndex(
            np.concatenate([self._embeddings, rows]),
            np.concatenate([self._labels, label.astype(np.int64)]),
            np.concatenate([self._sources, kind.astype(np.uint8)]),
            total,
        )

    @cached_property
    def class_means(self) -> Floats:
        """(C, E) float32, the mean of each class's rows, brought back to length 1.

        Zeros for a class without rows.

        Example:
            >>> index = PrototypeIndex([[1, 0], [0.6, 0.8]], [1, 1], [0, 2], classes=2)
            >>> [round(float(value), 3) for value in index.class_means[1]]
            [0.894, 0.447]
        """
        sums = np.zeros((self._classes, self._embeddings.shape[1]), np.float32)
        present = np.flatnonzero(self._counts)
        if len(present):
            by_class = self._labels.argsort(kind="stable")
            first = (self._counts.cumsum() - self._counts)[present]
            sums[present] = np.add.reduceat(self._embeddings[by_class], first, axis=0)
        return _unit(sums)

    def similarities(self, queries: ArrayLike, rule: Rule, k: int = 5) -> Floats:
        """How like each class each query is.

        Args:
            queries: (N, E) floats of any length.
            rule: "mean" for the cosine with the class mean; "nearest" for the mean cosine with the
                k most similar rows of the class, or with all where it has fewer.
            k: At least 1; for "nearest".

        Returns:
            (N, C) float32 in [-1, 1]; -1 for a class without rows.

        Raises:
            InputError: A shape, rule or k that does not fit.

        Example:
            >>> rows = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
            >>> index = PrototypeIndex(rows, [0, 0, 0], [0, 0, 0], classes=1)
            >>> round(float(index.similarities([[1.0, 0.0]], "nearest", k=2)[0, 0]), 4)
            0.8
        """
        asked = self._normalised(queries)
        if rule == "mean":
            cosines = _cosines(asked, self.class_means)
            cosines[:, self._counts == 0] = -1.0
            return cosines
        if rule != "nearest":
            raise InputError(f"prototype rule {rule!r}", "use mean or nearest")
        if k < 1:
            raise InputError(f"the {k} nearest prototypes", "use at least 1")
        result = np.full((len(asked), self._classes), -1.0, np.float32)
        by_class = self._labels.argsort(kind="stable")
        ends = self._counts.cumsum()
        for part in self._blocks(len(asked)):
            cosines = _cosines(asked[part], self._embeddings[by_class])
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

        Raises:
            InputError: A shape or count that does not fit.

        Example:
            >>> index = PrototypeIndex(np.eye(3), [0, 1, 2], [0, 0, 0], classes=3)
            >>> rows, cosines = index.neighbours([[0.0, 4.0, 3.0]], 2)
            >>> rows.tolist(), cosines.round(3).tolist() == np.float32([[0.8, 0.6]]).tolist()
            ([[1, 2]], True)
        """
        asked = self._normalised(queries)
        if not 1 <= count <= len(self):
            raise InputError(f"{count} neighbours of {len(self)} prototypes", "use 1 to all")
        rows = np.empty((len(asked), count), np.int64)
        cosines = np.empty((len(asked), count), np.float32)
        for part in self._blocks(len(asked)):
            every = _cosines(asked[part], self._embeddings)
            best = np.sort(np.argpartition(-every, count - 1, axis=1)[:, :count], axis=1)
            near = np.take_along_axis(every, best, axis=1)
            order = np.argsort(-near, axis=1, kind="stable")
            rows[part] = np.take_along_axis(best, order, axis=1)
            cosines[part] = np.take_along_axis(near, order, axis=1)
        return rows, cosines

    def state(self) -> dict[str, NDArray[Any]]:
        """What to save: "embeddings" (M, E) float16, "labels" (M,) int64, "sources" (M,) uint8."""
        return {
            "embeddings": self._embeddings.astype(np.float16),
            "labels": self._labels.copy(),
            "sources": self._sources.copy(),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]], classes: int) -> PrototypeIndex:
        """The index that `state` came from, but for the rounding to float16.

        Raises:
            InputError: An array is missing, or as the constructor.

        Example:
            >>> index = PrototypeIndex(np.eye(2), [0, 1], [0, 0], classes=2)
            >>> PrototypeIndex.from_state(index.state(), 2).embeddings.tolist()
            [[1.0, 0.0], [0.0, 1.0]]
        """
        missing = {"embeddings", "labels", "sources"} - state.keys()
        if missing:
            raise InputError(f"saved prototypes without {sorted(missing)}", "save the index again")
        return cls(state["embeddings"], state["labels"], state["sources"], classes)

    def _normalised(self, queries: ArrayLike) -> Floats:
        """Queries or new rows as float32 rows of length 1."""
        asked, width = np.asarray(queries), self._embeddings.shape[1]
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


def _places(source: str | ArrayLike, count: int) -> NDArray[Any]:
    """(count,) places in `SOURCES`."""
    if not isinstance(source, str):
        return np.asarray(source)
    if source not in SOURCES:
        raise InputError(f"prototypes of source {source!r}", f"use one of {', '.join(SOURCES)}")
    return np.full(count, SOURCES.index(source))


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
