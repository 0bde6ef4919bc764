"""Commands that look: catalogue, bench."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

import raresign
from raresign.cli.deployed_table import deployed_table
from raresign.cli.options import Country, Crops, Data, Icons, Json, Layout
from raresign.cli.printing import Console
from raresign.cli.speed_table import synth_table
from raresign.cli.tables import error_console, output, print_json


def catalogue(
    data: Data,
    codes: Annotated[
        list[str] | None,
        typer.Argument(help="With gost: these signs alone, any value: 3.24.n55 3.13.r2.9"),
    ] = None,
    crops: Crops = None,
    layout: Layout = "reference",
    icons: Icons = None,
    country: Country = None,
    export: Annotated[
        Path | None, typer.Option(help="With gost: write icons/ and classes.json there.")
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(help="With gost: folder for pictures; with --compare icon beside drawing."),
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option(help="With gost: official icons, <code>.png; how like them drawings are."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show classes, icons, counts of crops and what is missing; or the signs that we drew.

    Warns of values that no sign shows and of icons too small to tell two classes apart.

    Example: `raresign catalogue DATA`, `raresign catalogue gost --sheet SHEETS`,
    `raresign catalogue gost --export DATA`, `raresign catalogue gost 3.24.n55 --export ICONS`
    """
    if raresign.is_drawn(data):
        if crops is not None or icons is not None or layout != "reference" or country is not None:
            unfit = "name no --crops, --layout, --icons, --country"
            raise raresign.InputError(f"{data} has no photos", unfit)
        _drawn(str(data), codes or [], export, sheet, compare, as_json)
        return
    given = {"codes": codes, "--export": export, "--sheet": sheet, "--compare": compare}
    for option, value in given.items():
        if value:
            raise raresign.InputError(
                f"{option} with {data}", "that is for `raresign catalogue gost`"
            )
    rows = raresign.catalogue_rows(data, crops, layout, icons, country, error_console().print)
    if as_json:
        print_json([row.as_dict() for row in rows])
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
    console = output()
    console.print(table)
    frequent = sum(row.type == "freq" for row in rows)
    console.print(
        f"{len(rows)} classes: {frequent} frequent, {len(rows) - frequent} rare; "
        f"{sum(not row.training_crops for row in rows)} without training photos, "
        f"{sum(not row.icons for row in rows)} without icon",
        highlight=False,
    )


def _drawn(
    name: str,
    codes: list[str],
    export: Path | None,
    sheet: Path | None,
    compare: Path | None,
    as_json: bool,
) -> None:
    """The signs that come with the package: as files and pictures, beside icons, or as a table."""
    console = output(markup=False, stderr=as_json, soft_wrap=True)
    country = raresign.country(raresign.standard(name).country)
    for problem in filter(None, map(country.value_problem, codes)):
        error_console().print(f"warning: {problem}")
    if export is not None:
        console.print(f"{raresign.export_signs(export, name, codes)} files in {export}")
    if sheet is not None:
        for path in raresign.sign_sheets(sheet, name, codes, compare):
            console.print(path)
    if compare is not None:
        likeness = raresign.compare_signs(compare, name, codes)
        if as_json:
            print_json(likeness.as_dict())
        else:
            _likeness(console, likeness)
    elif export is None and sheet is None:
        rows = raresign.drawn_rows(name, codes)
        if as_json:
            print_json([row.as_dict() for row in rows])
            return
        table = Table("code", "name", "имя", "type", "family", "twin", "value", "variants")
        for row in rows:
            cells = (row.code, row.name, row.russian, row.type or "", row.family, row.twin or "")
            table.add_row(*cells, "any" if row.values else "", " ".join(row.variants))
        output().print(table)


def _likeness(console: Console, likeness: raresign.Likeness) -> None:
    """Means, the worst ten, the closest pairs."""
    values = list(likeness.similarity.values())
    table = Table("code", "name", "similarity", title="The drawings least like their icons")
    for code, value in list(likeness.similarity.items())[:10]:
        table.add_row(code, likeness.names[code], f"{value:.2f}")
    console.print(table)
    middle = sorted(values)[len(values) // 2]
    console.print(
        f"{len(values)} pairs: structural similarity at 64 px {sum(values) / len(values):.3f} on "
        f"average, {middle:.3f} in the middle, {values[0]:.3f} at worst"
    )
    if likeness.without:
        console.print(f"no drawing: {', '.join(likeness.without)}")
    table = Table("one", "other", "difference", title="The classes most alike at 32 px")
    for pair in likeness.closest:
        table.add_row(pair.one, pair.other, f"{pair.distance:.3f}")
    console.print(table)


def bench(
    part: Annotated[
        str,
        typer.Argument(
            help="loss, sampler, synth, train, metric, predict, pack, signs, start, runtime, all"
        ),
    ] = "all",
    run: Annotated[
        Path | None,
        typer.Argument(help="For runtime: a run folder, or built-in; --data has the crops."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer: about a minute.")] = False,
    data: Annotated[
        Path | None,
        typer.Option(help="Data folder; the drawn signs otherwise. For start: a run folder."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Time our parts against the published system's, side by side in one run.

    Example: `raresign bench loss --quick --json`, `raresign bench runtime RUN --data DATA`
    """
    figures = raresign.run_bench(part, quick=quick, data=data, run=run)
    if as_json:
        print_json(figures)
        return
    speeds, others = synth_table(figures)
    deployed, others = deployed_table(others)
    for shown in (speeds, deployed):
        if shown is not None:
            output().print(shown)
    table = Table("figure", "value")
    for name, value in others.items():
        table.add_row(name, f"{value:,.4g}" if isinstance(value, float) else str(value))
    output().print(table)
