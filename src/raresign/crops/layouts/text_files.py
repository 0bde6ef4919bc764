"""Reads texts, JSON and XML that other programs wrote; every fault is named as what it is."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from raresign.errors import InputError
from raresign.files import read_bytes
from raresign.parsing import parse_json


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
        raise InputError(f"cannot read {path}: {error.strerror}", "check the path") from error
    encoding = encoding_of(data)
    if encoding == "UTF-8" or (other_bytes and not encoding.startswith(("UTF-16", "no text"))):
        return data.decode("utf-8-sig", "surrogateescape" if other_bytes else "strict")
    if encoding == "no text":
        raise InputError(f"{path} is not a text file", "give a text in UTF-8")
    raise InputError(f"{path} is {encoding} text, not UTF-8", "save it as UTF-8")


def encoding_of(data: bytes) -> str:
    """The encoding of a text in words: UTF-8, UTF-16, cp1251 (...), cp1252 (...) or "no text".

    Example:
        >>> encoding_of("Уступите дорогу".encode("cp1251")), encoding_of("stop".encode("utf-16"))
        ('cp1251 (Windows, Cyrillic)', 'UTF-16')
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16"
    if b"\0" in data:
        start = data[:4000]
        halves = [half.count(0) for half in (start[0::2], start[1::2])]
        half_zero = max(halves) > 0.4 * len(start) / 2 and min(halves) < 0.1 * len(start)
        return "UTF-16 (without a byte order mark)" if half_zero else "no text"
    try:
        data.decode("utf-8")
        return "UTF-8"
    except UnicodeDecodeError:
        high = [byte for byte in data[:100_000] if byte >= 0x80]
        letters = sum(byte >= 0xC0 or byte in (0xA8, 0xB8) for byte in high)
        text = data[:100_000].decode("cp1251", "replace")
        runs = sum(
            "\u0400" <= a <= "\u04ff" and "\u0400" <= b <= "\u04ff" for a, b in pairwise(text)
        )
        cyrillic = letters > 0.8 * len(high) and 2 * runs >= len(high)
        return "cp1251 (Windows, Cyrillic)" if cyrillic else "cp1252 or Latin-1 (Windows, Western)"


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
            f"{path}: invalid JSON at line {error.lineno}, column {error.colno}: {error.msg}",
            "mend the file there",
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
        raise InputError(f"cannot read {path}: {error.strerror}", "check the path") from error
    if b"<!ENTITY" in data:
        raise InputError(f"{path} defines entities in its DOCTYPE", "export it again as plain XML")
    try:
        return ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise InputError(f"{path}: invalid XML: {error}", "export it again") from error
