"""Tables on the terminal."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

import raresign
from raresign.cli.printing import Console
from raresign.language.spoken import _

_PIPED = 4000  # columns; a table takes what it needs


def output(**settings: Any) -> Console:
    """Standard output: as wide as the terminal, or wide enough for any table in a pipe or file."""
    console = Console(**settings)
    return console if console.is_terminal else Console(**settings, width=_PIPED)


def error_console() -> Console:
    """Plain lines on the error channel, as long as they are."""
    return Console(stderr=True, soft_wrap=True, highlight=False, markup=False)


def print_json(value: Any) -> None:
    """One line for machines; what no terminal should be given stands in JSON's own escapes."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value)
    typer.echo(text if text.isprintable() else json.dumps(value))


def percent(value: float | None) -> str:
    """`81.3` for 0.813, a dash for None."""
    return "-" if value is None else f"{100 * value:.1f}"


def print_stages(console: Console, run: Path) -> None:
    """One row a stage by the classifier alone; the last one is what the run answers."""
    info: dict[str, Any] = raresign.RunFolder.open(run).info
    title = _("Recall on the test crops in %")
    tested = any(stage["test"] for stage in info["stages"])
    if not tested:
        title = _("Stages; there are no test crops")
    elif info["settings"].get("simulated"):
        title = _("Recall on the test crops in %, simulated photos")
    heads = (_("stage"), _("all"), _("rare"), _("freq"), _("pseudo-\nrare"), _("steps"))
    more = (_("time s"), _("crops/s"), _("draws\nrefused"))
    table = Table(*heads, *more, title=title, padding=(0, 0, 0, 1))
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
        table.add_row(_("answers"), *groups, *[""] * 5)
    console.print(table)
    answers = _("answers: classifier and prototypes together, as `predict` answers.")
    draws = _(
        "draws refused: % of the synthetic crops thrown away as unreadable. A stage may trade "
        "frequent recall for rare recall, or back."
    )
    console.print(f"{answers} {draws}" if info.get("test") else draws)
    if not tested:
        told = _("--test-share 0.2 keeps a fifth of the real crops for the test")
        console.print(f"{told}: raresign train DATA --test-share 0.2")
    if left := sum(info.get("left_out", {}).values()):
        told = _("left out of the crops as they were given: {count}; the report says why")
        console.print(told.format(count=left))


def print_metrics(console: Console, metrics: Any) -> None:
    """One row a figure, in percent, with its interval."""
    table = Table(_("figure"), "%", _("95 % interval"), _("crops or classes"))
    for name, value, low, high, n in metrics.rows():
        between = _("{low} to {high}").format(low=percent(low), high=percent(high))
        interval = "" if low is None or low != low else between
        told = ": ".join(map(_, name.split(": ")))
        table.add_row(told, percent(None if value != value else value), interval, str(n))
    console.print(table)


def print_sweep(console: Console, sweep: Any) -> None:
    """One row a window: recall in percent with its interval, and the loss in points."""
    groups = ("all", "rare", "freq")
    heads = [text for name in groups for text in (f"{_(name)} % (95 %)", _("lost"))]
    title = _("Recall on crops framed otherwise, and points lost against unchanged crops")
    table = Table(_("window"), *heads, title=title)
    for row in sweep.rows:
        cells = [row.words]
        for group in groups:
            recall, loss = row.recall[group], row.loss[group]
            if recall.n:
                interval = f"({percent(recall.low)} to {percent(recall.high)})"
                cells += [f"{percent(recall.value)} {interval}", f"{100 * loss.value:+.1f}"]
            else:
                cells += ["-", "-"]
        table.add_row(*cells)
    console.print(table)
