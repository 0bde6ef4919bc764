"""Fills the text slots of SVG templates: one drawing "3.24" gives every speed limit."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

from raresign.errors import InputError
from raresign.files import read_bytes
from raresign.signs.icons.lettering import ALIGNS, Slot, outline
from raresign.signs.icons.svg_guard import read_svg
from raresign.signs.values import code_values

MIN_LETTER_SHARE = 0.25  # of the slot's height; smaller letters are lost in a crop of 32 px

# What of the rectangle goes over to the lettering.
_KEPT = ("id", "class", "style", "fill", "fill-opacity", "opacity", "transform", "clip-path")
_NAME = re.compile(r"\{(\w+)\}")


def class_icons(
    codes: Collection[str], files: Mapping[str, Sequence[Path]]
) -> dict[str, tuple[Path, ...]]:
    """Class code -> the icon files that it uses; classes without any are absent.

    A class's own files win. Else it uses the SVG templates of the longest code that its code
    begins with, up to a dot: "3.24.n20" uses `3.24.svg`.

    Args:
        codes: Class codes.
        files: As from `icon_files`.

    Raises:
        InputError: An SVG is refused by `read_svg`.
    """
    templates: dict[str, tuple[Path, ...]] = {}
    found: dict[str, tuple[Path, ...]] = {}
    for code in codes:
        paths = tuple(files.get(code, ()))
        shorter = code
        while not paths and "." in shorter:
            shorter = shorter.rpartition(".")[0]
            if shorter not in templates:
                templates[shorter] = tuple(filter(is_template, files.get(shorter, ())))
            paths = templates[shorter]
        if paths:
            found[code] = paths
    return found


def is_template(path: Path) -> bool:
    """Whether a file is an SVG with text slots; InputError as `read_icon_svg`."""
    return path.suffix.lower() == ".svg" and _has_slots(_read(path))


def fills(path: Path, code: str) -> bool:
    """Whether a class's icon is a template that stands for more classes than this one."""
    return code.startswith(_own_code(path) + ".") and is_template(path)


def read_icon_svg(path: Path, code: str | None) -> Element:
    """Read an SVG icon with its slots filled; a drawing without slots stays as it is.

    Args:
        path: The file, named by its code.
        code: The class whose value the slots show. If the file is not named by this code or the
            beginning of it, or if this is `None`, the slots stay empty.

    Raises:
        InputError: The file is missing or refused by `read_svg`, or a slot cannot be filled.
    """
    root = _read(path)
    own = _own_code(path)
    if _has_slots(root):
        try:
            shows = code is not None and (code + ".").startswith(own + ".")
            fill_slots(root, code_values(code, own) if code is not None and shows else {})
        except InputError as error:
            problem = f"icon {path} for class '{code}': {error.problem}"
            raise InputError(problem, error.hint) from None
    return root


def _read(path: Path) -> Element:
    """The checked tree of an SVG file."""
    try:
        content = read_bytes(path, 64 << 20)
    except OSError as error:
        raise InputError(f"icon {path} cannot be read: {error.strerror}", "check it") from error
    return read_svg(content, f"icon {path}")


def _own_code(path: Path) -> str:
    """The code in the name of an icon file: "3.24" of `3.24.svg` and `3.24@yellow.svg`."""
    return path.stem.partition("@")[0]


def _has_slots(root: Element) -> bool:
    """Whether a drawing is a template."""
    return any("data-slot" in element.attrib for element in root.iter())


def fill_slots(root: Element, values: Mapping[str, str]) -> None:
    """Put lettering, as paths, in the place of every `<rect data-slot="...">`.

    The rectangle's attributes: `data-slot` names the value; `data-text` ("{value}т", default the
    value alone) what is set; `data-align` start, middle or end (default middle); `data-decimal`
    the decimal sign (default a comma). Fill, transform and opacity go over to the lettering.

    Args:
        root: A tree of `read_svg`, changed in place.
        values: As from `code_values`; if empty, the slots are taken out.

    Raises:
        InputError: A value is missing or shown by no slot, does not fit legibly, or has a
            character without glyph; or a slot is no proper rectangle.
    """
    shown: set[str] = set()
    slots = [
        (parent, place, element)
        for parent in root.iter()
        for place, element in enumerate(parent)
        if "data-slot" in element.attrib
    ]
    for parent, place, rect in slots:
        if not values:
            parent.remove(rect)
            continue
        if rect.tag != "rect":
            raise InputError(f"the slot is a <{rect.tag}>", "make it a <rect>")
        text, names = _slot_text(rect, values)
        shown.update(values if "value" in names else names)
        parent[place] = _lettering(rect, text)
    unseen = [name for name in values if name not in shown and name != "value"]
    if unseen:
        raise InputError(
            f"no slot shows the value {values[unseen[0]]!r}", "add a slot or shorten the code"
        )


def _slot_text(rect: Element, values: Mapping[str, str]) -> tuple[str, list[str]]:
    """What a slot says, and the names of the values in it."""
    wanted = rect.get("data-text", f"{{{rect.get('data-slot')}}}")
    names = _NAME.findall(wanted)
    missing = [name for name in names if name not in values]
    if missing:
        raise InputError(
            f"a slot asks for the value '{missing[0]}', the code gives {', '.join(values)}",
            "name slots value, or 1, 2, ... by the parts of the code",
        )
    decimal = rect.get("data-decimal", ",")
    return _NAME.sub(lambda match: values[match[1]].replace(".", decimal), wanted), names


def _lettering(rect: Element, text: str) -> Element:
    """The path that takes the place of a slot."""
    name = rect.get("data-slot", "")
    left, top, width, height = (_length(rect, key) for key in ("x", "y", "width", "height"))
    if width <= 0 or height <= 0:
        raise InputError(f"the slot '{name}' is {width:g} x {height:g}", "give it a size")
    align = rect.get("data-align", "middle")
    if not text.strip():
        raise InputError(f"the slot '{name}' has a blank text", "mend data-text")
    if align not in ALIGNS:
        raise InputError(f"the slot '{name}' has data-align {align!r}", "start, middle or end")
    line = outline(text, Slot(left, top, width, height, align))
    share = line.letter_height / height
    if share < MIN_LETTER_SHARE:
        raise InputError(
            f"the text {text!r} does not fit the slot '{name}': letters would be "
            f"{share:.0%} of its height",
            f"shorten it or widen the slot: {MIN_LETTER_SHARE:.0%} is the least",
        )
    kept = {key: value for key in _KEPT if (value := rect.get(key)) is not None}
    return Element("path", {**kept, "d": line.path})


def _length(rect: Element, key: str) -> float:
    """A plain number of the rectangle, 0 if it is left out."""
    text = rect.get(key, "0")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) < 1e6:
        raise InputError(
            f"the slot '{rect.get('data-slot')}' has {key}={text!r}", "use a number without unit"
        )
    return value
