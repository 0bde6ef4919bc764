"""Composes a sign from its parts as one self-contained SVG of shapes, without text elements."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from xml.etree import ElementTree

from raresign.errors import InputError
from raresign.signs.drawing.palette import PALETTE, painted
from raresign.signs.drawing.parts import Box, Frame, Inset, Layer, Sign, Text
from raresign.signs.icons.lettering import Slot, outline

_SMALL = 0.78  # lower-case letters of units are then 0.58 as high as digits, as on the road
_NARROWEST = 0.75  # of their width; letters stay high in narrow slots
_LEAST = 0.25  # of a slot's height; smaller letters are lost in a crop of 32 px
_Find = Callable[[str], Sign]


def draw(
    sign: Sign, frames: Mapping[str, Frame], find: _Find, values: Mapping[str, str] | None = None
) -> str:
    """A sign as SVG in the millimetres of its frame.

    Args:
        sign: The sign.
        frames: All frames by name.
        find: Gives the sign of an `Inset`'s code.
        values: As from `code_values`: what `{value}`, `{1}`, ... in the lettering stand for.
            Without them such a line is left out.

    Raises:
        InputError: The font has no glyph for a character, or a value does not fit legibly.
    """
    frame = frames[sign.frame]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {frame.width} {frame.height}">'
        f"{_face(sign, frames, find, values or {})}</svg>"
    )


def _face(
    sign: Sign, frames: Mapping[str, Frame], find: _Find, values: Mapping[str, str], clip: str = "f"
) -> str:
    """The elements of a sign; `clip` is the id of its outline."""
    frame = frames[sign.frame]
    contents = "".join(
        _layer(layer, sign, frames, find, values, f"{clip}{number}")
        for number, layer in enumerate(sign.layers)
    )
    back, front = (painted(part, sign.field) for part in (frame.back, frame.front))
    return (
        f'<clipPath id="{clip}"><{frame.outline}/></clipPath>'
        f'{back}<g clip-path="url(#{clip})">{contents}</g>{front}'
    )


def _layer(
    layer: Layer,
    sign: Sign,
    frames: Mapping[str, Frame],
    find: _Find,
    values: Mapping[str, str],
    clip: str,
) -> str:
    """One layer in the coordinates of its sign's frame."""
    frame = frames[sign.frame]
    if isinstance(layer, Text):
        return _line(layer, values)
    box = layer.box
    flip = f"translate({frame.width} 0) scale(-1 1) " if layer.mirrored else ""
    if isinstance(layer, Inset):
        inset = find(layer.code)
        size = frames[inset.frame]
        place = _fitted(box, size.width, size.height)
        return f'<g transform="{flip}{place}">{_face(inset, frames, find, values, clip)}</g>'
    width, height, inner = pictogram(layer.name)
    paths = painted(inner, sign.field, layer.colour)
    place = f"{flip}{_turned(box, layer.turn)}{_fitted(box, width, height)}"
    return f'<g transform="{place}">{paths}</g>'


def _fitted(box: Box, width: float, height: float) -> str:
    """The transform that puts a drawing into a box, whole and centred."""
    scale = min(box.width / width, box.height / height)
    x = box.left + (box.width - width * scale) / 2
    y = box.top + (box.height - height * scale) / 2
    return f"translate({x:.2f} {y:.2f}) scale({scale:.4f})"


def _turned(box: Box, degrees: float) -> str:
    """The transform that turns a layer about the middle of its box; nothing if it is upright."""
    x, y = box.left + box.width / 2, box.top + box.height / 2
    return f"rotate({degrees:g} {x:g} {y:g}) " if degrees else ""


def _line(layer: Text, values: Mapping[str, str]) -> str:
    """Lettering as a path."""
    box = layer.box
    names = layer.names()
    text = layer.text
    if names:
        if not values.keys() >= set(names):
            return ""
        for name in names:
            text = text.replace(f"{{{name}}}", _as_on_the_road(values[name]))
    letters, sizes = _sized(text)
    slot = Slot(box.left, box.top, box.width, box.height, narrowest=_NARROWEST)
    line = outline(
        letters, slot, layer.weight, sizes=sizes, hanging=bool(names), spacing=layer.spacing
    )
    if line.letter_height < _LEAST * box.height:
        raise InputError(
            f"the text {letters!r} does not fit the sign: its letters would be illegible",
            "shorten the value",
        )
    path = f'<path fill="{PALETTE[layer.colour]}" d="{line.path}"/>'
    return f'<g transform="{_turned(box, layer.turn)}">{path}</g>' if layer.turn else path


def _as_on_the_road(value: str) -> str:
    """A decimal comma; small minutes after a full stop."""
    hour, colon, minute = value.partition(":")
    return f"{hour}.[{minute}]" if colon else value.replace(".", ",")


def _sized(text: str) -> tuple[str, tuple[float, ...]]:
    """The characters of a text and their sizes: smaller between brackets."""
    letters, size = "", 1.0
    sizes: list[float] = []
    for character in text:
        if character in "[]":
            size = _SMALL if character == "[" else 1.0
        else:
            letters += character
            sizes.append(size)
    return letters, tuple(sizes)


@cache
def pictogram(name: str) -> tuple[float, float, str]:
    """Width, height and inner SVG of pictograms/<name>.svg."""
    source = (
        resources.files("raresign.signs.drawing").joinpath("pictograms").joinpath(f"{name}.svg")
    )
    text = source.read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)  # noqa: S314 - a file of the package
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    inner = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")]
    return width, height, re.sub(r"\s+", " ", inner).strip()
