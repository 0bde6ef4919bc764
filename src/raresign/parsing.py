"""JSON and YAML that strangers wrote: bounded before values are made, every fault a ValueError."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

MAX_YAML_BYTES = 1 << 20
MAX_YAML_DEPTH = 30
MAX_YAML_PARTS = 100_000


def parse_json(
    text: str | bytes,
    pairs: Callable[[list[tuple[str, Any]]], Any] | None = None,
) -> Any:
    """The value of a JSON text.

    Args:
        text: The text; whoever reads it from a file bounds it (`files.read_text`).
        pairs: Makes an object of its (key, value) pairs, a dict unless given.

    Raises:
        ValueError: No JSON (a `json.JSONDecodeError` tells line and column), nested too deep, or
            a number of thousands of digits.

    Example:
        >>> parse_json('{"a": [1, 2]}')
        {'a': [1, 2]}
        >>> parse_json("[" * 100_000)
        Traceback (most recent call last):
        ...
        ValueError: it is nested too deep
    """
    try:
        return json.loads(text, object_pairs_hook=pairs)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    except json.JSONDecodeError:
        raise
    except ValueError as error:
        if "digits" in str(error):  # Python's message tells of a setting of the interpreter
            raise ValueError("it holds a number of thousands of digits") from None
        raise


def parse_yaml(text: str, texts_only: bool = False) -> Any:
    """The value of a YAML text of bounded size and depth, without aliases and tags.

    An alias of an alias makes a few hundred bytes into gigabytes, a tag asks for another type than
    the one that stands there; settings need neither.

    Args:
        text: The text.
        texts_only: Leave every scalar the text that it is: "1.10" is no number then.

    Raises:
        ValueError: No YAML, or more than these bounds; the message is a line or a few.

    Example:
        >>> parse_yaml("steps: 5")
        {'steps': 5}
        >>> parse_yaml("a: &x [1]\\nb: *x")
        Traceback (most recent call last):
        ...
        ValueError: line 2: '*x' is an alias; write the value out
    """
    import yaml

    if len(text) > MAX_YAML_BYTES:
        raise ValueError(f"it is longer than {MAX_YAML_BYTES} characters")
    loader = yaml.BaseLoader if texts_only else yaml.SafeLoader
    try:
        _check_parts(yaml.parse(text, loader))
        return yaml.load(text, loader)  # noqa: S506 - one of two safe loaders
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ValueError(f"{where}{error.problem or error.context}"[:300]) from None
    except yaml.YAMLError as error:
        raise ValueError(str(error)[:300]) from None
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    except ValueError as error:  # a date that is none, a number of thousands of digits
        raise ValueError(str(error)[:300]) from None


def _check_parts(events: Any) -> None:
    """Walk a YAML stream before any value is made of it."""
    import yaml

    depth = 0
    for count, event in enumerate(events):
        line = event.start_mark.line + 1
        if count > MAX_YAML_PARTS:
            raise ValueError(f"it has more than {MAX_YAML_PARTS} parts")
        if isinstance(event, yaml.AliasEvent):
            name = str(event.anchor)[:40]
            raise ValueError(f"line {line}: '*{name}' is an alias; write the value out")
        tag = getattr(event, "tag", None)
        if isinstance(event, yaml.NodeEvent) and tag not in (None, "!"):
            name = str(tag)[:60]
            raise ValueError(f"line {line}: the tag {name} is not read; write a plain value")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_YAML_DEPTH:
            raise ValueError(f"line {line}: it is nested deeper than {MAX_YAML_DEPTH} levels")


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
