"""Reads the rows of a CSV with named columns and tells clearly what is wrong with one."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from raresign.crops.layouts.sheet_file import sheet_rows
from raresign.crops.layouts.text_files import read_text
from raresign.errors import InputError
from raresign.language.spoken import _


def csv_rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, row) of a CSV that has at least these `columns`.

    The separator is `,`, `;`, `|` or a tab, whichever the header has most of. A byte order mark is
    dropped, cells are stripped, empty lines are skipped. Of an .xlsx the first
    sheet is read.

    Args:
        path: The CSV, UTF-8; other bytes survive as they are (file names need not be UTF-8).
        columns: Columns that must be there.

    Yields:
        The line number (from 1) and the cells by column.

    Raises:
        InputError: The file is missing or not text, in another encoding than UTF-8 by its byte
            order mark, a column is missing (shows those found),
            or a line has too few or too many cells.
    """
    lines = _lines(path)
    header = next(lines, (0, []))[1]
    missing = [column for column in columns if column not in header]
    if missing:
        raise InputError(
            _("{file} has no column {missing}; its columns are: {columns}").format(
                file=path, missing=", ".join(missing), columns=", ".join(header) or _("(none)")
            ),
            _("the first line must name {columns}").format(columns=", ".join(columns)),
        )
    sheet = _is_sheet(path)
    for line, cells in lines:
        if not any(cells):
            continue
        if sheet and len(cells) < len(header):  # empty cells at the end are not kept
            cells += [""] * (len(header) - len(cells))
        if len(cells) != len(header):
            raise InputError(
                _("{file}, line {line}: {n} cells").format(file=path, line=line, n=len(cells)),
                _("give one a column, that is {n}").format(n=len(header)),
            )
        yield line, dict(zip(header, cells, strict=True))


def csv_header(path: Path) -> list[str]:
    """The columns of a CSV.

    Raises:
        InputError: As `csv_rows`.
    """
    return next(_lines(path), (0, []))[1]


def _is_sheet(path: Path) -> bool:
    return path.suffix.lower() == ".xlsx"


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(line, stripped cells) of a CSV or workbook."""
    if _is_sheet(path):
        for number, cells in sheet_rows(path):
            yield number, [cell.strip() for cell in cells]
        return
    text, separator = _text(path)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        for cells in reader:
            yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        line = max(reader.line_num, 1)
        raise InputError(f"{path}, line {line}: {error}", "mend the line") from error


def _text(path: Path) -> tuple[str, str]:
    """The text of a CSV, and its separator."""
    text = read_text(path, other_bytes=True)
    first_line = text.partition("\n")[0]
    return text, max(",;\t|", key=first_line.count)
