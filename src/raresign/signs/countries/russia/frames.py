"""The bare sign faces of GOST R 52290: shape, rim and border.

All lengths are millimetres of size II signs (triangles of side 900, discs and squares of 700);
y points down.
"""

from __future__ import annotations

from raresign.signs.drawing.parts import Frame
from raresign.signs.drawing.shapes import (
    diamond,
    disc,
    filled,
    octagon,
    outlined,
    rectangle,
    triangle,
)

_RIM = 10  # the white edge outside a coloured border
_BORDER = 68  # outer edge of the sign to the inner edge of a red border
_RED_RING = outlined(disc((_BORDER + _RIM) / 2), "red", _BORDER - _RIM)


def _slashes(path: str) -> str:
    """Red bars with white edges along an SVG path of straight lines; the ring hides their ends."""
    line = f'd="{path}" fill="none"'
    return (
        f'<path {line} stroke="white" stroke-width="68"/>'
        f'<path {line} stroke="red" stroke-width="47"/>{_RED_RING}'
    )


def _ring(front: str = "", ground: str = "field", edge: str = "") -> Frame:
    """Red ring with a white rim, and perhaps a white `edge` inside."""
    back = filled(disc(), "white") + filled(disc(_RIM), "red") + edge
    return Frame(
        700, 700, disc(), back + filled(disc(_BORDER + (10 if edge else 0)), ground), front
    )


def _stripes(half_length: float, pitch: float, width: float) -> str:
    """Five black lines from the lower left to the upper right: the end of a rule."""
    lines = "".join(f"M{-half_length:g} {k * pitch:g}H{half_length:g}" for k in range(-2, 3))
    place = 'transform="translate(350 350) rotate(-45)"'
    return f'<g {place}><path d="{lines}" stroke="black" stroke-width="{width:g}"/></g>'


def _triangle_frame(turn: str = "") -> Frame:
    """Red triangle; `turn` is an SVG transform attribute or nothing."""
    back = (
        filled(triangle(), "white")
        + filled(triangle(_RIM, 36), "red")
        + filled(triangle(_BORDER, 10), "field")
    )
    return Frame(834, 735, f"{triangle()} {turn}", f"<g {turn}>{back}</g>")


def _diamond_frame(front: str = "") -> Frame:
    """The yellow diamond of main roads, 700 mm from corner to corner."""
    back = (
        filled(diamond(256, 28), "white")
        + outlined(diamond(246, 22), "black", 7)
        + outlined(diamond(161, 34), "black", 8)
        + filled(diamond(157, 30), "yellow")
    )
    return Frame(700, 700, diamond(256, 28), back, front)


def _blue(width: int, height: int, rim: float = 17, window: str = "") -> Frame:
    """Blue plate with a white rim, and perhaps a white window."""
    back = (
        filled(rectangle(width, height), "white")
        + filled(rectangle(width, height, rim, 45), "blue")
        + window
    )
    return Frame(width, height, rectangle(width, height), back)


def _white(width: int, height: int, inset: float = 0, line: float = 12) -> Frame:
    """White plate with a black line along its edge or `inset` mm inside."""
    back = filled(rectangle(width, height), "field") + outlined(
        rectangle(width, height, inset + line / 2, 45), "black", line
    )
    return Frame(width, height, rectangle(width, height), back)


_WINDOW = filled('rect x="66" y="176" width="568" height="568" rx="40"', "white")

FRAMES: dict[str, Frame] = {
    "warning": _triangle_frame(),
    "yield": _triangle_frame('transform="rotate(180 417 367.5)"'),
    "stop": Frame(700, 700, octagon(), filled(octagon(), "white") + filled(octagon(17), "red")),
    "priority": _diamond_frame(),
    "priority-end": _diamond_frame(_stripes(246, 18, 8)),
    "prohibition": _ring(),
    "prohibition-slash": _ring(_slashes("M140 140L560 560")),
    "no-parking": _ring(_slashes("M140 140L560 560"), "blue", filled(disc(_BORDER), "white")),
    "no-stopping": _ring(
        _slashes("M140 140L560 560M560 140L140 560"), "blue", filled(disc(_BORDER), "white")
    ),
    "no-entry": Frame(700, 700, disc(), filled(disc(), "white") + filled(disc(20), "red")),
    "end": Frame(
        700,
        700,
        disc(),
        filled(disc(), "field") + outlined(disc(15), "black", 14),
        _stripes(326, 25, 11),
    ),
    "mandatory": Frame(700, 700, disc(), filled(disc(), "white") + filled(disc(20), "blue")),
    "blue-square": _blue(700, 700),
    "blue-upright": _blue(700, 1050),
    "blue-2x1": _blue(1400, 700, 20),
    "blue-3x1": _blue(1050, 350),
    "blue-3x1-slim": _blue(1050, 350, 10),
    "service": _blue(700, 1050, window=_WINDOW),  # a white window above a blue foot
    "plate": _white(700, 350, 0, 12),
    "plate-upright": _white(350, 700, 0, 12),
    "plate-square": _white(700, 700, 0, 12),
    "white-upright": _white(700, 1050, 10, 13),
    "white-3x1": _white(1050, 350, 10, 10),
    "board": Frame(
        960, 960, rectangle(960, 960, corner=60), filled(rectangle(960, 960, corner=60), "field")
    ),
}
