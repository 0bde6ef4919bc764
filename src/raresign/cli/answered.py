"""`raresign predict`: the sign on each crop."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

import raresign
from raresign.cli.printing import Console
from raresign.cli.tables import error_console, output, percent, print_json
from raresign.language.spoken import _, later, ngettext

NOT_ALL = 3
"""Exit code where some files, but not all, could not be read."""

_SHOWN = 20  # rows of a table that is not asked to show all
_ERRORS = 10  # broken files that are shown beside them
later("No such file or directory")  # said by the system, of a file
later("Permission denied")


def predict(
    given: Annotated[
        list[Path],
        typer.Argument(
            metavar="[RUN] FILES...",
            help="Pictures of crops, or folders of them; before them a run folder or a "
            "bundle, unless the built-in model shall answer.",
        ),
    ],
    top: Annotated[int, typer.Option(min=1, metavar="NUMBER", help="Guesses a file.")] = 3,
    accept: Annotated[
        float | None,
        typer.Option(
            metavar="PROBABILITY",
            help="Name a crop where its class has at least this probability, from 0 to 1, such as "
            "0.9; not where the run's own rule does.",
        ),
    ] = None,
    always_name: Annotated[
        bool, typer.Option("--always-name", help="Name every crop; none is unknown.")
    ] = False,
    boxes: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|FOLDER",
            help="The pictures are whole frames; this file says where their signs are: COCO, CSV "
            "(file,x0,y0,x1,y1), or a folder of YOLO label files.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write a row a crop to this file: .csv, .xlsx, .jsonl or .parquet."
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Show every crop, not only the first 20.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", "--jsonl", help="Print JSON lines: an object a file.")
    ] = False,
) -> None:
    """Name the sign on each crop; a broken file is a row with its error.

    Without RUN, or with built-in in its place, the model that comes with the package answers: all
    205 Russian signs that we draw.

    Four levels, from sure to unsure: a class; "unknown red ring", a sign of that look but not
    surely of one class; "unknown sign"; "no sign". "Perhaps" marks guesses.

    JSON, one line a file (unlike the one document of other commands): path; answer, in words;
    level, which of the four: class, family, sign or none; known, the chance that the sign is in the
    catalogue; family; answers, the guesses, with probabilities as if it were; box; error. A file
    that cannot be read has an error and null for the rest.

    --out writes file, code, name, level, probability, "check me" and more. Correct the column code
    of a .csv or .xlsx (or write ok into "check me") and give it back: raresign add-photos RUN
    --from answers.csv. A file name that a spreadsheet would take for a formula, such as =1.png,
    stands there as ./=1.png, any other text of that kind with an apostrophe before it.

    Exit code: 0 every file was answered; 3 some could not be read, the others were answered; 2 none
    could, or something you gave is wrong.

    Example: `raresign predict crop.png`, `raresign predict RUN crops/ --out answers.csv`,
    `raresign predict RUN frames/ --boxes boxes.csv --json`
    """
    if always_name and accept is not None:
        raise raresign.InputError(_("--accept with --always-name"), _("give one of them"))
    if out is not None:
        raresign.check_answers_file(out)
    run, files = raresign.run_and_files(given, boxes is not None)
    model = raresign.load(run)
    if raresign.is_built_in(run):
        error_console().print(raresign.about_built_in())
    accept = 0.0 if always_name else accept
    answers = []
    for answer in raresign.predict(model, files, top, accept=accept, boxes=boxes):
        answers.append(answer)
        if as_json:
            print_json(answer.as_dict())
    broken = [one for one in answers if one.error]
    if len(broken) == len(answers):
        first = f"{answers[0].path}: {_(answers[0].error or '')}"
        raise raresign.InputError(
            _("none of the {n} files can be read (the first, {first})").format(
                n=len(answers), first=first
            )
            if len(answers) > 1
            else _("the file cannot be read ({first})").format(first=first),
            _("give pictures of crops: PNG, JPEG, PPM, WebP, BMP, TIFF, GIF or AVIF"),
        )
    if out is not None:
        rows = raresign.save_answers(out, answers)
        error_console().print(
            ngettext("{n} rows written to {file}", "{n} rows written to {file}", rows).format(
                n=rows, file=out
            )
        )
    if not as_json:
        rule = model.head.rule if accept is None else None
        shown = len(answers) if every else _SHOWN
        print_answers(output(), answers, rule, shown, out is not None)
    if model.head.rule is None and accept is None:
        error_console().print(
            _(
                "this model has no rule for unknown signs (too few crops were held out) and names "
                "every crop; --accept 0.9 names those that are at least 90 % sure"
            )
        )
    if broken:
        error_console().print(
            _("{n} of {all} files cannot be read: exit code 3").format(
                n=len(broken), all=len(answers)
            )
        )
        raise typer.Exit(NOT_ALL)


def print_answers(
    console: Console,
    answers: Sequence[Any],
    rule: Any,
    most: int | None = None,
    written: bool = False,
) -> None:
    """A row a crop, then how many are named, unknown, without a sign and broken.

    A guess of a crop that is not named bears no probability: that it is named none says that the
    model is not sure of it, however the classes compare with each other.

    Args:
        answers: `FileAnswer`s.
        rule: Tells when the model says "unknown"; None if it never does.
        most: Rows to show at most, and a few broken files beside them; None shows all.
        written: Whether all of them stand in a file.
    """
    folded = [Column(name, overflow="fold") for name in (_("file"), _("answer"), _("perhaps"))]
    table = Table(*folded[:2], Column(_("sure %"), justify="right", no_wrap=True), folded[2])
    first = list(answers[:most])
    shown = first + [one for one in answers[len(first) :] if one.error][:_ERRORS]
    for one in shown:
        where = "" if one.box is None else " " + ",".join(f"{side:.0f}" for side in one.box)
        file = escape(f"{one.path}{where}")
        if one.error:
            problem = _("error: {problem}").format(problem=_(one.error))
            table.add_row(file, f"[red]{escape(problem)}[/red]", "", "")
            continue
        sure = one.named.probability if one.named else None
        guesses = one.answers if not one.named else one.answers[1:] if one.check_me else ()
        listed = ", ".join(guess.spoken for guess in guesses)
        perhaps = escape(_("perhaps {signs}").format(signs=listed)) if guesses else ""
        said = escape(one.spoken)
        table.add_row(file, said, "" if sure is None else percent(sure), perhaps)
    console.print(table)
    _summary(console, answers, rule, 0 if written else len(answers) - len(shown))


def _summary(console: Console, answers: Sequence[Any], rule: Any, hidden: int) -> None:
    """How many crops are named, and how to name more."""

    def tell(words: str) -> None:
        console.print(words, highlight=False, soft_wrap=True, markup=False)

    crops = [one for one in answers if not one.error]
    named = [one for one in crops if one.named]
    if len(answers) > 1:
        none = sum(one.level == "none" for one in crops)
        parts = [_("{n} named").format(n=len(named))]
        if doubtful := sum(one.check_me for one in named):
            less = _("{n} of them with less than {sure:g} %").format(
                n=doubtful, sure=100 * raresign.SURE
            )
            parts[0] += f" ({less})"
        parts.append(_("{n} unknown").format(n=len(crops) - len(named) - none))
        parts.append(_("{n} no sign").format(n=none))
        if len(crops) < len(answers):
            parts.append(_("{n} not readable").format(n=len(answers) - len(crops)))
        every = ngettext("{n} crop", "{n} crops", len(answers)).format(n=len(answers))
        tell(f"{every}: {', '.join(parts)}")
    if hidden:
        tell(
            _("{n} more are not shown: --all shows them, --out answers.csv writes them").format(
                n=hidden
            )
        )
    if rule and 2 * len(named) < len(crops):
        more = sum(not one.named and one.answers[0].probability >= raresign.SURE for one in crops)
        tell(
            _(
                "{named} of {crops} crops are answered with a class: the run answers so "
                "only where at most {error:g} % of such answers are wrong (on the "
                "crops that its rule was fitted on). --accept {accept:g} names "
                "{more} more, whose first guess has {sure:g} % among the known signs; "
                "--always-name names all"
            ).format(
                named=len(named),
                crops=len(crops),
                error=100 * rule.accepted_error,
                accept=raresign.SURE,
                more=more,
                sure=100 * raresign.SURE,
            )
        )
