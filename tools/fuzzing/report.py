"""The table of a run, for the terminal and for docs/reliability.md."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from fuzzing.watch import Row

_START, _END = "<!-- bad-input -->", "<!-- /bad-input -->"


def table(rows: Sequence[Row], seed: int) -> str:
    """All kinds as a table in Markdown, and their sum."""
    lines = [
        "| kind | inputs | refused | accepted | slowest, s | memory, MB | faults |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        lines.append(
            f"| {row.name} | {row.inputs:,} | {row.refused:,} | {row.accepted:,} | "
            f"{row.slowest:.2f} | {row.peak / 1e6:.0f} | {row.wrong} |"
        )
    total = [sum(getattr(row, name) for row in rows) for name in ("inputs", "refused", "accepted")]
    lines.append(
        f"| **all** | **{total[0]:,}** | {total[1]:,} | {total[2]:,} | "
        f"{max(row.slowest for row in rows):.2f} | {max(row.peak for row in rows) / 1e6:.0f} | "
        f"{sum(row.wrong for row in rows)} |"
    )
    routes: dict[str, int] = {}
    for row in rows:
        for name, count in row.routes.items():
            routes[name] = routes.get(name, 0) + count
    made = ", ".join(f"{name} {count:,}" for name, count in routes.items() if count)
    minutes = sum(row.seconds for row in rows) / 60
    lines += ["", f"Seed {seed}, {minutes:.0f} minutes. How they were made: {made}."]
    lines += [f"{row.name}: {note}" for row in rows for note in row.notes]
    return "\n".join(lines)


def write_rows(file: Path, rows: Sequence[Row]) -> None:
    """Keep the rows of a run."""
    file.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", "utf-8")


def read_rows(file: Path) -> list[Row]:
    """The rows of the last run."""
    return [Row(**values) for values in json.loads(file.read_text("utf-8"))]


def write_section(file: Path, text: str) -> None:
    """Put the table between its marks in a page."""
    page = file.read_text("utf-8")
    before, _, rest = page.partition(_START)
    _, _, after = rest.partition(_END)
    file.write_text(f"{before}{_START}\n{text}\n{_END}{after}", "utf-8")
