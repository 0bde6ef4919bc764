"""Commands that look: catalogue, bench."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

import raresign
from raresign.cli.options import Crops, Data, Json, Layout
from raresign.cli.speed_table import synth_table


def catalogue(
    data: Data, crops: Crops = None, layout: Layout = "reference", as_json: Json = False
) -> None:
    """Show classes, icons, counts of crops and what is missing.

    Example: `raresign catalogue DATA`
    """
    rows = raresign.catalogue_rows(data, crops, layout)
    if as_json:
        typer.echo(json.dumps([row.as_dict() for row in rows], ensure_ascii=False))
        return
    table = Table("code", "name", "type", "family", "twin", "icons", "training", "test", "missing")
    for row in rows:
        table.add_row(
            *map(escape, (row.code, row.name, row.type, row.family, row.twin or "")),
            str(row.icons),
            str(row.training_crops),
            str(row.test_crops),
            f"[yellow]{row.missing}[/yellow]" if row.missing else "",
        )
    Console().print(table)


def bench(
    part: Annotated[
        str, typer.Argument(help="loss, sampler, synth, train, predict, pack or all.")
    ] = "all",
    quick: Annotated[bool, typer.Option("--quick", help="Fewer repetitions: under 45 s.")] = False,
    data: Annotated[
        Path | None, typer.Option(help="Data folder to bench on; embedded signs otherwise.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Time our parts against the reference's, side by side in one run.

    Example: `raresign bench loss --quick --json`
    """
    figures = raresign.run_bench(part, quick=quick, data=data)
    if as_json:
        typer.echo(json.dumps(figures))
        return
    speeds, others = synth_table(figures)
    if speeds is not None:
        Console().print(speeds)
    table = Table("figure", "value")
    for name, value in others.items():
        table.add_row(name, f"{value:,.4g}" if isinstance(value, float) else str(value))
    Console().print(table)
