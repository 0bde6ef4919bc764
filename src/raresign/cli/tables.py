"""Tables on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import raresign


def percent(value: float | None) -> str:
    """`81.3` for 0.813, a dash for None."""
    return "-" if value is None else f"{100 * value:.1f}"


def print_stages(console: Console, run: Path) -> None:
    """One row a stage: recall on test crops, pseudo-rare recall, steps, time, speed.

    The stages' figures are the classifier's; the last row is what the run answers, prototypes
    and calibration included.
    """
    info: dict[str, Any] = raresign.RunFolder.open(run).info
    simulated = ", simulated photos" if info["settings"].get("simulated") else ""
    table = Table(
        "stage",
        "all",
        "rare",
        "freq",
        "pseudo-\nrare",
        "steps",
        "time s",
        "crops/s",
        "draws\nrefused",
        title=f"Recall on the test crops in %{simulated}",
        padding=(0, 0, 0, 1),
    )
    for stage in info["stages"]:
        test = stage["test"] or {}
        table.add_row(
            stage["name"],
            *(percent(test.get(group)) for group in ("all", "rare", "freq")),
            percent(stage["pseudo_rare_recall"]),
            str(stage["steps"]),
            f"{stage['seconds']:.0f}",
            f"{stage['crops_per_second']:.0f}",
            percent(stage["synthetic_refused"]),
        )
    if info.get("test"):
        groups = (percent(info["test"][group]) for group in ("all", "rare", "freq"))
        table.add_row("answers", *groups, *[""] * 5)
    console.print(table)


def print_metrics(console: Console, metrics: Any) -> None:
    """One row a figure with its interval."""
    table = Table("figure", "value", "95 % interval", "crops or classes")
    for name, value, low, high, n in metrics.rows():
        interval = "" if low is None or low != low else f"{low:.4f} - {high:.4f}"
        table.add_row(name, "-" if value != value else f"{value:.4f}", interval, str(n))
    console.print(table)
