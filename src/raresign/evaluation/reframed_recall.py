"""Recall when the crops are framed otherwise, and what it loses against unchanged crops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from raresign.crops.reframing import UNCHANGED, Reframing
from raresign.errors import InputError
from raresign.evaluation.intervals import Estimate, paired_difference_interval
from raresign.evaluation.metrics import json_ready
from raresign.evaluation.predictions import GROUPS, Group
from raresign.language.spoken import _


@dataclass(frozen=True)
class ReframedRecall:
    """What one window does to the crops.

    Attributes:
        scale: Factor of the visible width.
        across, down: Shift of the window to the right and down, in shares of the crop.
        recall: By group: share of the crops that were recognised, Wilson interval.
        loss: By group: recall of the unchanged crops less that, with the paired interval.
    """

    scale: float
    across: float
    down: float
    recall: dict[Group, Estimate]
    loss: dict[Group, Estimate]

    @property
    def words(self) -> str:
        """The window in the words of the language spoken: "x 0.8", "15 % left and up"."""
        if not (self.across or self.down):
            return f"x {self.scale:g}"
        sides = (self.across, _("left"), _("right")), (self.down, _("up"), _("down"))
        places = [less if part < 0 else more for part, less, more in sides if part]
        size = "" if self.scale == 1 else f"x {self.scale:g}, "
        return f"{size}{100 * self.amount:g} % {_(' and ').join(places)}"

    @property
    def amount(self) -> float:
        """How far the window is shifted along a side."""
        return max(abs(self.across), abs(self.down))


@dataclass(frozen=True)
class FramingSweep:
    """Recall in every window that was tried.

    Attributes:
        rows: One a window, the unchanged one among them.
    """

    rows: tuple[ReframedRecall, ...]

    @property
    def unchanged(self) -> ReframedRecall:
        """The crops as they are."""
        return next(row for row in self.rows if (row.scale, row.across, row.down) == UNCHANGED)

    def scales(self) -> list[ReframedRecall]:
        """The windows that are not shifted, by scale."""
        return sorted((row for row in self.rows if not row.amount), key=lambda row: row.scale)

    def mean_shift_losses(self, group: Group) -> dict[float, float]:
        """Share that the window is shifted by -> loss, mean over the directions."""
        moved = [row for row in self.rows if row.amount]
        return {
            amount: fmean(row.loss[group].value for row in moved if row.amount == amount)
            for amount in sorted({row.amount for row in moved})
        }

    def as_dict(self) -> dict[str, Any]:
        """Dicts, lists and numbers, ready for JSON: None for NaN."""
        return json_ready(self)


def compare_windows(
    windows: Sequence[Reframing], right: np.ndarray, groups: Mapping[Group, np.ndarray]
) -> FramingSweep:
    """Count what the windows do.

    Args:
        windows: W windows, the unchanged one among them.
        right: (W, N) bool, whether a crop was recognised in a window.
        groups: (N,) bool each, which crops belong to a group.

    Example:
        >>> both = np.ones(2, bool)
        >>> sweep = compare_windows([Reframing(), Reframing(0.5)], np.array([[1, 1], [1, 0]]),
        ...                         {"all": both, "rare": both, "freq": ~both})
        >>> sweep.rows[1].loss["rare"].value
        0.5
    """
    before = right[list(windows).index(UNCHANGED)].astype(bool)
    return FramingSweep(
        tuple(
            ReframedRecall(
                *window,
                {name: _recall(after[rows]) for name, rows in groups.items()},
                {name: _loss(before[rows], after[rows]) for name, rows in groups.items()},
            )
            for window, after in zip(windows, right.astype(bool), strict=True)
        )
    )


def sweep_from_dict(plain: Any) -> FramingSweep:
    """The inverse of `FramingSweep.as_dict`.

    Raises:
        InputError: A key is missing or of the wrong type, or a group or the unchanged window is.
    """
    try:
        sweep = TypeAdapter(FramingSweep).validate_python(plain)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(f"framing.json: {place}: {first['msg']}", _AGAIN) from error
    whole = all({*row.recall} == {*row.loss} == {*GROUPS} for row in sweep.rows)
    windows = [Reframing(row.scale, row.across, row.down) for row in sweep.rows]
    if not whole or UNCHANGED not in windows:
        raise InputError("framing.json: no unchanged crops, or a group is missing", _AGAIN)
    return sweep


_AGAIN = "run `raresign evaluate --framing-sweep`"


def _recall(right: np.ndarray) -> Estimate:
    return Estimate.of_share(int(right.sum()), len(right))


def _loss(before: np.ndarray, after: np.ndarray) -> Estimate:
    """Recall before less after, of the same crops."""
    wins, losses = int((before & ~after).sum()), int((after & ~before).sum())
    value = (wins - losses) / len(before) if len(before) else float("nan")
    low, high = paired_difference_interval(wins, losses, len(before), seed=0)
    return Estimate(value, low, high, len(before))
