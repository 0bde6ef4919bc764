"""`raresign predict`: the sign on each crop."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

import raresign
from raresign.cli.answers_table import AnswersTable
from raresign.cli.options import Address, Engine, Json, cluster_of
from raresign.cli.tables import error_console, output, percent, print_json
from raresign.language.spoken import _, later, ngettext

NOT_ALL = 3
"""Exit code where some files, but not all, could not be read."""

_SHOWN = 20  # rows of a table that is not asked to show all
_CODES = 8  # classes that are named of those that are left out
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
            "--boxes",
            "--detections",
            metavar="FILE|FOLDER",
            help="The pictures are whole frames; this file says where their signs are: COCO, CSV "
            "(file,x0,y0,x1,y1), a folder of YOLO label files, or what a detector wrote: JSON, "
            "COCO results, MegaDetector's, annotations of a platform.",
        ),
    ] = None,
    images: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where the frames of --boxes are.")
    ] = None,
    country: Annotated[
        str | None, typer.Option(metavar="ISO", help="Answer with signs of this country alone.")
    ] = None,
    only: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Answer with the classes of this list alone: a code a line, or a CSV.",
        ),
    ] = None,
    without: Annotated[
        str | None,
        typer.Option("--not", metavar="CODES", help="Never answer with these: 3.1,3.24.n40."),
    ] = None,
    thresholds: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Name a class only from its threshold on; `raresign thresholds` writes the file.",
        ),
    ] = None,
    aliases: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Answer with new codes: a CSV with the columns old and new."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write a row a crop to this file: .csv, .xlsx, .jsonl or .parquet."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where a stopped run with this --out was.")
    ] = False,
    every: Annotated[
        bool, typer.Option("--all", help="Show every crop, not only the first 20.")
    ] = False,
    engine: Engine = "local",
    address: Address = None,
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
    catalogue; family; answers, the guesses, with probabilities as if it were; box; error; code,
    name and probability of the class that it is called; reason, why it is called none; excluded;
    id, track and detected, what the file of boxes says. A file that cannot be read has an error and
    null for the rest.

    --country, --only and --not narrow the classes: probabilities are shared among those that are
    left, and "excluded" is the class that a crop looks like most, where it is none of them.

    Answers are written as they come, to FILE.part, and none is kept in memory. --resume goes on
    where a stopped run was.

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
    if resume and out is None:
        raise raresign.InputError(_("--resume without --out"), _("name the file that was written"))
    if images is not None and boxes is None:
        raise raresign.InputError(_("--images without --boxes"), _("name the folder alone"))
    if out is not None:
        raresign.check_answers_file(out)
    run, files = raresign.run_and_files(given, boxes is not None)
    files = [*files, *([images] if images else [])]
    model = raresign.load(run)
    if raresign.is_built_in(run):
        error_console().print(raresign.about_built_in())
    model = _chosen(model, country, only, without, thresholds)
    accept = 0.0 if always_name else accept
    renamed = raresign.read_aliases(aliases) if aliases else None
    table = AnswersTable(None if every else _SHOWN)
    options: dict[str, Any] = {"accept": accept, "boxes": boxes, "aliases": renamed}
    cluster = cluster_of(engine, address)
    if out is None:
        for answer in raresign.predict(model, files, top, cluster=cluster, **options):
            _one(answer, table, as_json)
        _none_read(table)
    else:
        settings = raresign.answer_settings(model, files, top, **options)
        journal = raresign.AnswersJournal(out, settings, resume)
        try:
            with journal:
                _all_into(
                    journal, model, files, top, {**options, "cluster": cluster}, table, as_json
                )
        except KeyboardInterrupt:
            error_console().print(
                _("the answers so far are in {part}; go on with --resume").format(part=journal.part)
            )
            raise
        rows = journal.count
        error_console().print(
            ngettext("{n} rows written to {file}", "{n} rows written to {file}", rows).format(
                n=rows, file=out
            )
        )
    if not as_json:
        table.print_to(output(), model.head.rule if accept is None else None, out is not None)
    if model.head.rule is None and accept is None:
        error_console().print(
            _(
                "this model has no rule for unknown signs (too few crops were held out) and names "
                "every crop; --accept 0.9 names those that are at least 90 % sure"
            )
        )
    if table.broken:
        error_console().print(
            _("{n} of {all} files cannot be read: exit code 3").format(
                n=table.broken, all=table.count
            )
        )
        raise typer.Exit(NOT_ALL)


def _all_into(
    journal: Any,
    model: Any,
    files: Sequence[Path],
    top: int,
    options: dict[str, Any],
    table: AnswersTable,
    as_json: bool,
) -> None:
    """Answer what a journal does not hold yet."""
    if journal.earlier:
        error_console().print(_("{n} answers were there already").format(n=journal.earlier))
    earlier = islice(journal.answers(), journal.earlier)
    found = raresign.predict(model, files, top, earlier=earlier, **options)
    for number, answer in enumerate(found):
        if number >= journal.earlier:
            journal.add(answer)
        _one(answer, table, as_json)
    _none_read(table)


def _one(answer: Any, table: AnswersTable, as_json: bool) -> None:
    table.add(answer)
    if as_json:
        print_json(answer.as_dict())


def _none_read(table: AnswersTable) -> None:
    """End where no file could be read."""
    if table.broken < table.count or table.first_broken is None:
        return
    first = f"{table.first_broken.path}: {_(table.first_broken.error or '')}"
    raise raresign.InputError(
        _("none of the {n} files can be read (the first, {first})").format(
            n=table.count, first=first
        )
        if table.count > 1
        else _("the file cannot be read ({first})").format(first=first),
        _("give pictures of crops: PNG, JPEG, PPM, WebP, BMP, TIFF, GIF or AVIF"),
    )


def _chosen(
    model: Any, country: str | None, only: Path | None, without: str | None, thresholds: Path | None
) -> Any:
    """The model with its allow-list and thresholds; what is left out is said."""
    if thresholds is not None:
        model = model.cautious(raresign.read_thresholds(thresholds, model.catalogue))
    if country is None and only is None and without is None:
        return model
    allowed = raresign.allow_list(model.catalogue, country, only, without)
    n, every = len(allowed.codes), len(model.catalogue)
    told = _("{n} of {all} classes may be answered").format(n=n, all=every)
    for words, codes in (
        (_("not {codes}"), allowed.excluded),
        (_("the model does not have {codes}"), allowed.unknown),
    ):
        if codes:
            shown = ", ".join(codes[:_CODES]) + (", ..." if len(codes) > _CODES else "")
            told += "; " + words.format(codes=shown)
    error_console().print(told)
    return model.allowing(allowed.codes)


def thresholds(
    run: Annotated[Path, typer.Argument(help="Run folder or bundle that answered.")],
    reviewed: Annotated[
        Path,
        typer.Argument(
            metavar="REVIEWED",
            help="The file of `predict --out`, .csv or .xlsx, that a person corrected.",
        ),
    ],
    precision: Annotated[
        float,
        typer.Option(metavar="SHARE", help="How often an answer shall be right, from 0 to 1."),
    ] = 0.95,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a CSV for `raresign predict --thresholds`."),
    ] = None,
    as_json: Json = False,
) -> None:
    """From which probability on to believe each class, by answers that you reviewed.

    Correct the column code of answers.csv, or write ok into "check me". Answer with --always-name,
    so that doubtful answers are among them. A class with few reviews goes by all classes together;
    "more" tells how many more reviews would help.

    Example: `raresign thresholds RUN reviewed.csv --precision 0.95 --out thresholds.csv`
    """
    rows = raresign.review_thresholds(raresign.load(run).catalogue, reviewed, precision)
    if out is not None:
        raresign.save_thresholds(out, rows)
    if as_json:
        print_json([row.as_dict() for row in rows])
        return
    heads = (_("class"), _("reviews"), _("right"), _("threshold %"), _("95 % interval"))
    table = Table(*heads, _("kept %"), _("more"))
    for row in rows:
        name = row.name if row.code in ("*", row.name) else f"{row.code} {row.name}"
        between = _("{low} to {high}").format(low=percent(row.low), high=percent(row.high))
        never = _("never") if row.threshold >= 1 else percent(row.threshold)
        counts = str(row.reviews), str(row.right)
        table.add_row(
            escape(name), *counts, never, between, percent(row.kept), str(row.more_reviews)
        )
    output().print(table)
