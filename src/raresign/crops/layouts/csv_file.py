"""Reads the rows of a CSV with named columns and tells clearly what is wrong with one."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from raresign.crops.layouts.text_files import read_text
from raresign.errors import InputError


def csv_rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, row) of a CSV that has at least these `columns`.

    The separator is `,`, `;`, `|` or a tab, whichever the header has most of. A byte order mark is
    dropped, cells are stripped, empty lines are skipped.

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
    text, separator = _text(path)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        missing = [column for column in columns if column not in header]
        if missing:
            raise InputError(
                f"{path} has no column {', '.join(missing)}; its columns are: "
                f"{', '.join(header) or '(none)'}",
                f"the first line must name {', '.join(columns)}",
            )
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                raise InputError(
                    f"{path}, line {reader.line_num}: {len(cells)} cells",
                    f"give one a column, that is {len(header)}",
                )
            values = (cell.strip() for cell in cells)
            yield reader.line_num, dict(zip(header, values, strict=True))
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}", "mend the line") from error


def csv_header(path: Path) -> list[str]:
    """The columns of a CSV.

    Raises:
        InputError: As `csv_rows`.
    """
    text, separator = _text(path)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        return [cell.strip() for cell in next(lines, [])]
    except csv.Error as error:
        raise InputError(f"{path}, line 1: {error}", "mend the line") from error


def _text(path: Path) -> tuple[str, str]:
    """The text of a CSV, and its separator."""
    text = read_text(path, other_bytes=True)
    first_line = text.partition("\n")[0]
    return text, max(",;\t|", key=first_line.count)
