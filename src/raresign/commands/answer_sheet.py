"""Tables of answers for spreadsheets, in which no text is taken for a formula, date or number."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a cell begins with that a spreadsheet works out (OWASP, "CSV Injection")."""
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


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


def csv_text(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """The rows as CSV."""
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, columns)
    table.writeheader()
    table.writerows({name: plain_cell(name, cell) for name, cell in row.items()} for row in rows)
    return text.getvalue()


def write_xlsx(path: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Write the rows as a workbook: text is text, also where a person corrects it.

    Characters that a workbook cannot hold, of file names that are no UTF-8, become "?".
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
    for row in rows:
        sheet.append([cell(row.get(name)) for name in columns])
    book.save(path)
