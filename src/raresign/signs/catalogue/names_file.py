"""`DATA/names.csv`: the user's own names of classes."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Collection
from pathlib import Path

from raresign.errors import InputError
from raresign.files import read_text
from raresign.parsing import encoding_of

FILE = "names.csv"
_HINT = "its first line names the columns code and name, such as: code,name"


class NamesWarning(UserWarning):
    """Lines of names.csv name classes that are none."""


def read_names(path: Path, codes: Collection[str]) -> dict[str, str]:
    """The names in a CSV file with the columns `code` and `name`.

    A byte order mark, `;` or tabs between the columns, and further columns are fine; a line without
    a name is left out.

    Args:
        path: The file.
        codes: The classes there are; others are left out with a `NamesWarning`.

    Returns:
        Class code -> name.

    Raises:
        InputError: It cannot be read, lacks a column, or names a class twice.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "names.csv"
        >>> _ = path.write_text("code;name;note\\n12;Priority road;x\\n")
        >>> read_names(path, ["12", "13"])
        {'12': 'Priority road'}
    """
    try:
        text = read_text(path, 64 << 20, encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        encoding = encoding_of(bytes(error.object))
        raise InputError(f"{path} is {encoding} text, not UTF-8", "save it as UTF-8") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", "check it") from error
    head = text.partition("\n")[0]
    lines = io.StringIO(text, newline="")
    try:
        rows = iter([*csv.reader(lines, delimiter=max(",;\t", key=head.count), strict=True)])
    except csv.Error as error:
        raise InputError(f"{path} is no CSV: {error}", _HINT) from error
    columns = [cell.strip().lower() for cell in next(rows, [])]
    missing = [name for name in ("code", "name") if name not in columns]
    if missing:
        raise InputError(f"{path} has no column {' and no column '.join(missing)}", _HINT)
    code_at, name_at = columns.index("code"), columns.index("name")
    names: dict[str, str] = {}
    for number, row in enumerate(rows, 2):
        if not row or all(not cell.strip() for cell in row):
            continue
        if len(row) <= max(code_at, name_at):
            raise InputError(f"{path}, line {number} has {len(row)} columns", _HINT)
        code, name = row[code_at].strip(), row[name_at].strip()
        if not name.isprintable():
            raise InputError(
                f"{path}, line {number}: the name of class '{code}' is {name!r}",
                "use a text of one line; does a quote lack its end?",
            )
        if code in names:
            raise InputError(f"{path}, line {number} names the class '{code}' again", "keep one")
        if name:
            names[code] = name
    unknown = [code for code in names if code not in codes]
    if unknown:
        warnings.warn(
            f"{path} names {len(unknown)} codes that are no class, such as {unknown[0]}",
            NamesWarning,
            stacklevel=2,
        )
    return {code: name for code, name in names.items() if code in codes}
