"""Whether an idea is kept that was measured on several countries."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

_TOLERATED = 0.005
"""A mean loss up to here is not held against an idea, unless its interval lies below 0."""


class Change(NamedTuple):
    """How a figure changes: `where` says of what; value and 95 % interval in [-1, 1]."""

    where: str
    value: float
    low: float
    high: float

    def points(self) -> str:
        """`+1.2 (+0.3 to +2.1)`, without brackets where there is no interval."""
        if math.isnan(self.low):
            return f"{100 * self.value:+.1f}"
        return f"{100 * self.value:+.1f} ({100 * self.low:+.1f} to {100 * self.high:+.1f})"


def verdict_of(changes: Sequence[Change]) -> str:
    """The verdict in words: an idea that helps one country and hurts another is not kept.

    It helps where the whole interval lies above 0. It hurts where the whole interval lies below 0,
    or where the mean falls by more than half a point.

    Example:
        >>> verdict_of([Change("Russia, rare", 0.02, 0.01, 0.03), Change("Russia, freq", 0, 0, 0)])
        'kept: helps Russia, rare'
        >>> verdict_of([Change("Russia, rare", 0.02, 0.01, 0.03),
        ...             Change("Germany, rare", -0.01, -0.03, 0.01)])
        'not kept: helps Russia, rare; hurts Germany, rare'
        >>> verdict_of([Change("Russia, rare", 0.002, -0.01, 0.01)])
        'no clear gain'
    """
    helps = " and ".join(one.where for one in changes if one.low > 0)
    hurts = " and ".join(one.where for one in changes if one.high < 0 or one.value < -_TOLERATED)
    if hurts:
        return f"not kept: {f'helps {helps}; ' if helps else ''}hurts {hurts}"
    return f"kept: helps {helps}" if helps else "no clear gain"
