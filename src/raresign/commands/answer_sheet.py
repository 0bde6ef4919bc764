"""Tables of answers for spreadsheets, in which no text is taken for a formula, date or number."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from raresign.errors import InputError
from raresign.language.spoken import _

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a cell begins with that a spreadsheet works out (OWASP, "CSV Injection")."""
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


SHEET_ROWS = 1_048_575
"""Rows of a sheet of Excel below the line of columns."""


def is_formula(text: object) -> bool:
    """Whether a spreadsheet would work out a cell of a CSV rather than show it."""
    return isinstance(text, str) and text.startswith(_FORMULA)


def plain_cell(column: str, value: Any) -> Any:
    """What stands in a CSV for a value: a formula becomes text.

    A file name gets `./` before it and stays the same file, any other text an apostrophe.

    Example:
        >>> plain_cell("file", "=1+1.png"), plain_cell("name", "-stop"), plain_cell("code", "1.1")
        ('./=1+1.png', "'-stop", '1.1')
    """
    if not is_formula(value):
        return value
    return f"./{value}" if column == "file" else f"'{value}"


def without_apostrophe(text: str) -> str:
    """A cell as it was before `plain_cell`.

    Example:
        >>> without_apostrophe("'-stop"), without_apostrophe("'t Zand")
        ('-stop', "'t Zand")
    """
    return text[1:] if text.startswith("'") and is_formula(text[1:]) else text


def write_csv(path: Path, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Write the rows as CSV, one by one; a file name that is not UTF-8 stays as it is."""
    with path.open("w", encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        table = csv.DictWriter(file, columns)
        table.writeheader()
        for row in rows:
            table.writerow({name: plain_cell(name, cell) for name, cell in row.items()})


def write_xlsx(path: Path, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Write the rows as a workbook: text is text, also where a person corrects it.

    Characters that a workbook cannot hold, of file names that are no UTF-8, become "?".

    Raises:
        InputError: More rows than a sheet takes.
    """
    from openpyxl import Workbook  # takes a while to import
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet("answers")
    sheet.freeze_panes = "A2"

    def cell(value: Any) -> Any:
        if isinstance(value, float):
            return value
        known = str(value or "").encode("utf-8", "replace").decode()
        made = WriteOnlyCell(sheet, _UNPRINTABLE.sub("?", known))
        made.data_type = "s"  # else "=..." is a formula
        made.number_format = "@"  # a code that is typed here stays one: 1.10, not 1.1 or a date
        return made

    sheet.append([cell(name) for name in columns])
    for number, row in enumerate(rows, 1):
        if number > SHEET_ROWS:
            raise InputError(
                _("a sheet holds {n:,} rows, and there are more").format(n=SHEET_ROWS),
                _("write .csv or .parquet"),
            )
        sheet.append([cell(row.get(name)) for name in columns])
    book.save(path)
