"""The tables of `make faults`: a row an operation or a fault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Row:
    """What became of one operation that was killed.

    Args:
        name: The operation.
        kills: How often it was killed.
        repeats: How often it was repeated after one to three kills.
        matched: Repeats that ended as an unbroken run does.
        left: Files that were left over after a repeat.
        problems: What went wrong.
        seconds: How long all that took.
    """

    name: str
    kills: int = 0
    repeats: int = 0
    matched: int = 0
    left: int = 0
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0


@dataclass
class Fault:
    """What became of one fault that was made.

    Args:
        name: The fault.
        tries: How often it was made.
        right: How often the command did what it should.
        ended: How it ended, in a few words.
        problems: What went wrong.
    """

    name: str
    tries: int = 0
    right: int = 0
    ended: str = ""
    problems: list[str] = field(default_factory=list)


def killed_table(rows: Sequence[Row]) -> str:
    """Of kills, in Markdown."""
    lines = [
        "| operation | kills | repeats | matched | files left | problems |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    every = Row(
        "**all**",
        *(
            sum(getattr(row, name) for row in rows)
            for name in ("kills", "repeats", "matched", "left")
        ),
        [problem for row in rows for problem in row.problems],
    )
    for row in (*rows, every):
        numbers = (row.kills, row.repeats, row.matched, row.left, len(row.problems))
        lines.append(f"| {row.name} | {' | '.join(map(str, numbers))} |")
    return "\n".join(lines)


def fault_table(faults: Sequence[Fault]) -> str:
    """Of other faults, in Markdown."""
    lines = ["| fault | tries | right | how it ends | problems |", "|---|---:|---:|---|---:|"]
    lines += [
        f"| {one.name} | {one.tries} | {one.right} | {one.ended} | {len(one.problems)} |"
        for one in faults
    ]
    return "\n".join(lines)
