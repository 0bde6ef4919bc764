"""Is a new model fit to replace an old one? Class by class: an average hides what got worse."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raresign.evaluation.metrics import json_ready

_SIGNIFICANT = 0.05


@dataclass(frozen=True)
class ClassChange:
    """What two models said of the crops of one class.

    Args:
        code: Its class code.
        title: For people.
        crops: How many both answered.
        recall_old: Share that the old model recognised.
        recall_new: The same of the new one.
        only_old: Crops that only the old model recognised.
        only_new: Crops that only the new one recognised.
        p: Chance of so many or more losses if both were equally good (exact one-sided McNemar
            test), in [0, 1]; of gains where there are more of them.
        verdict: "worse" or "better" after Holm's correction for all classes; "perhaps worse" or
            "perhaps better" without it; "" else.
    """

    code: str
    title: str
    crops: int
    recall_old: float
    recall_new: float
    only_old: int
    only_new: int
    p: float
    verdict: str


@dataclass(frozen=True)
class ReleaseGate:
    """Two models on the same crops, class by class.

    Args:
        rows: One for each class with crops, the surest losses first.
        recall_old: Of all crops.
        recall_new: Of all crops.
    """

    rows: tuple[ClassChange, ...]
    recall_old: float
    recall_new: float

    @property
    def worse(self) -> tuple[ClassChange, ...]:
        """The classes that got significantly worse."""
        return tuple(row for row in self.rows if row.verdict == "worse")

    @property
    def summary(self) -> str:
        """The result in plain words."""
        crops = sum(row.crops for row in self.rows)
        told = (
            f"{crops} crops of {len(self.rows)} classes: recall {100 * self.recall_old:.1f} % -> "
            f"{100 * self.recall_new:.1f} %; "
        )
        perhaps = [row for row in self.rows if row.verdict == "perhaps worse"]
        more = f"; perhaps worse: {_named(perhaps)}" if perhaps else ""
        if not self.worse:
            return f"{told}no class is shown to have got worse{more}"
        return f"{told}worse: {_named(self.worse)}{more}"

    def as_dict(self) -> dict[str, Any]:
        """The same as dicts and numbers, ready for JSON."""
        return {**json_ready(self), "worse": [row.code for row in self.worse]}


def release_gate(
    truth: Sequence[str],
    right_old: NDArray[np.bool_],
    right_new: NDArray[np.bool_],
    titles: Mapping[str, str],
) -> ReleaseGate:
    """Compare two models class by class.

    Each class is tested by the crops that only one of the models recognised. A class with fewer
    than five of them cannot be shown to differ; over the others p is corrected by S. Holm, "A
    simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6
    (1979).

    Args:
        truth: (N) the class code of each crop, N at least 1.
        right_old: (N,) bool, whether the old model recognised it.
        right_new: (N,) bool.
        titles: For people, by code; a code stands for itself where there is none.

    Example:
        >>> old, new = np.array([True] * 10), np.array([False] * 8 + [True] * 2)
        >>> gate = release_gate(["3.1"] * 8 + ["3.2"] * 2, old, new, {})
        >>> [row.code for row in gate.worse], round(gate.rows[0].p, 4)
        (['3.1'], 0.0039)
    """
    place = {code: number for number, code in enumerate(dict.fromkeys(truth))}
    own = np.array([place[code] for code in truth], np.int64)

    def counted(rows: NDArray[np.bool_]) -> list[int]:
        return [int(count) for count in np.bincount(own[rows], minlength=len(place))]

    every = counted(np.ones(len(own), bool))
    old, new = counted(right_old), counted(right_new)
    only_old, only_new = counted(right_old & ~right_new), counted(right_new & ~right_old)
    rows = []
    for code, k in place.items():
        lost, won = only_old[k], only_new[k]
        facts = (every[k], old[k] / every[k], new[k] / every[k], lost, won)
        rows.append((code, titles.get(code, code), *facts, _tail(max(lost, won), lost + won)))
    verdicts = _verdicts([(row[5], row[6], row[7]) for row in rows])
    changes = [ClassChange(*row, verdict) for row, verdict in zip(rows, verdicts, strict=True)]
    changes.sort(key=lambda row: (row.only_old <= row.only_new, row.p))
    return ReleaseGate(tuple(changes), float(right_old.mean()), float(right_new.mean()))


def _tail(hits: int, n: int) -> float:
    """Chance of at least so many heads of n coins; 1 of none."""
    return float(sum(math.comb(n, k) for k in range(hits, n + 1)) / 2**n)


def _verdicts(rows: Sequence[tuple[int, int, float]]) -> list[str]:
    """In words, of (lost, won, p) of each class."""
    testable = [k for k, (lost, won, _) in enumerate(rows) if 0.5 ** (lost + won) <= _SIGNIFICANT]
    sure = set()
    for place, k in enumerate(sorted(testable, key=lambda k: rows[k][2])):
        if rows[k][2] * (len(testable) - place) > _SIGNIFICANT:
            break
        sure.add(k)
    words = []
    for k, (lost, won, p) in enumerate(rows):
        way = "worse" if lost > won else "better"
        maybe = f"perhaps {way}" if p <= _SIGNIFICANT else ""
        words.append(way if k in sure else maybe)
    return words


def _named(rows: Sequence[ClassChange]) -> str:
    return ", ".join(
        f"{row.title} ({100 * row.recall_old:.0f} -> {100 * row.recall_new:.0f} % of {row.crops})"
        for row in rows
    )
