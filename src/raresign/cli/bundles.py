"""Commands about bundles: export, compare-bundles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

import raresign
from raresign.cli.options import Crops, Data, Json, Layout, MeasuredRun
from raresign.cli.printing import echo
from raresign.cli.tables import error_console, output, percent, print_json

WORSE = 1
"""Exit code where a class got worse."""

_Bundle = Annotated[
    Path, typer.Argument(help="Bundle that `raresign export` wrote, or a run folder.")
]


def export(
    run: MeasuredRun,
    out: Annotated[Path, typer.Option(help="The file; its name ends with .raresign.")],
    precision: Annotated[
        str, typer.Option(help="fp32: answers as the run; fp16: half as large; int8: smallest.")
    ] = "fp32",
) -> None:
    """Write a trained model as one file that answers without torch.

    Example: `raresign export RUN --out signs.raresign`, `raresign predict signs.raresign crop.png`
    """
    raresign.export(run, out, precision=precision, say=error_console().print)  # type: ignore[arg-type]


def compare_bundles(
    old: _Bundle,
    new: _Bundle,
    data: Data,
    crops: Crops = None,
    layout: Layout = "auto",
    as_json: Json = False,
) -> None:
    """Before a release: name the classes that a new model reads significantly worse.

    Both answer the same test crops. A class is worse where McNemar's test says so, with Holm's
    correction for asking of many classes. Exit code 1 if one is.

    Example: `raresign compare-bundles OLD.raresign NEW.raresign DATA`
    """
    gate = raresign.compare_bundles(
        old, new, data, crops=crops, layout=layout, say=error_console().print
    )
    if as_json:
        print_json(gate.as_dict())
    else:
        shown = [row for row in gate.rows if row.only_old or row.only_new]
        table = Table("class", "crops", "old %", "new %", "only old", "only new", "p", "verdict")
        for row in shown:
            p = "< 0.001" if row.p < 0.001 else f"{row.p:.3f}"
            shares = percent(row.recall_old), percent(row.recall_new)
            counts = str(row.only_old), str(row.only_new)
            table.add_row(row.title, str(row.crops), *shares, *counts, p, row.verdict)
        if shown:
            output().print(table)
        echo(gate.summary)
    if gate.worse:
        raise typer.Exit(WORSE)
