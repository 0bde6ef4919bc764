"""A file of answers, one row a crop: `predict --out` writes it, `add-photos --from` reads it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from raresign.answers.answer import FileAnswer
from raresign.commands.answer_sheet import without_apostrophe, write_csv, write_xlsx
from raresign.crops.crop_table import BOX_COLUMNS, CropTable
from raresign.crops.layouts.annotated_crops import annotated_crops
from raresign.crops.layouts.csv_file import csv_rows
from raresign.crops.layouts.csv_layout import csv_annotations
from raresign.crops.layouts.frame_files import FrameFiles
from raresign.errors import InputError
from raresign.files import is_file, whole_file
from raresign.language.spoken import _
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.storage.places import file_name
from raresign.storage.published import written

FORMS = (".csv", ".xlsx", ".jsonl", ".parquet")
CHECK = "check me"
_COLUMNS = (
    "file",
    "code",
    "name",
    "level",
    "probability",
    CHECK,
    "family",
    "guess",
    "guess name",
    "answered",
    "error",
)
_EXCLUDED = ("excluded",)
_MARKS = ("id", "track", "detected")
_ROW_GROUP = 10_000
_SEEN = "ok"
"""What a person writes into the column `check me` of a row that is right as it stands."""


def check_answers_file(path: str | Path) -> None:
    """Refuse a file for answers whose ending says no form that is known.

    Raises:
        InputError: It does.
    """
    suffix = Path(file_name(path)).suffix.lower()
    if suffix not in FORMS:
        hint = _("end its name with {listed}").format(listed=", ".join(FORMS))
        if suffix in (".xls", ".ods"):
            hint = _("give a .xlsx or .csv, which Excel and LibreOffice open")
        raise InputError(
            _("{path}: answers are not written as '{suffix}'").format(
                path=path, suffix=suffix or "no ending"
            ),
            hint,
        )


def answer_row(one: FileAnswer) -> dict[str, Any]:
    """One row of a file of answers.

    `code`, `name` and `probability` are those of the class that the crop is called; `guess` and
    `guess name` its most probable class where it is called none; `excluded` the class that it looks
    like most, where an allow-list leaves that out. `answered` repeats `code`, so that
    a correction shows.

    Example:
        >>> answer_row(FileAnswer("a.png", (), "the file is empty"))["check me"]
        'yes'
    """
    named = one.named
    guess = one.answers[0] if one.answers and named is None else None
    row = {
        "file": one.path,
        "code": named and named.code,
        "name": named and named.name,
        "level": one.level,
        "probability": named and round(named.probability, 4),
        CHECK: "yes" if one.check_me else "",
        "family": one.family,
        "guess": guess and guess.code,
        "guess name": guess and guess.name,
        "answered": named and named.code,
        "error": one.error,
    }
    if one.excluded is not None:
        row["excluded"] = one.excluded.code
    row |= {name: mark for name in _MARKS if (mark := getattr(one, name)) is not None}
    if one.box is not None:
        row |= dict(zip(BOX_COLUMNS, (round(side, 1) for side in one.box), strict=True))
    return row


def answer_columns(one: FileAnswer) -> list[str]:
    """The columns of a file in which this answer stands."""
    marks = [name for name in _MARKS if getattr(one, name) is not None]
    left, box = (_EXCLUDED if one.excluded else ()), (BOX_COLUMNS if one.box else ())
    return [*_COLUMNS, *left, *marks, *box]


def save_answers(path: str | Path, answers: Iterable[FileAnswer]) -> int:
    """Write answers, one row a crop, whole or not at all.

    Args:
        path: `.csv` (with a byte order mark, so that Excel reads its letters), `.xlsx`, `.jsonl`
            (also what `FileAnswer.as_dict` has) or `.parquet`. In the first two no text is a
            formula. Or a URL of such a file.
        answers: The rows. They are held in memory; `AnswersJournal` holds none.

    Returns:
        How many rows were written.

    Raises:
        InputError: Another ending, or more rows than a sheet takes.
    """
    check_answers_file(path)
    found = list(answers)
    columns = list(dict.fromkeys(name for one in found for name in answer_columns(one)))
    with written(path) as here:
        return write_answers(here, found, columns)


def write_answers(path: str | Path, answers: Iterable[FileAnswer], columns: Sequence[str]) -> int:
    """`save_answers` of answers that come one by one; none stays in memory.

    Args:
        path: See `save_answers`.
        answers: The rows.
        columns: All that `answer_columns` gives for any of them.
    """
    more = [name for name in (*_EXCLUDED, *_MARKS, *BOX_COLUMNS) if name in columns]
    ordered = [*_COLUMNS, *more]
    count = 0

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal count
        for one in answers:
            count += 1
            yield answer_row(one)

    with whole_file(path) as temporary:
        match Path(path).suffix.lower():
            case ".csv":
                write_csv(temporary, rows(), ordered)
            case ".xlsx":
                write_xlsx(temporary, rows(), ordered)
            case ".jsonl":
                with temporary.open("wb") as file:
                    for one in answers:
                        count += 1
                        row = answer_row(one) | one.as_dict()
                        line = json.dumps(row, ensure_ascii=False) + "\n"
                        file.write(line.encode("utf-8", "backslashreplace"))
            case _:
                _write_parquet(temporary, rows(), ordered)
    return count


def _write_parquet(path: Path, rows: Iterator[dict[str, Any]], columns: Sequence[str]) -> None:
    """Row groups of some thousand rows."""
    import pyarrow as pa  # takes a while to import
    import pyarrow.parquet as pq

    def cell(value: Any) -> Any:
        return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value

    floats = ("probability", "detected", *BOX_COLUMNS)
    schema = pa.schema(
        [(name, pa.float64() if name in floats else pa.string()) for name in columns]
    )
    with pq.ParquetWriter(path, schema) as file:
        while group := list(islice(rows, _ROW_GROUP)):
            plain = [{name: cell(value) for name, value in row.items()} for row in group]
            file.write_table(pa.Table.from_pylist(plain, schema))


@dataclass(frozen=True)
class CheckedCrops:
    """The crops of a file of answers whose classes a person has looked at.

    Attributes:
        table: These crops, with labels by the catalogue.
        left_out: Rows that nobody has changed or confirmed.
    """

    table: CropTable
    left_out: int


def read_checked(path: str | Path, catalogue: SignCatalogue) -> CheckedCrops:
    """The crops of a corrected file of answers, or of any table with the columns file and code.

    In a file that `save_answers` wrote, a row counts where its `code` is no longer what was
    answered, or where `check me` says `ok`: what the model believes by itself teaches nothing.
    In another table every row with a code counts.

    Args:
        path: A CSV or .xlsx. Files are relative to where the program runs, else to its folder.
        catalogue: Knows the codes.

    Raises:
        InputError: It cannot be read, lacks a column, names a code that is none of the run's, or
            no row counts.
    """
    file = Path(path)
    if file.suffix.lower() not in (".csv", ".xlsx"):
        raise InputError(
            _("{file} is no CSV or .xlsx").format(file=file),
            _("save it as .csv or .xlsx, with the columns file and code"),
        )
    given = csv_annotations(file, _FromHere(file.parent))
    told = {f"line {line}": is_told(row) for line, row in csv_rows(file, ())}
    left_out = sum(not row.name or not told[row.where] for row in given.rows)
    given.rows = [
        replace(row, name=without_apostrophe(row.name))
        for row in given.rows
        if row.name and told[row.where]
    ]
    for row in given.rows:
        if catalogue.label_of(row.name) < 0:
            raise InputError(
                _("{file}, {where}: the run has no class '{name}'").format(
                    file=file, where=row.where, name=row.name
                ),
                _("correct the code, or add the class with `raresign add-class`"),
            )
    if not given.rows:
        raise InputError(
            _("{file}: no code was changed or confirmed in its {left_out} rows").format(
                file=file, left_out=left_out
            ),
            _("correct the column code, or write {seen} into '{check}' where it is right").format(
                seen=_SEEN, check=CHECK
            ),
        )
    return CheckedCrops(annotated_crops([given], file, catalogue, margin=0.0).training, left_out)


def is_told(row: Mapping[str, str]) -> bool:
    """Whether a person changed or confirmed the code of a row, or wrote the row himself."""
    if "answered" not in row:
        return True
    return row.get("code", "") != row["answered"] or row.get(CHECK, "").lower() == _SEEN


class _FromHere(FrameFiles):
    """Finds files as `predict` wrote them: from where the program runs, else beside the table."""

    def find(self, name: str) -> Path:
        here = Path(name)
        return here if is_file(here) else super().find(name)
