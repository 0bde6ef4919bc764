"""Results as JSON lines: read one by one, and checked against the published schema."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from raresign.answers.answer import FileAnswer
from raresign.errors import InputError
from raresign.files import open_file
from raresign.language.spoken import _
from raresign.parsing import parse_json
from raresign.storage.local_copy import local_copy

_LONGEST = 1 << 20  # bytes of a line
_SUM = 1.001
_DERIVED = ("answer", "code", "name", "reason")
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "null": (type(None),),
}


@cache
def results_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of one line of results."""
    text = resources.files(__package__).joinpath("results.schema.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def read_results(file: str | Path) -> Iterator[FileAnswer]:
    """The answers of a file of JSON lines (`predict --json`, `--out x.jsonl`), one by one.

    Raises:
        InputError: It cannot be read, or a line is no answer; which is told.
    """
    for number, line in _lines(local_copy(file)):
        value, problems = _checked(line)
        if problems:
            raise InputError(
                _("{file}, line {line}: {problem}").format(
                    file=file, line=number, problem=problems[0]
                ),
                _("raresign check-results tells all that is wrong"),
            )
        yield FileAnswer.from_dict(value)


def check_results(file: str | Path) -> Iterator[tuple[int, str]]:
    """What is wrong with a file of results: line number and problem, nothing if all is right.

    Beyond the schema: `answers` are in order and add up to at most 1, a box has an area, and
    `answer`, `code`, `name` and `reason`, where they stand there, follow from the rest.

    Raises:
        InputError: It cannot be read.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "a.jsonl"
        >>> _ = file.write_text('{"path": 3}\\n')
        >>> [problem for _, problem in check_results(file)][0]
        'path: 3 is no string'
    """
    for number, line in _lines(local_copy(file)):
        for problem in _checked(line)[1]:
            yield number, problem


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    """(number, bytes) of the lines that are not empty; no line is held beyond its bound."""
    try:
        with open_file(file) as opened:
            number = 0
            while line := opened.readline(_LONGEST):
                number += 1
                if line.strip():
                    yield number, line
    except OSError as error:
        raise InputError(
            _("cannot read {file}: {why}").format(file=file, why=_(error.strerror or "")),
            _("check the path"),
        ) from error


def _checked(line: bytes) -> tuple[dict[str, Any], list[str]]:
    """The value of a line, and all that is wrong with it."""
    try:
        value = parse_json(line)
    except ValueError as error:
        return {}, [f"no JSON: {error}"]
    problems = list(schema_problems(value, results_schema()))
    if problems:
        return {}, problems
    try:
        answer = FileAnswer.from_dict(value)
    except (ValueError, TypeError, KeyError) as error:
        return {}, [str(error)]
    return value, list(_meaning_problems(value, answer))


def _meaning_problems(value: Mapping[str, Any], answer: FileAnswer) -> Iterator[str]:
    shares = [one.probability for one in answer.answers]
    if shares[1:] != sorted(shares[1:], reverse=True) or sum(shares) > _SUM:
        yield f"answers: the probabilities {shares} are out of order or add up to more than 1"
    if answer.box and not (answer.box[0] < answer.box[2] and answer.box[1] < answer.box[3]):
        yield f"box: {list(answer.box)} has no area"
    if answer.error is None and answer.level != "none" and not answer.answers:
        yield "answers: there is none, and no error"
    for name in _DERIVED:
        if name in value and value[name] != (own := getattr(answer, name)):
            yield f"{name}: {value[name]!r}, but the rest says {own!r}"


def schema_problems(
    value: Any, schema: Mapping[str, Any], where: str = "", root: Mapping[str, Any] | None = None
) -> Iterator[str]:
    """Where a JSON value breaks a schema of types, ranges, lists and references in itself.

    Example:
        >>> list(schema_problems([1, "a"], {"type": "array", "items": {"type": "number"}}))
        ["1: 'a' is no number"]
    """
    root = schema if root is None else root
    at = f"{where}: " if where else ""
    if "$ref" in schema:
        meant: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            meant = meant[part]
        yield from schema_problems(value, meant, where, root)
        return
    if "anyOf" in schema:
        tried = [list(schema_problems(value, one, where, root)) for one in schema["anyOf"]]
        if all(tried):
            yield min(tried, key=len)[0]
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}{value!r} is none of {', '.join(map(str, schema['enum']))}"
        return
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    right = tuple(one for kind in kinds for one in _TYPES[kind])
    if kinds and (not isinstance(value, right) or isinstance(value, bool)):
        yield f"{at}{repr(value)[:60]} is no {kinds[0]}"
        return
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
        if not (abs(value) <= sys.float_info.max and low <= value <= high):
            yield f"{at}{str(value)[:40]} is not from {low} to {high}"
    if isinstance(value, str) and len(value) < schema.get("minLength", 0):
        yield f"{at}it is empty"
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", math.inf):
            yield f"{at}{len(value)} values"
        for number, one in enumerate(value):
            inner = f"{where}.{number}" if where else str(number)
            yield from schema_problems(one, schema.get("items", {}), inner, root)
    if isinstance(value, dict):
        for name, one in schema.get("properties", {}).items():
            inner = f"{where}.{name}" if where else name
            if name in value:
                yield from schema_problems(value[name], one, inner, root)
        for name in schema.get("required", ()):
            if name not in value:
                yield f"{at}{name} is missing"
