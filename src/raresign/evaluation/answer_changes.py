"""Two models on the same test crops: which crops each lost or won, class by class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from raresign.errors import InputError
from raresign.evaluation.called_crops import CalledCrops
from raresign.evaluation.compare import paired_rows
from raresign.evaluation.release_gate import ClassChange, ReleaseGate, release_gate
from raresign.language.spoken import _


@dataclass(frozen=True, eq=False)
class AnswerChanges:
    """What changed from an old model to a new one.

    Attributes:
        gate: The verdicts, class by class.
        old: What the old model called the crops.
        new: What the new one called the same crops, in the same order.
        truth: (N) the class code of each crop; "" where neither knows it, and it does not count.
    """

    gate: ReleaseGate
    old: CalledCrops
    new: CalledCrops
    truth: tuple[str, ...]

    @property
    def changed(self) -> tuple[ClassChange, ...]:
        """The classes of which a crop was lost or won, the surest losses first."""
        return tuple(row for row in self.gate.rows if row.only_old or row.only_new)

    def lost(self, code: str) -> NDArray[np.int64]:
        """Rows of a class that only the old model recognised; the new one's surest first."""
        return self._rows(code, self.old.correct & ~self.new.correct)

    def won(self, code: str) -> NDArray[np.int64]:
        """Rows of a class that only the new model recognised."""
        return self._rows(code, self.new.correct & ~self.old.correct)

    def otherwise_wrong(self, code: str) -> NDArray[np.int64]:
        """Rows of a class that both called wrong, and not by the same name."""
        place = {code: label for label, code in enumerate(self.old.codes)}
        as_old = np.array([place.get(code, -1) for code in self.new.codes], np.int64)
        other = self.old.predicted != as_old[self.new.predicted]
        return self._rows(code, ~self.old.correct & ~self.new.correct & other)

    @cached_property
    def _truth(self) -> tuple[dict[str, int], NDArray[np.int64]]:
        """Codes by number, and (N,) the number of each crop's code."""
        place = {code: number for number, code in enumerate(dict.fromkeys(self.truth))}
        return place, np.array([place[code] for code in self.truth], np.int64)

    def _rows(self, code: str, among: NDArray[np.bool_]) -> NDArray[np.int64]:
        place, truth = self._truth
        rows = np.flatnonzero(among & (truth == place.get(code, -1)))
        return rows[np.argsort(-self.new.confidence[rows], kind="stable")].astype(np.int64)


def answer_changes(
    old: CalledCrops, new: CalledCrops, titles: Mapping[str, str] | None = None
) -> AnswerChanges:
    """Pair two models' answers to the same test crops.

    Crops are paired by path (a path that stands k times: its first with the first, and so on).

    Args:
        old: What the first model called them.
        new: What the second one called them.
        titles: Names of classes for people, by code.

    Raises:
        InputError: The crops differ, or a crop has another label in `new`, or none has a label.

    Example:
        >>> facts = ("3.1", "3.2"), ("freq", "rare"), ("red ring", "red ring")
        >>> sure = np.array([0.9, 0.9], np.float32)
        >>> old = CalledCrops(("x", "y"), np.array([0, 1]), np.array([0, 0]), sure, *facts)
        >>> new = CalledCrops(("y", "x"), np.array([1, 0]), np.array([1, 1]), sure, *facts)
        >>> found = answer_changes(old, new)
        >>> found.lost("3.1").tolist(), found.won("3.2").tolist()
        ([0], [1])
    """
    rows = paired_rows(old, new, _("the first"), _("the second"))
    paired = CalledCrops(
        old.paths,
        new.labels[rows],
        new.predicted[rows],
        new.confidence[rows],
        new.codes,
        new.types,
        new.families,
        tuple(new.levels[row] for row in rows.tolist()) if new.levels else (),
    )
    one, other = _codes(old), _codes(paired)
    differ = [n for n, pair in enumerate(zip(one, other, strict=True)) if all(pair)]
    differ = [n for n in differ if one[n] != other[n]]
    if differ:
        n = differ[0]
        raise InputError(
            _(
                "{n} crops have another label: {path} is {one} in the first and {two} in the second"
            ).format(n=len(differ), path=old.paths[n], one=one[n], two=other[n]),
            _("evaluate both with the same annotations"),
        )
    truth = tuple(a or b for a, b in zip(one, other, strict=True))
    known = np.array([bool(code) for code in truth])
    if not known.any():
        raise InputError(
            _("none of the crops has a class that one of the models knows"),
            _("evaluate both on crops with labels"),
        )
    codes = [code for code in truth if code]
    gate = release_gate(codes, old.correct[known], paired.correct[known], titles or {})
    return AnswerChanges(gate, old, paired, truth)


def _codes(crops: CalledCrops) -> list[str]:
    """(N) class codes, "" where the model does not know the class."""
    codes = [*crops.codes, ""]  # label -1 picks the last
    return [codes[label] for label in crops.labels.tolist()]
