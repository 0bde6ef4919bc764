"""Commands that measure: evaluate, compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

import raresign
from raresign.cli.options import Country, Crops, Data, Json, Layout, Run, Strict
from raresign.cli.tables import error_console, print_json, print_metrics, print_sweep


def evaluate(
    run: Run,
    data: Data,
    out: Annotated[Path | None, typer.Option(help="Where to write, without a report.")] = None,
    crops: Crops = None,
    layout: Layout = "reference",
    strict: Strict = False,
    framing_sweep: Annotated[
        bool, typer.Option("--framing-sweep", help="Also on crops scaled by 0.6-1.4 and shifted.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Measure a run on test crops: recall on all, rare and frequent signs with intervals.

    On the data that RUN was trained on the figures go to RUN/evaluation and RUN/report.html; on
    other data to RUN/evaluation-of-NAME, by the name of its folder, and the report stays. Of DATA
    only the test crops and their classes are needed. --framing-sweep answers every crop 33 times:
    cut tighter, with more margin and off-centre, as another detector might frame it.

    Example: `raresign evaluate RUN DATA`
    """
    say = error_console().print
    metrics = raresign.evaluate(
        run, data, out=out, crops=crops, layout=layout, strict=strict, say=say
    )
    sweep = None
    if framing_sweep:
        sweep = raresign.sweep_framing(run, data, out=out, crops=crops, layout=layout, say=say)
    if as_json:
        print_json(metrics.as_dict() | ({"framing": sweep.as_dict()} if sweep else {}))
        return
    print_metrics(Console(), metrics)
    if sweep:
        print_sweep(Console(), sweep)


def compare(
    run: Run,
    other: Annotated[Path, typer.Argument(help="The run to compare with.")],
    as_json: Json = False,
) -> None:
    """Compare two evaluated runs on the same crops: paired intervals and McNemar's test.

    On other data: give the folders RUN/evaluation-of-... instead of the runs.

    Example: `raresign compare RUN OTHER`
    """
    comparison = raresign.compare(run, other)
    if as_json:
        print_json(comparison.as_dict())
    else:
        typer.echo(comparison.verdict)


def protocol(
    data: Data,
    out: Annotated[Path, typer.Option(help="Keeps the trials; run again to go on.")],
    recipe: Annotated[str, typer.Option(help="The base: a recipe's name or YAML.")] = "protocol",
    folds: Annotated[int, typer.Option(help="Parts in which frequent classes play rare.")] = 3,
    seeds: Annotated[int, typer.Option(help="Trainings of each row and fold.")] = 3,
    ideas: Annotated[
        str | None, typer.Option(help="'ideas' or a YAML file: rows for each idea.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only the row of this title.")] = None,
    reference: Annotated[
        bool, typer.Option(help="Also the published recipe and the ceiling.")
    ] = True,
    absent: Annotated[
        bool, typer.Option("--absent", help="Leave the fold's classes out: unknown, then added.")
    ] = False,
    icons: Annotated[str | None, typer.Option(help="As for train.")] = None,
    country: Country = None,
    jobs: Annotated[int, typer.Option(help="Trials at a time.")] = 1,
    as_json: Json = False,
) -> None:
    """Judge recipes on real crops of frequent classes that play rare; the test crops stay closed.

    Example: `raresign protocol DATA --out runs/protocol --ideas ideas --jobs 2`
    """
    say = error_console().print
    shared: dict[str, Any] = {"folds": folds, "seeds": seeds, "jobs": jobs, "country": country}
    shared |= {"icons": icons, "say": say}
    table = (
        raresign.protocol_absent(data, out, recipe, **shared)
        if absent
        else raresign.protocol(
            data, out, recipe, ideas=ideas, only=only or (), reference=reference, **shared
        )
    )
    file = out / ("absent.json" if absent else "table.json")
    typer.echo(file.read_text(encoding="utf-8") if as_json else table.markdown())
