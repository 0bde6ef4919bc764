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

NOT_ALL = 3
"""Exit code where some files, but not all, could not be read."""

_SHOWN = 20  # rows of a table that is not asked to show all
_ERRORS = 10  # broken files that are shown beside them
_SURE = 0.9


def predict(
    given: Annotated[
        list[Path],
        typer.Argument(
            metavar="[RUN] FILES...",
            help="Pictures of crops, or folders of them; before them a run folder or a "
            "bundle, unless the built-in model shall answer.",
        ),
    ],
    top: Annotated[int, typer.Option(min=1, help="Guesses a file.")] = 3,
    accept: Annotated[
        float | None,
        typer.Option(
            help="Name a crop where its class has at least this probability, from 0 to 1, such as "
            "0.9; not where the run's own rule does."
        ),
    ] = None,
    always_name: Annotated[
        bool, typer.Option("--always-name", help="Name every crop; none is unknown.")
    ] = False,
    boxes: Annotated[
        Path | None,
        typer.Option(
            help="The pictures are whole frames; this file says where their signs are: COCO, CSV "
            "(file,x0,y0,x1,y1), or a folder of YOLO label files."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Write a row a crop to this file: .csv, .jsonl or .parquet."),
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
    of a .csv (or write ok into "check me") and give it back: raresign add-photos RUN --from
    answers.csv.

    Exit code: 0 every file was answered; 3 some could not be read, the others were answered; 2 none
    could, or something you gave is wrong.

    Example: `raresign predict crop.png`, `raresign predict RUN crops/ --out answers.csv`,
    `raresign predict RUN frames/ --boxes boxes.csv --json`
    """
    if always_name and accept is not None:
        raise raresign.InputError("--accept with --always-name", "give one of them")
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
        first = f"{answers[0].path}: {answers[0].error}"
        raise raresign.InputError(
            f"none of the {len(answers)} files can be read (the first, {first})"
            if len(answers) > 1
            else f"the file cannot be read ({first})",
            "give pictures of crops: PNG, JPEG, PPM, WebP, BMP, TIFF, GIF or AVIF",
        )
    if out is not None:
        rows = raresign.save_answers(out, answers)
        error_console().print(f"{rows} rows written to {out}")
    if not as_json:
        rule = model.head.rule if accept is None else None
        print_answers(output(), answers, rule, len(answers) if every else _SHOWN)
    if broken:
        error_console().print(f"{len(broken)} of {len(answers)} files cannot be read: exit code 3")
        raise typer.Exit(NOT_ALL)


def print_answers(
    console: Console, answers: Sequence[Any], rule: Any, most: int | None = None
) -> None:
    """A row a crop, then how many are named, unknown, without a sign and broken.

    A guess of a crop that is not named bears no probability: that it is named none says that the
    model is not sure of it, however the classes compare with each other.

    Args:
        answers: `FileAnswer`s.
        rule: Tells when the model says "unknown"; None if it never does.
        most: Rows to show at most, and a few broken files beside them; None shows all.
    """
    folded = [Column(name, overflow="fold") for name in ("file", "answer", "perhaps")]
    table = Table(*folded[:2], Column("sure %", justify="right", no_wrap=True), folded[2])
    first = list(answers[:most])
    shown = first + [one for one in answers[len(first) :] if one.error][:_ERRORS]
    for one in shown:
        where = "" if one.box is None else " " + ",".join(f"{side:.0f}" for side in one.box)
        file = escape(f"{one.path}{where}")
        if one.error:
            table.add_row(file, f"[red]error: {escape(one.error)}[/red]", "", "")
            continue
        sure = one.named.probability if one.named else None
        guesses = one.answers if not one.named else one.answers[1:] if one.check_me else ()
        perhaps = "perhaps " * bool(guesses) + escape(", ".join(one.title for one in guesses))
        table.add_row(file, escape(one.answer), "" if sure is None else percent(sure), perhaps)
    console.print(table)
    _summary(console, answers, rule, len(answers) - len(shown))


def _summary(console: Console, answers: Sequence[Any], rule: Any, hidden: int) -> None:
    """How many crops are named, and how to name more."""

    def tell(words: str) -> None:
        console.print(words, highlight=False, soft_wrap=True, markup=False)

    crops = [one for one in answers if not one.error]
    named = [one for one in crops if one.named]
    if len(answers) > 1:
        none = sum(one.level == "none" for one in crops)
        parts = [f"{len(named)} named"]
        if doubtful := sum(one.check_me for one in named):
            parts[0] += f" ({doubtful} of them with less than {100 * _SURE:g} %)"
        parts += [f"{len(crops) - len(named) - none} unknown", f"{none} no sign"]
        parts += [f"{len(answers) - len(crops)} not readable"] * (len(crops) < len(answers))
        tell(f"{len(answers)} crops: {', '.join(parts)}")
    if hidden:
        tell(f"{hidden} more are not shown: --all shows them, --out answers.csv writes them")
    if rule and 2 * len(named) < len(crops):
        more = sum(not one.named and one.answers[0].probability >= _SURE for one in crops)
        tell(
            f"{len(named)} of {len(crops)} crops are answered with a class: the run answers so "
            f"only where at most {100 * rule.accepted_error:g} % of such answers are wrong (on the "
            f"crops that its rule was fitted on). --accept {_SURE:g} names "
            f"{more} more, whose first guess has {100 * _SURE:g} % among the known signs; "
            "--always-name names all"
        )
