"""PATCH bodies for annotations of a street-view platform, in a file that a person may look at."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from raresign.commands.maps.joined_signs import SeenSign
from raresign.commands.maps.sign_semantics import joined_semantics, patch_body, semantics
from raresign.crops.layouts.listing import files_under
from raresign.crops.layouts.text_files import read_json
from raresign.errors import InputError
from raresign.language.spoken import _
from raresign.signs.countries.country import Country

Tags = Mapping[str, list[tuple[str, str]]]
"""(key, value) of the tags of annotations and pictures, by id."""


def patches(
    signs: Iterable[SeenSign], country: Country | None, model: str, present: Tags | None = None
) -> Iterator[dict[str, Any] | None]:
    """What to send for signs that are called a class, in their order.

    A sign with an id is an annotation of the platform. Signs without one are told of their picture
    together; those of one picture stand together.

    Args:
        signs: All called a class.
        country, model: See `semantics`.
        present: Tags that are there already; None if they are not known.

    Yields:
        `annotation`, the id or null; `picture`, the file; `body`, of the PATCH. None in place of
        one that needs no change, or that a person named.
    """
    for (name, path), several in groupby(signs, lambda one: (one.answer.id, one.answer.path)):
        named = [one.answer.answers[0] for one in several]
        if name is None:
            pairs = [(one.code, one.probability) for one in named]
            told = [joined_semantics(pairs, country, model)]
        else:
            told = [semantics(one.code, country, model, one.probability) for one in named]
        key = Path(path).stem if name is None else name
        known = None if present is None else present.get(key, [])
        for wanted in told:
            body = patch_body(wanted, known)
            yield body and {"annotation": name, "picture": path, "body": body}


def present_tags(place: str | Path) -> dict[str, list[tuple[str, str]]]:
    """The tags of annotations and pictures, as a platform gave them.

    Args:
        place: A JSON file, or a folder of them. Any object in it counts that has an `id` and
            `semantics`, of its own or among its `properties`.

    Raises:
        InputError: It cannot be read, or holds no such object.
    """
    file = Path(place)
    found: dict[str, list[tuple[str, str]]] = {}
    for one in files_under(file, (".json", ".geojson")) if file.is_dir() else [file]:
        for name, rows in _tagged(read_json(one)):
            pairs = [(str(row["key"]), str(row["value"])) for row in rows if _is_tag(row)]
            found.setdefault(name, []).extend(pairs)
    if not found:
        raise InputError(
            _("{file} holds no annotation with an id and semantics").format(file=file),
            _("give what the platform answered, as JSON"),
        )
    return found


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write JSON lines; how many."""
    count = 0
    with path.open("w", encoding="ascii") as file:
        for row in rows:
            file.write(json.dumps(row) + "\n")
            count += 1
    return count


def _is_tag(row: Any) -> bool:
    return isinstance(row, Mapping) and {"key", "value"} <= row.keys()


def _tagged(value: Any) -> Iterator[tuple[str, list[Any]]]:
    """(id, semantics) of all objects in a JSON value that have both."""
    if isinstance(value, list):
        for one in value:
            yield from _tagged(one)
    if not isinstance(value, Mapping):
        return
    own = value.get("properties")
    more = own.get("semantics") if isinstance(own, Mapping) else None
    for rows in (value.get("semantics"), more):
        if "id" in value and isinstance(rows, list):
            yield str(value["id"]), rows
    for one in value.values():
        yield from _tagged(one)
