"""Commands for classes that come after training: add-class, remove-class."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

import raresign
from raresign.cli.columns import code_column
from raresign.cli.options import Json, Run, SvgText, duration
from raresign.cli.printing import echo
from raresign.cli.tables import error_console, output, percent, print_json
from raresign.language.spoken import _, ngettext


def add_class(
    run: Run,
    icons: Annotated[
        list[Path],
        typer.Argument(
            metavar="ICON", help="A PNG, JPEG or SVG for each new class, or folders of them."
        ),
    ],
    code: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="Class code, one an icon; its file's name."),
    ] = None,
    name: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="Name for people, one an icon.")
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Real crops of the class; folders by code for several."
        ),
    ] = None,
    train: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Tune the whole net for them, for a time (60s) or '200 steps'."
        ),
    ] = None,
    svg_text: SvgText = False,
    as_json: Json = False,
) -> None:
    """Teach a trained run new signs from one icon each: in seconds, or better with --train.

    Without --train the net stays as it is. With it the net trains on for a while, on synthetic
    crops and, where the run's data folder is still in its place, on its real crops; net, prototypes
    and forecasts are then made anew, half a minute more. remove-class takes the signs out again,
    but the net stays tuned.

    Example: `raresign add-class RUN new.svg --code 3.13.r2.9 --train 60s`,
    `raresign add-class RUN ICONS` (a folder: each icon is a class by its file's name)
    """
    length = _length(train) if train else {}
    found = raresign.add_class(
        run,
        icons,
        code or (),
        photos,
        error_console().print,
        names=name or (),
        svg_text=svg_text,
        **length,
    )
    if as_json:
        for one in found:
            print_json(one.as_dict())
        return
    codes = code_column((sign.code for sign in found), _("code"))
    heads = (_("name"), _("family"), _("predicted recall %"), _("confused with"))
    table = Table(codes, *heads)
    for one in found:
        recall = "-"
        if one.recall is not None:
            recall = _("{share} ({low} to {high})").format(
                share=percent(one.recall), low=percent(one.low), high=percent(one.high)
            )
        confused = ", ".join(
            f"{other} {percent(share)} %" for other, share in one.confusions.items()
        )
        said = raresign.spoken_name(one.code, one.name), raresign.spoken_family(one.family)
        table.add_row(*map(escape, (one.code, *said, recall, confused or _("none"))))
    output().print(table)
    for one in found:
        echo(
            _("beside the signs that {code} is confused with: {sheet}").format(
                code=one.code, sheet=one.sheet
            )
        )


def _length(text: str) -> dict[str, Any]:
    """What `add_class` takes of `60s`, `5m` or `200 steps`."""
    steps = re.fullmatch(r"\s*(\d+)\s*steps?\s*", text)
    if steps:
        return {"train_steps": int(steps[1])}
    return {"train_seconds": duration(text, "--train")}


def add_photos(
    run: Run,
    code: Annotated[
        str | None, typer.Argument(metavar="CODE", help="The class, trained or added.")
    ] = None,
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="Real crops of it, or folders of them."),
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Instead: a CSV or .xlsx of `predict --out` whose codes were corrected (or with "
            'ok in the column "check me"), or any with file and code.',
        ),
    ] = None,
) -> None:
    """Let a few real crops of a class help a finished run; the net is not trained.

    They lift the score of the class where a crop is like them, so that a few count much, while
    other classes lose next to nothing. remove-photos takes them out again.

    Example: `raresign add-photos RUN 3.13.r2.9 crops/`,
    `raresign add-photos RUN --from answers.csv`
    """
    say = error_console().print
    if answers is not None:
        if code or files:
            raise raresign.InputError(_("--from beside a code and files"), _("give one of them"))
        counts = raresign.add_checked_photos(run, answers, say)
    elif code is None or not files:
        raise raresign.InputError(
            _("no class or no crops"),
            _("raresign add-photos {run} CODE crops/, or --from answers.csv").format(run=run),
        )
    else:
        counts = {code: raresign.add_photos(run, code, files, say)}
    for each, count in counts.items():
        echo(
            ngettext(
                "{n} real crops of {code} help the run now",
                "{n} real crops of {code} help the run now",
                count,
            ).format(n=count, code=each)
        )


def remove_photos(
    run: Run,
    codes: Annotated[list[str], typer.Argument(metavar="CODE", help="Classes whose photos go.")],
) -> None:
    """Take the photos of add-photos out again: the run answers as if they had never come.

    Example: `raresign remove-photos RUN 3.13.r2.9`
    """
    raresign.remove_photos(run, codes, error_console().print)
    echo(_("photos of {codes} removed").format(codes=", ".join(codes)))


def remove_class(
    run: Run,
    codes: Annotated[
        list[str], typer.Argument(metavar="CODE", help="Codes of classes of add-class.")
    ],
) -> None:
    """Take added classes out again; unless the net was tuned for them, as if they had never come.

    Example: `raresign remove-class RUN 3.13.r2.9`
    """
    raresign.remove_class(run, codes, error_console().print)
    echo(_("removed {codes}").format(codes=", ".join(codes)))
