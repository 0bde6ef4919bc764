"""Commands that measure: evaluate, compare, rerun, protocol; report writes it anew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import raresign
from raresign.cli.options import (
    Address,
    Crops,
    Data,
    Engine,
    Json,
    Layout,
    MeasuredRun,
    Run,
    Strict,
    SvgText,
    cluster_of,
)
from raresign.cli.printing import echo
from raresign.cli.tables import (
    error_console,
    output,
    percent,
    print_json,
    print_metrics,
    print_sweep,
)
from raresign.language.spoken import _


def evaluate(
    run: MeasuredRun,
    data: Data,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where to write, without a report.")
    ] = None,
    crops: Crops = None,
    layout: Layout = "auto",
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

    Example: `raresign evaluate RUN DATA`, `raresign evaluate built-in DATA`
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
    print_metrics(output(), metrics)
    if sweep:
        print_sweep(output(), sweep)


def report(
    run: Run,
    data: Annotated[
        Path | None, typer.Argument(help="Where its test crops are now, if they have moved.")
    ] = None,
) -> None:
    """Write RUN/report.html anew, without measuring: in another language, for example.

    Example: `raresign report RUN --lang ru`
    """
    echo(str(raresign.write_report(run, data)))


def compare(
    run: Run,
    other: Annotated[Path, typer.Argument(metavar="OTHER", help="The run to compare with.")],
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
        echo(comparison.verdict)


def rerun(
    run: Run,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Run folder to make.")],
    data: Annotated[
        Path | None, typer.Argument(help="Where its data folder is now, if it has moved.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a run again with its own settings and seed, and compare the weights of both.

    On one machine with the same versions they come out the same, bit for bit, on the CPU;
    --max-time and a GPU make them alike. Classes and photos that came later are not repeated.
    Exit code: 0 the same weights; 1 others.

    Example: `raresign rerun RUN --out AGAIN`
    """
    console = error_console() if as_json else output(markup=False)
    told = raresign.rerun(run, out, data=data, say=console.print)
    if as_json:
        print_json(told.as_dict())
    else:
        for line in told.changed:
            console.print(f"- {line}", soft_wrap=True)
        for name, (before, after) in told.recall.items():
            console.print(f"{name}: {percent(before)} % -> {percent(after)} %")
        console.print(
            _("the same weights, bit for bit")
            if told.same_weights
            else _("other weights: they differ by up to {most:.2g}").format(
                most=told.largest_difference
            )
        )
    raise typer.Exit(0 if told.same_weights else 1)


def protocol(
    data: Annotated[
        list[Path],
        typer.Argument(metavar="DATA", help="One or more data folders, each of another name."),
    ],
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Keeps the trials; run again to go on.")
    ],
    recipe: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="The base: a recipe's name or YAML.")
    ] = "protocol",
    folds: Annotated[
        int, typer.Option(metavar="NUMBER", help="Parts in which frequent classes play rare.")
    ] = 3,
    seeds: Annotated[
        int, typer.Option(metavar="NUMBER", help="Trainings of each row and fold.")
    ] = 3,
    ideas: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE", help="'ideas' or a YAML file: rows for each idea."),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="TITLE", help="Only the row of this title.")
    ] = None,
    reference: Annotated[
        bool, typer.Option(help="Also the published recipe and the ceiling.")
    ] = True,
    absent: Annotated[
        bool, typer.Option("--absent", help="Leave the fold's classes out: unknown, then added.")
    ] = False,
    framing: Annotated[
        bool, typer.Option("--framing", help="Also what scaled and shifted crops cost.")
    ] = False,
    icons: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|FOLDER", help="As for train: once for all data folders, or once for each."
        ),
    ] = None,
    country: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CODE", help="As for train: once for all data folders, or once for each."
        ),
    ] = None,
    svg_text: SvgText = False,
    jobs: Annotated[int, typer.Option(metavar="NUMBER", help="Trials at a time.")] = 1,
    engine: Engine = "local",
    address: Address = None,
    as_json: Json = False,
) -> None:
    """Judge recipes on real crops of frequent classes that play rare; the test crops stay closed.

    Of several data folders (countries) each has folds and trials of its own, in OUT/NAME; the table
    shows the gain of each idea in each, and an idea that helps one and hurts another is not kept.

    Example: `raresign protocol DATA --out runs/protocol --ideas ideas --jobs 2`
    """
    if absent and framing:
        raise raresign.InputError("--framing with --absent", "give one of them at a time")
    if absent and (ideas is not None or only):
        raise raresign.InputError(
            f"--{'only' if ideas is None else 'ideas'} with --absent",
            "--absent measures one recipe: run it once for each, with --recipe and another --out",
        )
    shared: dict[str, Any] = {"folds": folds, "seeds": seeds, "jobs": jobs, "svg_text": svg_text}
    shared |= {"cluster": cluster_of(engine, address)}
    shared |= {"say": error_console().print}
    if not absent:
        shared |= {"ideas": ideas, "only": only or (), "reference": reference, "framing": framing}
    judge: Any
    if len(data) > 1:
        judge = raresign.protocol_absent_countries if absent else raresign.protocol_countries
        table = judge(data, out, recipe, icons=icons, country=country, **shared)
        name = "absent-countries.json" if absent else "countries.json"
    else:
        judge = raresign.protocol_absent if absent else raresign.protocol
        shared |= {"icons": _last(icons), "country": _last(country)}
        table = judge(data[0], out, recipe, **shared)
        name = "absent.json" if absent else "table.json"
    echo((out / name).read_text(encoding="utf-8") if as_json else table.markdown())


def _last(given: list[str] | None) -> str | None:
    """An option that stands once for one data folder; of several the last counts, as ever."""
    return given[-1] if given else None
