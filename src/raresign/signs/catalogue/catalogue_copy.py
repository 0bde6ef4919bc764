"""The copy of a catalogue in a run folder: catalogue.json and icons/, needing nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from raresign.errors import InputError
from raresign.files import read_bytes, whole_file, write_json
from raresign.signs.catalogue.classes_file import checked_id, checked_type, json_object, shown
from raresign.signs.catalogue.sign_class import SignClass
from raresign.signs.countries.country import Country
from raresign.signs.countries.registry import NO_COUNTRY, country
from raresign.signs.icons.svg_guard import svg_bytes
from raresign.signs.icons.templates import fills, read_icon_svg


def save_classes(classes: Sequence[SignClass], of: Country | None, folder: Path) -> None:
    """Write `catalogue.json` and `icons/`; a template is saved as each class shows it.

    Raises:
        InputError: An icon cannot be read any more.
        OSError: The folder cannot be written.
    """
    rows = []
    for sign in classes:
        names = [
            f"{sign.code}{f'@{number}' if number else ''}{icon.suffix.lower()}"
            for number, icon in enumerate(sign.icons)
        ]
        for icon, name in zip(sign.icons, names, strict=True):
            _copy(icon, sign.code, folder / "icons" / name)
        rows.append({**vars(sign), "icons": names})
    written = {"country": of.iso if of else NO_COUNTRY, "classes": rows}
    write_json(folder / "catalogue.json", written)


def load_classes(folder: Path) -> tuple[list[SignClass], Country | None]:
    """Read what `save_classes` wrote; icons must exist but are not decoded.

    Older copies name no country and no classes: theirs are none and "".

    Raises:
        InputError: `catalogue.json` or an icon is missing or wrong.
    """
    path = folder / "catalogue.json"
    found = json_object(path)
    rows, iso = found.get("classes"), found.get("country", NO_COUNTRY)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{path} has no list of objects 'classes'", "save the run again")
    if not isinstance(iso, str):
        raise InputError(f"{path} has the country {shown(iso)}", "save the run again")
    classes = [_saved_class(row, path) for row in rows]
    return classes, None if iso == NO_COUNTRY else country(iso)


def _copy(source: Path, code: str, target: Path) -> None:
    """Copy one icon, whole or not at all."""
    try:
        filled = fills(source, code)
        content = svg_bytes(read_icon_svg(source, code)) if filled else read_bytes(source)
    except OSError as error:
        raise InputError(f"icon {source} cannot be read: {error.strerror}", "restore it") from error
    with whole_file(target) as temporary:
        temporary.write_bytes(content)


def _saved_class(row: Mapping[str, Any], path: Path) -> SignClass:
    """One checked row of catalogue.json."""
    code, names, family, twin = (row.get(key) for key in ("code", "icons", "family", "twin"))
    where = f"{path}: class {shown(code)}"
    if not isinstance(code, str) or not isinstance(family, str):
        raise InputError(f"{where} lacks a code or a family", "save the run again")
    if not isinstance(names, list) or not names or not all(_is_file_name(name) for name in names):
        raise InputError(f"{where} has the icons {shown(names)}", "name files of icons/")
    name = row.get("name", "")
    if not isinstance(name, str):
        raise InputError(f"{where} has the name {shown(name)}", "use a text")
    if twin is not None and not isinstance(twin, str):
        raise InputError(f"{where} has the twin {shown(twin)}", "use a class code or null")
    icons = tuple(path.parent / "icons" / name for name in names)
    lost = [str(icon) for icon in icons if not icon.is_file()]
    if lost:
        raise InputError(f"{where}: icons are missing: {', '.join(lost)}", "copy the whole folder")
    id_, type_ = checked_id(row, where), checked_type(row.get("type"), where)
    return SignClass(code, id_, type_, icons, family, twin, name)


def _is_file_name(name: object) -> bool:
    """A bare file name: a catalogue reaches no file outside its folder."""
    return isinstance(name, str) and name not in ("", "..") and not set(name) & set("/\\\0")
