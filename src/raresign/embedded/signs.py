"""The table of embedded signs: which frame, pictograms and text make a sign, and how to draw it."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Literal
from xml.etree import ElementTree

from raresign.embedded.frames import BLACK, FRAMES, GREY, RED, WHITE, Box, Frame
from raresign.embedded.lettering import text_svg
from raresign.errors import InputError

SignType = Literal["freq", "rare"]


@dataclass(frozen=True)
class Picture:
    """A pictogram (pictograms/<name>.svg) fitted into a box; None means the frame's field."""

    name: str
    box: Box | None = None
    colour: str = BLACK
    mirrored: bool = False


@dataclass(frozen=True)
class Text:
    """A line of lettering fitted into a box; None means the frame's field."""

    text: str
    box: Box | None = None
    colour: str = BLACK


@dataclass(frozen=True)
class Sign:
    """A sign: a frame with layers, first layer lowest, and how often it is photographed."""

    type: SignType
    frame: str
    layers: tuple[Picture | Text, ...] = ()


def _sign(type_: SignType, frame: str, *layers: Picture | Text) -> Sign:
    return Sign(type_, frame, layers)


def _twin(type_: SignType, sign: Sign) -> Sign:
    """The same frame with left and right of its pictograms swapped; slashes keep their way."""
    return Sign(
        type_,
        sign.frame,
        tuple(
            replace(layer, mirrored=not layer.mirrored) if isinstance(layer, Picture) else layer
            for layer in sign.layers
        ),
    )


def _speed_limit(type_: SignType, value: str) -> Sign:
    return _sign(type_, "prohibition", Text(value, Box(126, 217, 448, 266)))


def _end_of_speed_limit(type_: SignType, value: str) -> Sign:
    return _sign(type_, "end", Text(value, Box(126, 217, 448, 266), GREY))


def _weight_limit(type_: SignType, value: str) -> Sign:
    return _sign(type_, "prohibition", Text(f"{value}т", Box(135, 228, 430, 244)))


def _height_limit(type_: SignType, value: str) -> Sign:
    return _sign(
        type_,
        "prohibition",
        Picture("height-limit", Box(290, 92, 120, 516)),
        Text(value.replace(".", ","), Box(150, 186, 400, 190)),
        Text("м", Box(285, 402, 130, 104)),
    )


_BEND = _sign("freq", "warning", Picture("bend-right", Box(325, 285, 215, 345)))
_NARROWING = _sign("freq", "warning", Picture("narrowing-right", Box(305, 290, 224, 340)))
_JUNCTION = _sign("freq", "warning", Picture("junction-right", Box(364, 260, 220, 370)))
_NO_TURN = _sign("freq", "prohibition-slash", Picture("turn-right", Box(190, 145, 340, 410)))
_PASS = _sign("freq", "mandatory", Picture("arrow-down-right", Box(85, 85, 480, 480), WHITE))
_TURN = _sign("freq", "mandatory", Picture("turn-right-from-edge", Box(190, 205, 430, 480), WHITE))
_PLATE_ARROW = _sign("freq", "plate", Picture("arrow-right"))
_CROSSING = (
    Picture("walker", Box(267, 170, 300, 420)),
    Picture("zebra", Box(222, 575, 390, 58)),
)

