"""Reading classes.json: every way to be wrong has a message of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from raresign.errors import InputError
from raresign.files import read_text
from raresign.language.spoken import _, later
from raresign.parsing import encoding_of, parse_json
from raresign.signs.class_type import SignType

_TYPES: tuple[SignType, ...] = get_args(SignType)
_MOST_ID = 1_000_000_000
_MOST_BYTES = 1 << 30
HOW = later('write {"3.1": {"id": 0, "type": "freq"}, ...}')


@dataclass(frozen=True)
class ClassEntry:
    """What classes.json says of one class; name and family are "" where it says nothing."""

    id: int
    type: SignType
    name: str
    family: str


@dataclass(frozen=True)
class ClassesFile:
    """A read classes.json: its classes by code, at least one, in order; its country, if any."""

    rows: dict[str, ClassEntry]
    country: str | None


def read_classes(path: Path) -> ClassesFile:
    """Read a classes.json.

    Raises:
        InputError: It is missing, or anything in it is wrong.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "classes.json"
        >>> _ = path.write_text('{"country": "DE", "205": {"id": 1, "type": "freq"}}')
        >>> read_classes(path).country, read_classes(path).rows["205"].id
        ('DE', 1)
    """
    rows, country = _split(path)
    classes = {}
    for code, row in rows.items():
        where = f"{path}: class '{code}'"
        if not isinstance(row, dict):
            raise InputError(f"{where} is {shown(row)}, not an object", HOW)
        id_, type_ = checked_id(row, where), checked_type(row.get("type"), where)
        name, family = (_text(row, key, where) for key in ("name", "family"))
        classes[code] = ClassEntry(id_, type_, name, family)
    check_ids({code: row.id for code, row in classes.items()}, str(path))
    if not classes:
        raise InputError(_("{file}: there is no class").format(file=path), _(HOW))
    return ClassesFile(classes, country)


def read_codes(path: Path) -> list[str]:
    """The class codes of a classes.json, whatever else is wrong in it.

    Raises:
        InputError: It is missing, no JSON, or no object.
    """
    return list(_split(path)[0])


def _split(path: Path) -> tuple[dict[str, Any], str | None]:
    """The classes, and the country; a class may be called "country" too, and is an object then."""
    rows = json_object(path)
    if not isinstance(country := rows.get("country"), str):
        return rows, None
    return {code: row for code, row in rows.items() if code != "country"}, country


def _text(row: Mapping[str, Any], key: str, where: str) -> str:
    """A text of one line that may be left out."""
    value = row.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise InputError(f"{where} has the {key} {shown(value)}", "use a text of one line")
    return value.strip()


def json_object(path: Path, hint: str = HOW) -> dict[str, Any]:
    """The object in a JSON file; every way to be wrong has its message, `hint` says what to do."""
    try:
        text = read_text(path, _MOST_BYTES, encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        encoding = encoding_of(bytes(error.object))
        raise InputError(
            _("{file} is {encoding} text, not UTF-8").format(file=path, encoding=encoding),
            _("save it as UTF-8"),
        ) from error
    except OSError as error:
        raise InputError(
            _("{file} cannot be read: {why}").format(file=path, why=_(error.strerror or "")),
            _(hint),
        ) from error
    try:
        value = parse_json(text, lambda pairs: _unique(pairs, path))
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path}: invalid JSON at line {error.lineno}, column {error.colno}: {error.msg}",
            "mend the file there",
        ) from error
    except InputError:
        raise
    except ValueError as error:  # nested too deep, a number of thousands of digits
        raise InputError(f"{path}: invalid JSON: {error}", hint) from error
    if not isinstance(value, dict):
        raise InputError(f"{path} holds {shown(value)}, not an object", hint)
    return value


def _unique(pairs: list[tuple[str, Any]], path: Path) -> dict[str, Any]:
    """A JSON object whose keys stand once; Python would silently keep the last."""
    unique: dict[str, Any] = {}
    for key, value in pairs:
        if key in unique:
            raise InputError(f"{path}: the key '{key}' stands twice", "keep one of them")
        unique[key] = value
    return unique


def checked_id(row: Mapping[str, Any], where: str) -> int:
    """The id of a row."""
    value = row.get("id")
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_ID:
        raise InputError(f"{where} has the id {shown(value)}", f"use 0 to {_MOST_ID}")
    return value


def checked_type(value: object, where: str) -> SignType:
    """`value` as a type."""
    for type_ in _TYPES:
        if value == type_:
            return type_
    raise InputError(f"{where} has the type {shown(value)}", "use 'freq' or 'rare'")


def check_ids(ids: Mapping[str, int], source: str) -> None:
    """No id may stand for two classes."""
    owner: dict[int, str] = {}
    for code, number in ids.items():
        if number in owner:
            raise InputError(
                f"{source}: the classes '{owner[number]}' and '{code}' have the same id {number}",
                "give each class an id of its own",
            )
        owner[number] = code


def shown(value: object) -> str:
    """The user's own value, short enough for a message."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):  # an integer of thousands of digits, a deep nest
        return f"a {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."
