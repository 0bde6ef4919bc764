"""Reads texts, JSON and XML that other programs wrote; every fault is named as what it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from raresign.errors import InputError
from raresign.files import read_bytes
from raresign.language.spoken import _
from raresign.parsing import encoding_of, parse_json


def read_text(path: Path, other_bytes: bool = False) -> str:
    """A text file in UTF-8, its byte order mark dropped.

    Args:
        path: The file.
        other_bytes: Keep bytes that are no UTF-8 as surrogates: file names may hold them.

    Raises:
        InputError: It cannot be read or is in another encoding, which is named.
    """
    try:
        data = read_bytes(path)
    except OSError as error:
        raise _unread(path, error) from error
    encoding = encoding_of(data)
    if encoding == "UTF-8" or (other_bytes and not encoding.startswith(("UTF-16", "no text"))):
        return data.decode("utf-8-sig", "surrogateescape" if other_bytes else "strict")
    if encoding == "no text":
        raise InputError(
            _("{file} is not a text file").format(file=path), _("give a text in UTF-8")
        )
    raise InputError(
        _("{file} is {encoding} text, not UTF-8").format(file=path, encoding=encoding),
        _("save it as UTF-8"),
    )


def _unread(path: Path, error: OSError) -> InputError:
    why = _(error.strerror or "")
    return InputError(
        _("cannot read {file}: {why}").format(file=path, why=why), _("check the path")
    )


def check_utf8(text: str, where: str) -> None:
    """Refuse a text with bytes that are no UTF-8, and say what they are.

    Raises:
        InputError: `text` holds surrogates, as `read_text` keeps for bytes that are no UTF-8.
    """
    if text.isascii() or not any("\udc80" <= letter <= "\udcff" for letter in text):
        return
    data = text.encode("utf-8", "surrogateescape")
    encoding = encoding_of(data)
    guess = data.decode("cp1251" if "1251" in encoding else "cp1252", "replace")
    raise InputError(f"{where} is {encoding} text, not UTF-8: '{guess}'", "save it as UTF-8")


def read_json(path: Path) -> Any:
    """The value in a JSON file.

    Raises:
        InputError: It is no UTF-8 or no JSON; line and column are told.
    """
    text = read_text(path)
    try:
        return parse_json(text)
    except json.JSONDecodeError as error:
        raise InputError(
            _("{file}: invalid JSON at line {line}, column {column}: {why}").format(
                file=path, line=error.lineno, column=error.colno, why=error.msg
            ),
            _("mend the file there"),
        ) from error
    except ValueError as error:
        raise InputError(f"{path}: the JSON cannot be read: {error}", "export it again") from error


def read_xml(path: Path) -> ElementTree.Element:
    """The root of an XML file without a DOCTYPE of its own entities.

    Raises:
        InputError: It is no XML; line and column are told.
    """
    try:
        data = read_bytes(path)
    except OSError as error:
        raise _unread(path, error) from error
    if b"<!ENTITY" in data.replace(b"\0", b""):  # UTF-16, too
        raise InputError(f"{path} defines entities in its DOCTYPE", "export it again as plain XML")
    try:
        return ElementTree.fromstring(data)  # noqa: S314 - expat limits what entities grow to
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise InputError(f"{path}: invalid XML: {error}", "export it again") from error