SIGNS: dict[str, Sign] = {
    "1.1": _sign("freq", "warning", Picture("fence", Box(262, 410, 310, 190))),
    "1.8": _sign("freq", "warning", Picture("traffic-light", Box(350, 235, 134, 400))),
    "1.11.1": _BEND,
    "1.11.2": _twin("rare", _BEND),
    "1.16": _sign("freq", "warning", Picture("rough-road", Box(147, 460, 540, 180))),
    "1.17": _sign("rare", "warning", Picture("hump", Box(167, 500, 500, 120))),
    "1.20.2": _NARROWING,
    "1.20.3": _twin("rare", _NARROWING),
    "1.22": _sign("freq", "warning", *_CROSSING),
    "2.1": _sign("freq", "priority"),
    "2.2": _sign("rare", "priority-end"),
    "2.3.2": _JUNCTION,
    "2.3.3": _twin("rare", _JUNCTION),
    "2.4": _sign("freq", "yield"),
    "2.5": _sign("freq", "stop", Text("STOP", colour=WHITE)),
    "3.1": _sign("freq", "no-entry", Picture("bar", Box(110, 282, 480, 136), WHITE)),
    "3.11.n5": _weight_limit("rare", "5"),
    "3.13.r4.5": _height_limit("freq", "4.5"),
    "3.18.1": _NO_TURN,
    "3.18.2": _twin("rare", _NO_TURN),
    "3.20": _sign(
        "freq",
        "prohibition",
        Picture("car-rear", Box(112, 255, 215, 205), RED),
        Picture("car-rear", Box(373, 255, 215, 205)),
    ),
    "3.24.n20": _speed_limit("freq", "20"),
    "3.24.n40": _speed_limit("freq", "40"),
    "3.24.n50": _speed_limit("rare", "50"),
    "3.24.n60": _speed_limit("freq", "60"),
    "3.25.n40": _end_of_speed_limit("rare", "40"),
    "3.27": _sign("freq", "no-stopping"),
    "3.28": _sign("rare", "no-parking"),
    "3.31": _sign("rare", "end"),
    "4.1.1": _sign(
        "freq", "mandatory", Picture("arrow-up-from-edge", Box(255, 70, 190, 640), WHITE)
    ),
    "4.1.2": _TURN,
    "4.1.3": _twin("rare", _TURN),
    "4.1.4": _sign(
        "freq", "mandatory", Picture("straight-or-right-from-edge", Box(225, 70, 390, 640), WHITE)
    ),
    "4.2.1": _PASS,
    "4.2.2": _twin("rare", _PASS),
    "5.19.1": _sign(
        "freq",
        "information",
        Picture("triangle-field", Box(50, 70, 600, 520), WHITE),
        Picture("walker", Box(210, 165, 280, 345)),
        Picture("zebra", Box(180, 510, 340, 55)),
    ),
    "5.20": _sign(
        "rare",
        "information",
        Picture("triangle-field", Box(50, 70, 600, 520), WHITE),
        Picture("hump", Box(150, 440, 400, 100)),
    ),
    "6.4": _sign("freq", "information", Text("P", Box(150, 100, 400, 500), WHITE)),
    "8.3.1": _PLATE_ARROW,
    "8.3.2": _twin("rare", _PLATE_ARROW),
}


def embedded_codes() -> tuple[str, ...]:
    """Codes of the signs that come with the package, in the order of the standard.

    Example:
        >>> embedded_codes()[:3]
        ('1.1', '1.8', '1.11.1')
    """
    return tuple(SIGNS)


def sign_types() -> dict[str, SignType]:
    """For every embedded code, whether the demo has real-looking training photos of it (`freq`).

    Example:
        >>> sign_types()["1.11.1"], sign_types()["1.11.2"]
        ('freq', 'rare')
    """
    return {code: sign.type for code, sign in SIGNS.items()}


def find_sign(code: str) -> Sign:
    """The row of the sign table for `code`.

    Raises:
        InputError: No embedded sign has this code; the hint names similar codes.

    Example:
        >>> find_sign("2.4").frame
        'yield'
    """
    if code not in SIGNS:
        near = difflib.get_close_matches(code, SIGNS, n=4, cutoff=0.5)
        hint = f"near ones are {', '.join(near)}" if near else "embedded_codes() lists all"
        raise InputError(f"no embedded sign has the code {code!r}", hint)
    return SIGNS[code]


@cache
def _pictogram(name: str) -> tuple[float, float, str]:
    """Width, height and inner SVG of pictograms/<name>.svg."""
    source = resources.files("raresign.embedded").joinpath("pictograms").joinpath(f"{name}.svg")
    text = source.read_text(encoding="utf-8")
    _, _, width, height = map(float, ElementTree.fromstring(text).attrib["viewBox"].split())
    inner = text[text.index(">") + 1 : text.rindex("</svg>")]
    return width, height, re.sub(r"\s+", " ", inner).strip()


def _layer_svg(layer: Picture | Text, frame: Frame) -> str:
    """One layer as SVG in the coordinates of its frame."""
    box = layer.box or frame.field
    if isinstance(layer, Text):
        return text_svg(layer.text, box, layer.colour)
    width, height, inner = _pictogram(layer.name)
    scale = min(box.width / width, box.height / height)
    x = box.left + (box.width - width * scale) / 2
    y = box.top + (box.height - height * scale) / 2
    flip = f"translate({frame.width} 0) scale(-1 1) " if layer.mirrored else ""
    place = f"{flip}translate({x:.2f} {y:.2f}) scale({scale:.4f})"
    return f'<g transform="{place}" color="{layer.colour}">{inner}</g>'


@cache
def sign_svg(code: str) -> str:
    """The sign as a self-contained SVG: paths only, no text elements, no references outside.

    Args:
        code: One of `embedded_codes()`.

    Raises:
        InputError: No embedded sign has this code.

    Example:
        >>> sign_svg("3.1").startswith("<svg")
        True
    """
    sign = find_sign(code)
    frame = FRAMES[sign.frame]
    contents = "".join(_layer_svg(layer, frame) for layer in sign.layers)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {frame.width} {frame.height}">'
        f'<clipPath id="face"><{frame.outline}/></clipPath>'
        f'{frame.back}<g clip-path="url(#face)">{contents}{frame.front}</g></svg>'
    )
