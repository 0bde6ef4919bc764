"""What answers need of a prototype index: the mean of each class, and few of its rows or none."""

from __future__ import annotations

from typing import Any, Literal, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raresign.answers.prototypes import Floats, PrototypeIndex
from raresign.errors import InputError


class ClassMeans(PrototypeIndex):
    """An index without most of its rows, which answers as the whole one does.

    A class of thirty prototypes needs one row in place of thirty, so a bundle is small. No class
    can be added: that needs the rows.

    Args:
        means: (C, E) floats, `class_means` of the whole index.
        present: (C,) bool, which classes had rows.
        embeddings, labels, sources: Of the rows that stay, see `PrototypeIndex`.

    Raises:
        InputError: Shapes that do not belong together, or numbers that are not finite.

    Example:
        >>> whole = PrototypeIndex(np.eye(3), [0, 0, 2], [0, 0, 0], classes=3)
        >>> small = ClassMeans.of(whole, np.zeros(3, bool))
        >>> len(small), bool((small.class_means == whole.class_means).all())
        (0, True)
    """

    def __init__(
        self,
        means: ArrayLike,
        present: ArrayLike,
        embeddings: ArrayLike,
        labels: ArrayLike,
        sources: ArrayLike,
    ) -> None:
        given, had = np.asarray(means, np.float32), np.asarray(present)
        if given.ndim != 2 or had.shape != given.shape[:1] or had.dtype != np.bool_:
            raise InputError(f"means {given.shape} of classes {had.shape} of {had.dtype}")
        super().__init__(embeddings, labels, sources, len(given))
        if self.embeddings.shape[1] != given.shape[1] or not np.isfinite(given).all():
            raise InputError(f"means {given.shape} for rows {self.embeddings.shape}")
        self.class_means = given
        self.present = had

    @classmethod
    def of(cls, index: PrototypeIndex, kept: NDArray[np.bool_]) -> ClassMeans:
        """The means of an index and the `kept` ones, (M,) bool, of its rows."""
        rows, labels, sources = (
            part[kept] for part in (index.embeddings, index.labels, index.sources)
        )
        return cls(index.class_means, index.present, rows, labels, sources)

    def similarities(
        self, queries: ArrayLike, rule: Literal["mean", "nearest"], k: int = 5
    ) -> Floats:
        """As that of the whole index; only by the rule "mean"."""
        if rule != "mean":
            _refuse()
        return super().similarities(queries, rule, k)

    def add(self, *given: Any, **named: Any) -> NoReturn:
        """Refused: the mean of more rows is not known without the rows."""
        _refuse()


def _refuse() -> NoReturn:
    raise InputError(
        "a bundle has no prototypes, which new classes and photos need",
        "change the run folder and export it again",
    )
