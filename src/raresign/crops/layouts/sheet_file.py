"""Reads the rows of the first sheet of an .xlsx workbook; formulas are not worked out."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from raresign.errors import InputError
from raresign.files import read_bytes

_MOST_BYTES = 64 << 20
_MOST_UNPACKED = 512 << 20
_MOST_COLUMNS = 100
_HINT = "save it as .xlsx or .csv again"


def sheet_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (row from 1, cells as text) of the first sheet, whole numbers without a point.

    Raises:
        InputError: The file is missing, no workbook or far too large, or a cell is a date: that is
            what a spreadsheet makes of a code such as 3.1.
    """
    try:
        content = io.BytesIO(read_bytes(path, _MOST_BYTES))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", "check the path") from error
    from openpyxl import load_workbook  # takes a while to import

    try:
        with zipfile.ZipFile(content) as parts:
            if sum(part.file_size for part in parts.infolist()) > _MOST_UNPACKED:
                raise InputError(f"{path} unpacks to more than any table", _HINT)
            plain = _unpacked(parts)
        book = load_workbook(plain, read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what the file says of its size may be wrong
        rows = sheet.iter_rows(max_col=_MOST_COLUMNS, values_only=True)
        for number, values in enumerate(rows, 1):
            cells = [_text(value, f"{path}, row {number}") for value in values]
            while cells and not cells[-1]:
                cells.pop()
            yield number, cells
    except InputError:
        raise
    except Exception as error:  # a damaged workbook fails in many ways
        raise InputError(f"{path} is no workbook that can be read ({error})", _HINT) from error


def _unpacked(parts: zipfile.ZipFile) -> io.BytesIO:
    """The same parts, not packed, each at most as long as its entry says.

    openpyxl reads parts whole, and `ZipFile.read` unpacks gigabytes before it looks at the entry.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as plain:
        for part in {part.filename: part for part in parts.infolist()}.values():
            with parts.open(part) as file:
                plain.writestr(part.filename, file.read(part.file_size))
    content.seek(0)
    return content


def _text(value: object, where: str) -> str:
    """A cell as text."""
    if value is None:
        return ""
    if isinstance(value, (datetime.date, datetime.time, datetime.timedelta)):
        raise InputError(
            f"{where} holds a date, {value}", "format the cells as text and write what was meant"
        )
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)
