"""Commands that measure: evaluate, compare."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

import raresign
from raresign.cli.options import Crops, Data, Json, Layout, Run, Strict
from raresign.cli.tables import print_metrics


def evaluate(
    run: Run,
    data: Data,
    out: Annotated[Path | None, typer.Option(help="Where to write; RUN/evaluation.")] = None,
    crops: Crops = None,
    layout: Layout = "reference",
    strict: Strict = False,
    as_json: Json = False,
) -> None:
    """Measure a run on test crops: recall on all, rare and frequent signs with intervals.

    Example: `raresign evaluate RUN DATA`
    """
    metrics = raresign.evaluate(run, data, out=out, crops=crops, layout=layout, strict=strict)
    if as_json:
        typer.echo(json.dumps(metrics.as_dict(), ensure_ascii=False))
        return
    print_metrics(Console(), metrics)


def compare(
    run: Run,
    other: Annotated[Path, typer.Argument(help="The run to compare with.")],
    as_json: Json = False,
) -> None:
    """Compare two evaluated runs on the same crops: paired intervals and McNemar's test.

    Example: `raresign compare RUN OTHER`
    """
    comparison = raresign.compare(run, other)
    if as_json:
        typer.echo(json.dumps(comparison.as_dict(), ensure_ascii=False))
        return
    typer.echo(comparison.verdict)
