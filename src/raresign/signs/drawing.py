"""Composes a sign from its parts as one self-contained SVG: paths only, nothing from outside."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from xml.etree import ElementTree

from raresign.catalogue import Slot, outline
from raresign.signs.palette import PALETTE, painted
from raresign.signs.parts import Box, Frame, Inset, Layer, Picture, Sign, Text

_NAME = re.compile(r"\{(\w+)\}")
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
            Without them such a line is its `blank` text, or left out.

    Raises:
        InputError: The font has no glyph for a character.
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
    box = layer.box or frame.field
    if isinstance(layer, Text):
        return _line(layer, box, values)
    flip = f"translate({frame.width} 0) scale(-1 1) " if layer.mirrored else ""
    if isinstance(layer, Inset):
        inset = find(layer.code)
        size = frames[inset.frame]
        place = _fitted(box, size.width, size.height)
        return f'<g transform="{flip}{place}">{_face(inset, frames, find, {}, clip)}</g>'
    width, height, inner = pictogram(layer.name)
    paths = painted(inner, sign.field, layer.colour)
    return f'<g transform="{flip}{_fitted(box, width, height)}">{paths}</g>'


def _fitted(box: Box, width: float, height: float) -> str:
    """The transform that puts a drawing into a box, whole and centred."""
    scale = min(box.width / width, box.height / height)
    x = box.left + (box.width - width * scale) / 2
    y = box.top + (box.height - height * scale) / 2
    return f"translate({x:.2f} {y:.2f}) scale({scale:.4f})"


def _line(layer: Text, box: Box, values: Mapping[str, str]) -> str:
    """Lettering as a path."""
    text = layer.text
    if _NAME.search(text):
        known = all(name in values for name in _NAME.findall(text))
        text = _NAME.sub(lambda name: values[name[1]].replace(".", ","), text) if known else layer.blank
    if not text:
        return ""
    slot = Slot(box.left, box.top, box.width, box.height, layer.align, layer.narrowest)
    return f'<path fill="{PALETTE[layer.colour]}" d="{outline(text, slot, layer.weight).path}"/>'


@cache
def pictogram(name: str) -> tuple[float, float, str]:
    """Width, height and inner SVG of pictograms/<name>.svg.

    Example:
        >>> pictogram("fence")[:2]
        (306.0, 190.0)
    """
    source = resources.files("raresign.signs").joinpath("pictograms").joinpath(f"{name}.svg")
    text = source.read_text(encoding="utf-8")
    _, _, width, height = map(float, ElementTree.fromstring(text).attrib["viewBox"].split())
    inner = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")]
    return width, height, re.sub(r"\s+", " ", inner).strip()
