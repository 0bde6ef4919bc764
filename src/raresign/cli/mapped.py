"""Commands about results: check-results, map."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import raresign
from raresign.cli.options import Json
from raresign.cli.printing import echo
from raresign.cli.tables import error_console, print_json
from raresign.language.spoken import _, ngettext

WRONG = 1
"""Exit code where results break their schema."""

_SHOWN = 20
_Results = Annotated[
    Path,
    typer.Argument(
        metavar="RESULTS", help="JSON lines of `predict --json` or of `--out answers.jsonl`."
    ),
]


def check_results(file: _Results, as_json: Json = False) -> None:
    """Check a file of results against their schema, line by line.

    Exit code 1 if something is wrong. The schema is raresign/commands/results.schema.json.

    Example: `raresign check-results answers.jsonl`
    """
    count = 0
    for count, (line, problem) in enumerate(raresign.check_results(file), 1):
        if as_json:
            print_json({"line": line, "problem": problem})
        elif count <= _SHOWN:
            echo(_("line {line}: {problem}").format(line=line, problem=problem))
    if not as_json:
        told = ngettext("{n} problem in {file}", "{n} problems in {file}", count)
        echo(told.format(n=count, file=file))
    if count:
        raise typer.Exit(WRONG)


def map_results(
    results: _Results,
    out: Annotated[
        Path,
        typer.Option(metavar="FILE", help="The file to write: .geojson, .csv or .jsonl."),
    ],
    positions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A CSV with file, lat, lon and perhaps heading and time; else EXIF data count.",
        ),
    ] = None,
    country: Annotated[
        str | None, typer.Option(metavar="ISO", help="Whose codes these are: RU:3.24[60].")
    ] = None,
    tracks: Annotated[
        bool, typer.Option("--tracks", help="One answer a physical sign, not one a crop.")
    ] = False,
    radius: Annotated[
        float,
        typer.Option(metavar="METRES", help="How near crops of one sign without a track are."),
    ] = 20.0,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORM",
            help="patch: a .jsonl of PATCH bodies for annotations of a street-view platform.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME/VERSION", help="What PATCH bodies say that the model is."),
    ] = None,
    annotations: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|FOLDER",
            help="For PATCH bodies: JSON of the platform with the tags that are there already.",
        ),
    ] = None,
) -> None:
    """Make a file for maps of answers: GeoJSON, a CSV for quality assurance, PATCH bodies.

    A .csv has lon, lat, id, value, first_seen_at and last_seen_at of the signs that are called a
    class; values are those of OpenStreetMap. A .jsonl has answers again, of use with --tracks.

    --tracks joins crops of one track (the column track of the boxes); without tracks, crops of one
    code near one place.

    --format patch writes a line an annotation, by its id, or a picture where signs have none:
    {"annotation": ..., "picture": ..., "body": ...}. Look at the file, then send each body. With
    --annotations, what an earlier model said is replaced, and signs that a person named stay.

    Example: `raresign map answers.jsonl --out signs.geojson --positions positions.csv --country RU`
    """
    patch: dict[str, Any] = {"form": form, "model": model, "annotations": annotations}
    counts = raresign.map_answers(results, out, positions, country, tracks, radius, **patch)
    told = ngettext("{n} sign written to {file}", "{n} signs written to {file}", counts.written)
    if form is not None:
        told = ngettext(
            "{n} PATCH body written to {file}", "{n} PATCH bodies written to {file}", counts.written
        )
    parts = [told.format(n=counts.written, file=out)]
    if counts.unplaced:
        parts.append(_("{n} without a position left out").format(n=counts.unplaced))
    if counts.unnamed:
        parts.append(_("{n} called no class left out").format(n=counts.unnamed))
    if counts.settled:
        parts.append(_("{n} that need no change left out").format(n=counts.settled))
    error_console().print("; ".join(parts))
