"""The prototype index: embeddings of known pictures of each class, which a crop is compared to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from raresign.errors import InputError

SOURCES = ("synthetic", "icon", "real")
"""Where a prototype comes from; a row's source is its place here."""

Rule = Literal["mean", "nearest"]

_CELLS = 2**24  # cosines held at a time: 64 MB


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
        >>> icons = torch.tensor([[2.0, 0.0], [0.0, 3.0]])
        >>> index = PrototypeIndex(icons, torch.tensor([0, 1]), torch.tensor([1, 1]), classes=3)
        >>> index.similarities(torch.tensor([[5.0, 0.0]]), "mean").tolist()
        [[1.0, 0.0, -1.0]]
    """

    def __init__(self, embeddings: Tensor, labels: Tensor, sources: Tensor, classes: int) -> None:
        _check_rows(embeddings, labels, sources, classes)
        device = embeddings.device
        self._embeddings = F.normalize(embeddings.detach().to(torch.float32), dim=1)
        self._labels = labels.to(device, torch.int64, copy=True)
        self._sources = sources.to(device, torch.uint8, copy=True)
        self._classes = classes
        self._counts = torch.bincount(self._labels, minlength=classes)

    def __len__(self) -> int:
        return len(self._labels)

    @property
    def embeddings(self) -> Tensor:
        """(M, E) float32 rows of length 1, in the order in which they were added."""
        return self._embeddings

    @property
    def labels(self) -> Tensor:
        """(M,) int64 class of each row."""
        return self._labels

    @property
    def sources(self) -> Tensor:
        """(M,) uint8 place of each row's source in `SOURCES`."""
        return self._sources

    @property
    def classes(self) -> int:
        """C, number of classes."""
        return self._classes

    def add(
        self, embeddings: Tensor, labels: Tensor, source: str | Tensor, classes: int | None = None
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
            >>> index = PrototypeIndex(torch.eye(2), torch.tensor([0, 1]), torch.tensor([1, 1]), 2)
            >>> grown = index.add(torch.tensor([[1.0, 1.0]]), torch.tensor([2]), "real", classes=3)
            >>> len(index), len(grown), grown.classes
            (2, 3, 3)
        """
        if isinstance(source, str) and source not in SOURCES:
            raise InputError(f"prototypes of source {source!r}", f"use one of {', '.join(SOURCES)}")
        total = self._classes if classes is None else classes
        if total < self._classes:
            raise InputError(
                f"{total} classes, but the index has {self._classes}", "an index only grows"
            )
        rows = self._normalised(embeddings)
        if isinstance(source, str):
            source = torch.full((len(embeddings),), SOURCES.index(source))
        _check_rows(embeddings, labels, source, total)
        return PrototypeIndex(
            torch.cat([self._embeddings, rows]),
            torch.cat([self._labels, labels.to(self._labels)]),
            torch.cat([self._sources, source.to(self._sources)]),
            total,
        )

    def class_means(self) -> Tensor:
        """The mean of each class's rows, brought back to length 1.

        Returns:
            (C, E) float32; zeros for a class without rows.

        Example:
            >>> rows, sources = torch.eye(2), torch.tensor([0, 2])
            >>> index = PrototypeIndex(rows, torch.tensor([0, 0]), sources, classes=1)
            >>> index.class_means()
            tensor([[0.7071, 0.7071]])
        """
        sums = self._embeddings.new_zeros(self._classes, self._embeddings.shape[1])
        sums.index_add_(0, self._labels, self._embeddings)
        return F.normalize(sums, dim=1)

    def similarities(self, queries: Tensor, rule: Rule, k: int = 5) -> Tensor:
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
            >>> rows = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
            >>> index = PrototypeIndex(rows, torch.tensor([0, 0, 0]), torch.zeros(3), classes=1)
            >>> index.similarities(torch.tensor([[1.0, 0.0]]), "nearest", k=2)
            tensor([[0.8000]])
        """
        queries = self._normalised(queries)
        if rule == "mean":
            rows = torch.bincount(self._labels, minlength=self._classes)
            return _cosines(queries, self.class_means()).masked_fill(rows == 0, -1.0)
        if rule != "nearest":
            raise InputError(f"prototype rule {rule!r}", "use mean or nearest")
        if k < 1:
            raise InputError(f"the {k} nearest prototypes", "use at least 1")
        result = queries.new_full((len(queries), self._classes), -1.0)
        tables = list(self._row_tables())
        for part in self._blocks(len(queries)):
            cosines = _cosines(queries[part], self._embeddings)
            for classes, rows, filled in tables:
                best = cosines[:, rows].masked_fill(~filled, -torch.inf)
                best = best.topk(min(k, rows.shape[1]), dim=2).values
                used = self._counts[classes].clamp_max(k)
                total = best.masked_fill(best.isneginf(), 0.0).sum(2)
                result[part, classes] = total / used
        return result

    def neighbours(self, queries: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """The rows most like each query, best first: what to show beside an answer.

        Args:
            queries: (N, E) floats of any length.
            count: In [1, M].

        Returns:
            (N, count) int64 row numbers and (N, count) float32 cosines.

        Raises:
            InputError: A shape or count that does not fit.

        Example:
            >>> index = PrototypeIndex(torch.eye(3), torch.arange(3), torch.zeros(3), classes=3)
            >>> rows, cosines = index.neighbours(torch.tensor([[0.0, 4.0, 3.0]]), 2)
            >>> rows.tolist(), cosines
            ([[1, 2]], tensor([[0.8000, 0.6000]]))
        """
        queries = self._normalised(queries)
        if not 1 <= count <= len(self):
            raise InputError(f"{count} neighbours of {len(self)} prototypes", "use 1 to all")
        rows = torch.empty((len(queries), count), dtype=torch.int64, device=queries.device)
        cosines = queries.new_empty(len(queries), count)
        for part in self._blocks(len(queries)):
            best = _cosines(queries[part], self._embeddings).topk(count, dim=1)
            rows[part], cosines[part] = best.indices, best.values
        return rows, cosines

    def state(self) -> dict[str, Tensor]:
        """What to save: "embeddings" (M, E) float16, "labels" (M,) int64, "sources" (M,) uint8."""
        return {
            "embeddings": self._embeddings.to(torch.float16),
            "labels": self._labels.clone(),
            "sources": self._sources.clone(),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor], classes: int) -> PrototypeIndex:
        """The index that `state` came from, but for the rounding to float16.

        Raises:
            InputError: A tensor is missing, or as the constructor.

        Example:
            >>> index = PrototypeIndex(torch.eye(2), torch.arange(2), torch.zeros(2), classes=2)
            >>> torch.equal(PrototypeIndex.from_state(index.state(), 2).embeddings, torch.eye(2))
            True
        """
        missing = {"embeddings", "labels", "sources"} - state.keys()
        if missing:
            raise InputError(f"saved prototypes without {sorted(missing)}", "save the index again")
        return cls(state["embeddings"], state["labels"], state["sources"], classes)

    def _normalised(self, queries: Tensor) -> Tensor:
        """Queries or new rows as float32 rows of length 1 on the index's device."""
        width = self._embeddings.shape[1]
        if queries.ndim != 2 or queries.shape[1] != width:
            raise InputError(f"embeddings of shape {tuple(queries.shape)}", f"give (N, {width})")
        return F.normalize(queries.detach().to(self._embeddings), dim=1)

    def _blocks(self, queries: int) -> Iterator[slice]:
        """Slices of the queries whose cosines with all rows fit into the memory bound."""
        step = max(1, _CELLS // max(1, len(self)))
        return (slice(first, first + step) for first in range(0, queries, step))

    def _row_tables(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Classes of like size together: (G,) labels, (G, width) rows and which are filled.

        The width is the next power of 2, so few tables hold all classes and at most half of the
        cells are padding, however uneven the classes are.
        """
        by_class = self._labels.argsort(stable=True)
        first = self._counts.cumsum(0) - self._counts
        widths = [1 << (count - 1).bit_length() if count else 0 for count in self._counts.tolist()]
        for width in sorted(set(widths) - {0}):
            classes = (self._counts.new_tensor(widths) == width).nonzero()[:, 0]
            place = torch.arange(width, device=classes.device)
            filled = place < self._counts[classes, None]
            rows = by_class[(first[classes, None] + place).where(filled, 0)]
            yield classes, rows, filled


def _cosines(queries: Tensor, rows: Tensor) -> Tensor:
    """(N, R) dot products of rows of length 1, in float32 also under autocast."""
    with torch.autocast(queries.device.type, enabled=False):
        return (queries @ rows.T).clamp_(-1.0, 1.0)


def _check_rows(embeddings: Tensor, labels: Tensor, sources: Tensor, classes: int) -> None:
    """Refuse rows that would give wrong similarities without a word."""
    rows = embeddings.shape[:1]
    if embeddings.ndim != 2 or labels.shape != rows or sources.shape != rows:
        raise InputError(
            f"embeddings {tuple(embeddings.shape)}, labels {tuple(labels.shape)} and sources "
            f"{tuple(sources.shape)}",
            "give (M, E), (M,) and (M,)",
        )
    for name, values, end in (("label", labels, classes), ("source", sources, len(SOURCES))):
        if values.numel() and not 0 <= values.min() <= values.max() < end:
            raise InputError(
                f"{name}s from {values.min().item()} to {values.max().item()}",
                f"a {name} is in [0, {end})",
            )
    if not embeddings.isfinite().all():
        raise InputError("an embedding is not finite", "look for the crop that gives it")
