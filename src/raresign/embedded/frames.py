"""The bare sign faces of GOST R 52290: shape, rim, colours and the place left for a pictogram.

All lengths are millimetres of size II signs (discs and squares 700 mm); y points down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

RED = "#d5121e"
BLUE = "#0b5cb4"
YELLOW = "#ffc900"
BLACK = "#111111"
WHITE = "#ffffff"
GREY = "#7c7f82"

_RIM = 12  # the white edge outside the coloured border
_BORDER = 80  # outer edge of the sign to the inner edge of a red border


@dataclass(frozen=True)
class Box:
    """A rectangle: left edge, top edge, width and height in mm.

    Example:
        >>> Box(10, 20, 100, 50).width
        100
    """

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Frame:
    """A sign face without its meaning.

    Args:
        width: Of the drawing, mm.
        height: Of the drawing, mm.
        outline: SVG shape that clips the contents (no fill).
        back: SVG drawn under the contents.
        field: Where contents go that name no place of their own.
        front: SVG drawn over the contents: the slash of a ban, the stripes of an end.

    Example:
        >>> FRAMES["mandatory"].width
        700
    """

    width: int
    height: int
    outline: str
    back: str
    field: Box
    front: str = ""


def _shape(tag: str, paint: str) -> str:
    """The SVG element `tag` (written without its end) with paint attributes."""
    return f"<{tag} {paint}/>"


def _disc(inset: float) -> str:
    return f'circle cx="350" cy="350" r="{350 - inset:g}"'


def _rectangle(width: float, height: float, inset: float, corner: float) -> str:
    return (
        f'rect x="{inset:g}" y="{inset:g}" width="{width - 2 * inset:g}" '
        f'height="{height - 2 * inset:g}" rx="{max(corner - inset, 0):g}"'
    )


def _octagon(inset: float) -> str:
    """Regular octagon 700 mm between opposite sides."""
    apothem = 350 - inset
    radius = apothem / math.cos(math.pi / 8)
    angles = [math.pi * (2 * k + 1) / 8 for k in range(8)]
    corners = (f"{350 + radius * math.cos(a):.1f},{350 + radius * math.sin(a):.1f}" for a in angles)
    return f'polygon points="{" ".join(corners)}"'


def _triangle(inset: float, corner: float) -> str:
    """Equilateral triangle with round corners as a path; in a drawing of 834 x 735 mm."""
    inner = 260 - inset - corner  # inradius of the triangle through the corners' centres
    cos30, sin30 = math.cos(math.pi / 6), 0.5
    centres = [(417, 475 - 2 * inner), (417 + 2 * inner * cos30, 475 + inner)]
    centres.append((417 - 2 * inner * cos30, 475 + inner))
    normals = [(-cos30, -sin30), (cos30, -sin30), (0.0, 1.0)]  # of left, right and bottom side
    path = ""
    for (x, y), before, after in zip(centres, normals, normals[1:] + normals[:1], strict=True):
        path += f"{'L' if path else 'M'}{x + corner * before[0]:.1f} {y + corner * before[1]:.1f}"
        path += f"A{corner} {corner} 0 0 1 "
        path += f"{x + corner * after[0]:.1f} {y + corner * after[1]:.1f}"
    return f'path d="{path}Z"'


def _fill(colour: str) -> str:
    return f'fill="{colour}"'


def _slashes(path: str) -> str:
    """Red bars with white edges along an SVG path of straight lines."""
    line = f'd="{path}" fill="none"'
    return (
        f'<path {line} stroke="{WHITE}" stroke-width="74"/>'
        f'<path {line} stroke="{RED}" stroke-width="54"/>'
    )


def _ring(inner: str) -> str:
    """Red ring with a white rim around a disc of colour `inner`."""
    return (
        _shape(_disc(0), _fill(WHITE))
        + _shape(_disc(_RIM), _fill(RED))
        + _shape(_disc(_BORDER - 10), _fill(WHITE))
        + _shape(_disc(_BORDER), _fill(inner))
    )


def _ring_over(slashes: str) -> str:
    """Slashes, then the ring again so that their ends vanish under it."""
    ring = f'fill="none" stroke="{RED}" stroke-width="{_BORDER - 10 - _RIM}"'
    return slashes + _shape(_disc((_BORDER - 10 + _RIM) / 2), ring)


def _stripes(half_length: float) -> str:
    """Five black lines from the lower left to the upper right: the end of a rule."""
    low, high = -half_length, half_length
    lines = "".join(f"M{low:g} {y}H{high:g}" for y in (-48, -24, 0, 24, 48))
    place = 'transform="translate(350 350) rotate(-45)"'
    return f'<g {place}><path d="{lines}" stroke="{BLACK}" stroke-width="11"/></g>'


def _turned(shape: str, paint: str) -> str:
    """A shape of the 700 mm square standing on its corner."""
    return f'<g transform="rotate(45 350 350)">{_shape(shape, paint)}</g>'


_FULL_DISC = Box(150, 150, 400, 400)
_SLASH = _slashes("M142 142L558 558")
_BAN = Frame(700, 700, _disc(0), _ring(WHITE), _FULL_DISC)
_NO_STOPPING = _ring_over(_slashes("M142 142L558 558M558 142L142 558"))


def _diamond_square(half: float, corner: float) -> str:
    return (
        f'rect x="{350 - half:g}" y="{350 - half:g}" width="{2 * half:g}" '
        f'height="{2 * half:g}" rx="{corner:g}"'
    )


_PRIORITY = (
    _turned(_diamond_square(259, 40), _fill(BLACK))
    + _turned(_diamond_square(248, 30), _fill(WHITE))
    + _turned(_diamond_square(158, 36), f'fill="{YELLOW}" stroke="{BLACK}" stroke-width="10"')
)
_WARNING = (
    _shape(_triangle(0, 45), _fill(WHITE))
    + _shape(_triangle(_RIM, 36), _fill(RED))
    + _shape(_triangle(_BORDER, 10), _fill(WHITE))
)
_UPSIDE_DOWN = 'transform="rotate(180 417 367.5)"'
_SQUARE = _rectangle(700, 700, 0, 45)
_PLATE = _rectangle(700, 350, 0, 45)

FRAMES: dict[str, Frame] = {
    "warning": Frame(834, 735, _triangle(0, 45), _WARNING, Box(277, 300, 280, 320)),
    "yield": Frame(
        834,
        735,
        f"{_triangle(0, 45)} {_UPSIDE_DOWN}",
        f"<g {_UPSIDE_DOWN}>{_WARNING}</g>",
        Box(277, 115, 280, 320),
    ),
    "stop": Frame(
        700,
        700,
        _octagon(0),
        _shape(_octagon(0), _fill(WHITE)) + _shape(_octagon(16), _fill(RED)),
        Box(62, 236, 576, 228),
    ),
    "priority": Frame(700, 700, _diamond_square(350, 0), _PRIORITY, Box(230, 230, 240, 240)),
    "priority-end": Frame(
        700,
        700,
        _diamond_square(350, 0),
        _PRIORITY,
        Box(230, 230, 240, 240),
        _stripes(212),
    ),
    "prohibition": _BAN,
    "prohibition-slash": Frame(700, 700, _disc(0), _BAN.back, _FULL_DISC, _ring_over(_SLASH)),
    "no-entry": Frame(
        700,
        700,
        _disc(0),
        _shape(_disc(0), _fill(WHITE)) + _shape(_disc(_RIM), _fill(RED)),
        _FULL_DISC,
    ),
    "no-parking": Frame(700, 700, _disc(0), _ring(BLUE), _FULL_DISC, _ring_over(_SLASH)),
    "no-stopping": Frame(700, 700, _disc(0), _ring(BLUE), _FULL_DISC, _NO_STOPPING),
    "end": Frame(
        700,
        700,
        _disc(0),
        _shape(_disc(0), _fill(WHITE))
        + _shape(_disc(16), f'fill="none" stroke="{BLACK}" stroke-width="12"'),
        _FULL_DISC,
        _stripes(334),
    ),
    "mandatory": Frame(
        700,
        700,
        _disc(0),
        _shape(_disc(0), _fill(WHITE)) + _shape(_disc(20), _fill(BLUE)),
        _FULL_DISC,
    ),
    "information": Frame(
        700,
        700,
        _SQUARE,
        _shape(_SQUARE, _fill(WHITE)) + _shape(_rectangle(700, 700, 18, 45), _fill(BLUE)),
        Box(90, 90, 520, 520),
    ),
    "plate": Frame(
        700,
        350,
        _PLATE,
        _shape(_PLATE, _fill(WHITE))
        + _shape(_rectangle(700, 350, 11, 45), f'fill="none" stroke="{BLACK}" stroke-width="14"'),
        Box(18, 60, 664, 230),
    ),
}
