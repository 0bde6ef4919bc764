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
    Path,
    typer.Argument(metavar="MODEL", help="Bundle that `raresign export` wrote, or a run folder."),
]


def export(
    run: MeasuredRun,
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="The file; its name ends with .raresign, or with .onnx: one graph for other "
            "languages, a picture in, the answer out.",
        ),
    ],
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="fp32 (unless given): answers as the run; fp16: half as large; int8.",
        ),
    ] = None,
    patch: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="An earlier bundle of RUN: write only what changed since, as .raresign-patch.",
        ),
    ] = None,
) -> None:
    """Write a trained model as one file that answers without torch.

    Example: `raresign export RUN --out signs.raresign`, `raresign predict signs.raresign crop.png`
    """
    say = error_console().print
    raresign.export(run, out, precision=precision, patch=patch, say=say)  # type: ignore[arg-type]


def patch(
    bundle: Annotated[
        Path, typer.Argument(metavar="BUNDLE", help="The bundle that the patch was made for.")
    ],
    changes: Annotated[
        Path, typer.Argument(metavar="PATCH", help="What `raresign export --patch` wrote.")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The new bundle.")],
) -> None:
    """Bring a bundle up to date: classes and photos that came or went. Needs no torch.

    Example: `raresign patch OLD.raresign changes.raresign-patch --out NEW.raresign`
    """
    raresign.patch_bundle(bundle, changes, out)
    error_console().print(f"written to {out}")


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
