"""The speed of synthesis beside its peers, as a table that fits 80 columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

_TITLE = "64 px crops a second, median of the rounds; `road is` how many times as fast"


def synth_table(figures: Mapping[str, Any]) -> tuple[Table | None, dict[str, Any]]:
    """One row for each way to make crops (no table without one), and the figures left over."""
    rest = dict(figures)
    table = Table(title=_TITLE, box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("synth", no_wrap=True)
    for head in ("crops/s", "from - to", "road is", "MB"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("with", overflow="fold")
    for key, about in figures.items():
        if not (key.startswith("synth.") and isinstance(about, str)):
            continue
        name = key.removeprefix("synth.")
        prefix = "" if name == "road" else f"{name}_"
        speed = f"synth.{prefix}crops_per_second"
        keys = (speed, f"{speed}_slowest", f"{speed}_fastest", f"synth.{prefix}peak_memory_mb")
        median, slowest, fastest, memory = (rest.pop(each, None) for each in keys)
        ratio = rest.pop(f"synth.ratio_{name}", None)
        if name == "published_generator":
            ratio = figures.get("synth.ratio")
        del rest[key]
        table.add_row(
            "  all cores" if name.endswith("_all_cores") else name.replace("_", " "),
            "" if median is None else f"{median:,.0f}",
            "" if median is None else f"{slowest:,.0f} - {fastest:,.0f}",
            "" if ratio is None else f"{ratio:.1f} x",
            "" if memory is None else f"{memory:.0f}",
            escape(about),
        )
    return (table if table.row_count else None), rest
