"""Reads the rows of a CSV with named columns and tells clearly what is wrong with one."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from raresign.errors import InputError
from raresign.files import read_text


def csv_rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, row) of a CSV that has at least these `columns`.

    The separator is `,` or `;`, whichever the header has more of. A byte order mark is dropped,
    cells are stripped, empty lines are skipped.

    Args:
        path: The CSV, UTF-8; other bytes survive as they are (file names need not be UTF-8).
        columns: Columns that must be there.

    Yields:
        The line number (from 1) and the cells by column.

    Raises:
        InputError: The file is missing or not text, a column is missing (shows those found),
            or a line has too few or too many cells.
    """
    try:
        text = read_text(path, encoding="utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", "check the path") from error
    if "\0" in text:
        raise InputError(f"{path} is not a text file", "give a CSV")
    first_line = text.partition("\n")[0]
    separator = ";" if first_line.count(";") > first_line.count(",") else ","
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
