"""What synthetic crops are drawn from: a range for each value, a probability for each effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Knots = tuple[float, ...]
"""Evenly spaced quantiles of a range, as in a preset."""

FEW_KNOTS, MANY_KNOTS = 9, 41
"""Knots of a range in a file, and while it is fitted: few would spread a thin tail far."""
_GRID = 1000
_TAIL = 0.01
"""The ends of a fitted range are its 1 % and 99 % quantiles: a single outlier sets no end."""


@dataclass(frozen=True, eq=False)
class Proposal:
    """A product of independent distributions.

    Args:
        ranges: Knots by "effect.field".
        probabilities: How often an effect happens, by its name; only those that may change.
        mix: (C,) share of each class; None where the classes are given.

    Example:
        >>> Proposal({"sensor.blur": (0.2, 0.8)}, {"haze": 0.3}).ranges["sensor.blur"]
        (0.2, 0.8)
    """

    ranges: Mapping[str, Knots]
    probabilities: Mapping[str, float]
    mix: NDArray[np.float64] | None = None

    def mixed(self, other: Proposal, share: float) -> Proposal:
        """This proposal with `share` of the other one's ranges and probabilities in it."""
        ranges = {
            name: mixed_knots([(knots, 1 - share), (other.ranges[name], share)])
            if knots != other.ranges[name]
            else knots
            for name, knots in self.ranges.items()
        }
        probabilities = {
            name: (1 - share) * value + share * other.probabilities[name]
            for name, value in self.probabilities.items()
        }
        return replace(self, ranges=ranges, probabilities=probabilities)


def weighted_knots(
    values: NDArray[np.float64], weights: NDArray[np.float64], count: int = FEW_KNOTS
) -> Knots:
    """Evenly spaced quantiles of weighted values, the ends moved in to 1 % and 99 %.

    Args:
        values: (N,) finite.
        weights: (N,) non-negative, with a positive sum.
        count: How many knots.

    Example:
        >>> [round(knot) for knot in weighted_knots(np.arange(101.0), np.ones(101))]
        [1, 12, 25, 37, 50, 63, 75, 88, 99]
    """
    order = np.argsort(values, kind="stable")
    ordered, mass = values[order], weights[order]
    place = (np.cumsum(mass) - mass / 2) / mass.sum()
    levels = np.linspace(0, 1, count).clip(_TAIL, 1 - _TAIL)
    return tuple(np.interp(levels, place, ordered).tolist())


def mixed_knots(parts: list[tuple[Knots, float]], count: int = FEW_KNOTS) -> Knots:
    """Knots of a mixture of ranges, given as (knots, share).

    Example:
        >>> mixed = mixed_knots([((0.0, 1.0), 0.5), ((2.0, 3.0), 0.5)])
        >>> [round(knot, 2) for knot in mixed[::2]]
        [0.02, 0.5, 1.5, 2.5, 2.98]
    """
    level = (np.arange(_GRID) + 0.5) / _GRID
    values = [np.interp(level, np.linspace(0, 1, len(knots)), knots) for knots, _ in parts]
    weights = [np.full(_GRID, share) for _, share in parts]
    return weighted_knots(np.concatenate(values), np.concatenate(weights), count)
