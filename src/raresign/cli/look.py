"""Commands that look: catalogue, bench."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

import raresign
from raresign.cli.columns import code_column
from raresign.cli.deployed_table import deployed_table
from raresign.cli.options import Country, Crops, Data, Icons, Json, Layout, SvgText
from raresign.cli.printing import Console
from raresign.cli.speed_table import synth_table
from raresign.cli.tables import error_console, output, print_json
from raresign.language.spoken import _, ngettext


def catalogue(
    data: Data,
    codes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CODE", help="With gost: these signs alone, any value: 3.24.n55 3.13.r2.9"
        ),
    ] = None,
    crops: Crops = None,
    layout: Layout = "auto",
    icons: Icons = None,
    country: Country = None,
    svg_text: SvgText = False,
    export: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="With gost: write icons/ and classes.json there."),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="With gost: folder for pictures; with --compare icon beside drawing.",
        ),
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="With gost: official icons, <code>.png; how like them drawings are.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show classes, icons, counts of crops and what is missing; or the signs that we drew.

    Warns of values that no sign shows and of icons too small to tell two classes apart.

    Example: `raresign catalogue DATA`, `raresign catalogue gost --sheet SHEETS`,
    `raresign catalogue gost --export DATA`, `raresign catalogue gost 3.24.n55 --export ICONS`
    """
    if raresign.is_drawn(data):
        if crops is not None or icons is not None or layout != "auto" or country is not None:
            unfit = _("name no --crops, --layout, --icons, --country")
            raise raresign.InputError(_("{data} has no photos").format(data=data), unfit)
        _drawn(str(data), codes or [], export, sheet, compare, as_json)
        return
    given = {"codes": codes, "--export": export, "--sheet": sheet, "--compare": compare}
    for option, value in given.items():
        if value:
            raise raresign.InputError(
                f"{option} with {data}", "that is for `raresign catalogue gost`"
            )
    say = error_console().print
    rows = raresign.catalogue_rows(data, crops, layout, icons, country, say, svg_text=svg_text)
    if as_json:
        print_json([row.as_dict() for row in rows])
        return
    first = code_column((row.code for row in rows), _("code"))
    twins = code_column((row.twin or "" for row in rows), _("twin"))
    heads = (first, _("name"), _("type"), _("family"), twins)
    table = Table(*heads, _("icons"), _("training"), _("test"), _("missing"))
    for row in rows:
        missing = ", ".join(_(what) for what in row.missing.split(", "))
        table.add_row(
            *map(
                escape,
                (
                    row.code,
                    raresign.spoken_name(row.code, row.name),
                    raresign.spoken_type(row.type),
                ),
            ),
            *map(escape, (raresign.spoken_family(row.family), row.twin or "")),
            str(row.icons),
            str(row.training_crops),
            str(row.test_crops),
            f"[yellow]{missing}[/yellow]" if missing else "",
        )
    console = output()
    console.print(table)
    frequent = sum(row.type == "freq" for row in rows)
    console.print(
        _(
            "{n} classes: {frequent} frequent, {rare} rare; {bare} without training photos, "
            "{blank} without icon"
        ).format(
            n=len(rows),
            frequent=frequent,
            rare=len(rows) - frequent,
            bare=sum(not row.training_crops for row in rows),
            blank=sum(not row.icons for row in rows),
        ),
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
        error_console().print(_("warning: {problem}").format(problem=problem))
    if export is not None:
        count = raresign.export_signs(export, name, codes)
        console.print(
            ngettext("{n} files in {folder}", "{n} files in {folder}", count).format(
                n=count, folder=export
            )
        )
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
        first = code_column((row.code for row in rows), _("code"))
        twins = code_column((row.twin or "" for row in rows), _("twin"))
        heads = (_("type"), _("family"), twins, _("value"), _("variants"))
        table = Table(first, "name", "имя", *heads)
        for row in rows:
            cells = (row.code, row.name, row.russian, raresign.spoken_type(row.type or ""))
            table.add_row(
                *cells,
                raresign.spoken_family(row.family),
                row.twin or "",
                _("any") if row.values else "",
                " ".join(row.variants),
            )
        output().print(table)


def _likeness(console: Console, likeness: raresign.Likeness) -> None:
    """Means, the worst ten, the closest pairs."""
    values = list(likeness.similarity.values())
    worst = list(likeness.similarity.items())[:10]
    first = code_column(code for code, _ in worst)
    table = Table(first, "name", "similarity", title="The drawings least like their icons")
    for code, value in worst:
        table.add_row(code, likeness.names[code], f"{value:.2f}")
    console.print(table)
    middle = sorted(values)[len(values) // 2]
    console.print(
        f"{len(values)} pairs: structural similarity at 64 px {sum(values) / len(values):.3f} on "
        f"average, {middle:.3f} in the middle, {values[0]:.3f} at worst"
    )
    if likeness.without:
        console.print(f"no drawing: {', '.join(likeness.without)}")
    ones = code_column((pair.one for pair in likeness.closest), "one")
    others = code_column((pair.other for pair in likeness.closest), "other")
    table = Table(ones, others, "difference", title="The classes most alike at 32 px")
    for pair in likeness.closest:
        table.add_row(pair.one, pair.other, f"{pair.distance:.3f}")
    console.print(table)


def bench(
    part: Annotated[
        str,
        typer.Argument(
            metavar="PART",
            help="loss, sampler, synth, train, metric, predict, pack, signs, start, runtime, "
            "serve, find, all",
        ),
    ] = "all",
    run: Annotated[
        Path | None,
        typer.Argument(
            help="For runtime: a run folder, or built-in; --data has the crops. For predict, "
            "serve and find."
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer: about a minute.")] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Data folder; the drawn signs otherwise. For start: a run folder.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Time our parts against the published system's, side by side in one run.

    Example: `raresign bench loss --quick --json`, `raresign bench predict RUN --data DATA`
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
