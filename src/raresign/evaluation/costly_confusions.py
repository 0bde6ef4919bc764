"""Which classes are taken for which others, the dearest first, by the families that they are of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from raresign.evaluation.called_crops import CalledCrops

BETWEEN_FAMILIES = 2.0
"""How much dearer a mistake is that takes a sign for one of another family."""


@dataclass(frozen=True)
class CostlyPair:
    """One true class called one other class.

    Args:
        code: True class code.
        predicted_code: Predicted class code.
        count: Crops for which it happened.
        share: That count over the labelled crops of the true class, in (0, 1].
        sure: Mean probability with which it happened, in [0, 1].
        named: Of the crops, those whose answer named the class.
        cost: count x sure, twice that between families.
    """

    code: str
    predicted_code: str
    count: int
    share: float
    sure: float
    named: int
    cost: float


@dataclass(frozen=True, eq=False)
class FamilyPair:
    """All pairs of classes of two families, or of one.

    Attributes:
        family: Of the true classes.
        other: Of the predicted ones.
        count: Crops of all pairs.
        cost: Of all pairs.
        size: How many pairs there are.
    """

    family: str
    other: str
    count: int
    cost: float
    size: int
    _make: Callable[[], tuple[CostlyPair, ...]] = field(repr=False)

    @property
    def same(self) -> bool:
        """Whether both families are one."""
        return self.family == self.other

    @cached_property
    def pairs(self) -> tuple[CostlyPair, ...]:
        """The pairs of classes, the dearest first; made when they are first looked at."""
        return self._make()


class CostlyConfusions:
    """All confusions of test crops, sorted once so that each look is quick.

    Attributes:
        mistakes: (M,) row numbers of the crops called a wrong class, the surest first.
        groups: The dearest pair of families first.

    Example:
        >>> crops = CalledCrops(("a", "b", "c"), np.array([0, 0, 1]), np.array([1, 1, 2]),
        ...                     np.array([0.5, 0.9, 0.8], np.float32), ("3.1", "3.2", "5.1"),
        ...                     ("freq",) * 3, ("red ring", "red ring", "blue disc"))
        >>> found = CostlyConfusions(crops)
        >>> [(group.family, group.other, round(group.cost, 2)) for group in found.groups]
        [('red ring', 'blue disc', 1.6), ('red ring', 'red ring', 1.4)]
        >>> found.rows("3.1", "3.2").tolist(), found.mistakes.tolist()
        ([1, 0], [1, 2, 0])
    """

    def __init__(self, crops: CalledCrops) -> None:
        wrong = np.flatnonzero(crops.of_group("all") & ~crops.correct)
        self.mistakes: NDArray[np.int64] = wrong[
            np.argsort(-crops.confidence[wrong], kind="stable")
        ].astype(np.int64)
        classes = len(crops.codes)
        cells = crops.labels[self.mistakes] * classes + crops.predicted[self.mistakes]
        self._order = self.mistakes[np.argsort(cells, kind="stable")]  # the surest first in a cell
        distinct, self._first, counts = np.unique(
            np.sort(cells), return_index=True, return_counts=True
        )
        self._place = {cell: number for number, cell in enumerate(distinct.tolist())}
        self._counts = counts
        self._label_of = {code: label for label, code in enumerate(crops.codes)}
        self._classes = classes
        self.groups = _groups(crops, distinct, self._order, self._first, counts)

    def rows(self, code: str, predicted_code: str) -> NDArray[np.int64]:
        """(count,) row numbers of the crops of a class that were called another, surest first."""
        label, predicted = self._label_of.get(code, -1), self._label_of.get(predicted_code, -1)
        number = self._place.get(label * self._classes + predicted, -1) if label >= 0 else -1
        if number < 0 or predicted < 0:
            return np.empty(0, np.int64)
        first = int(self._first[number])
        return self._order[first : first + int(self._counts[number])]


def _groups(
    crops: CalledCrops,
    cells: NDArray[np.int64],
    rows: NDArray[np.int64],
    first: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> tuple[FamilyPair, ...]:
    """Pairs of families of the distinct `cells`, whose crops stand in `rows` from `first` on."""
    if not len(cells):
        return ()
    labels, predicted = cells // len(crops.codes), cells % len(crops.codes)
    totals = np.bincount(crops.labels[crops.labels >= 0], minlength=len(crops.codes))
    sums = np.add.reduceat(crops.confidence[rows].astype(np.float64), first)
    named = np.add.reduceat(crops.named[rows].astype(np.int64), first)
    names, family = np.unique(np.array(crops.families), return_inverse=True)
    own, other = family.reshape(-1)[labels], family.reshape(-1)[predicted]
    cost = sums * np.where(own == other, 1.0, BETWEEN_FAMILIES)
    order = np.argsort(-cost, kind="stable")
    group = own[order] * len(names) + other[order]
    sorted_by_group = order[np.argsort(group, kind="stable")]  # the dearest first in a group
    groups, starts = np.unique(np.sort(group), return_index=True)

    def made(numbers: NDArray[np.int64]) -> tuple[CostlyPair, ...]:
        return tuple(
            CostlyPair(
                crops.codes[labels[k]],
                crops.codes[predicted[k]],
                int(counts[k]),
                float(counts[k] / totals[labels[k]]),
                float(sums[k] / counts[k]),
                int(named[k]),
                float(cost[k]),
            )
            for k in numbers.tolist()
        )

    found = [
        FamilyPair(
            str(names[one // len(names)]),
            str(names[one % len(names)]),
            int(counts[numbers].sum()),
            float(cost[numbers].sum()),
            len(numbers),
            partial(made, numbers),
        )
        for one, numbers in zip(groups.tolist(), np.split(sorted_by_group, starts[1:]), strict=True)
    ]
    return tuple(sorted(found, key=lambda one: -one.cost))
