"""Rows of a result table against its base, country by country, each with a verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev

from raresign.lab.protocol.verdict import Change, verdict_of

_T_95 = {2: 12.706, 3: 4.303}
"""Student's t for a 95 % interval of the mean of so many."""


def seeds_change(where: str, ours: Mapping[int, float], theirs: Mapping[int, float]) -> Change:
    """Mean difference over the seeds that both have, with its interval; NaN where they have none.

    Args:
        where: What it is a figure of.
        ours, theirs: Seed -> figure in [0, 1].
    """
    found = [ours[seed] - theirs[seed] for seed in sorted(ours) if seed in theirs]
    if not found:
        return Change(where, math.nan, math.nan, math.nan)
    mean = fmean(found)
    if len(found) == 1:
        return Change(where, mean, math.nan, math.nan)
    half = _T_95[len(found)] * stdev(found) / math.sqrt(len(found))
    return Change(where, mean, mean - half, mean + half)


def gains_table(
    judged: Mapping[str, Sequence[Change]], reported: Mapping[str, Sequence[Change]]
) -> str:
    """One line a row: points against the base, and what the judged ones of them decide.

    A row that lacks a judged figure of some country has no verdict.

    Args:
        judged: Title -> changes that decide.
        reported: Title -> changes of test figures, which decide nothing.
    """
    lines = []
    for title, changes in judged.items():
        told = [*changes, *reported[title]]
        if not lines:
            heads = ["row", *(one.where for one in changes), "verdict"]
            heads += [one.where for one in reported[title]]
            lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
        cells = ["-" if math.isnan(one.value) else one.points() for one in told]
        whole = not any(math.isnan(one.value) for one in changes)
        cells.insert(len(changes), verdict_of(changes) if whole else "")
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)
