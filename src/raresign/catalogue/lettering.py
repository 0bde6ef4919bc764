"""Outlines of lettering in Source Sans Semibold, which is near the face of Russian road signs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

from raresign.errors import InputError

if TYPE_CHECKING:
    from fontTools.ttLib import TTFont

Align = Literal["start", "middle", "end"]
_Box = tuple[float, float, float, float]  # left, bottom, right, top in font units, y upwards


@dataclass(frozen=True)
class Slot:
    """A rectangle that lettering has to fit, in the coordinates of its drawing, y downwards."""

    left: float
    top: float
    width: float
    height: float
    align: Align = "middle"


@dataclass(frozen=True)
class Outline:
    """A line of lettering as a shape.

    Args:
        path: SVG path data in the coordinates of the slot.
        letter_height: Height of a capital letter or digit there.
    """

    path: str
    letter_height: float


def outline(text: str, slot: Slot) -> Outline:
    """Set one line of text, as large as the slot allows.

    The line is as high as a capital letter, or higher where ink hangs lower (a comma) or stands
    higher (a round digit, by a hair), so no ink leaves the slot.

    Args:
        text: Has ink, so is not blank.
        slot: Has a positive width and height.

    Raises:
        InputError: The font has no glyph for a character.

    Example:
        >>> slot = Slot(0, 0, 100, 70)
        >>> [round(outline(text, slot).letter_height) for text in ("5", "5,5", "5000")]
        [69, 54, 33]
    """
    names = [_glyph_name(character, text) for character in text]
    places, (left, bottom, right, top) = _line(names)
    scale = min(slot.width / (right - left), slot.height / (top - bottom))
    room = slot.width - scale * (right - left)
    start = slot.left + {"start": 0.0, "middle": room / 2, "end": room}[slot.align]
    base_line = slot.top + (slot.height + scale * (top + bottom)) / 2
    path = "".join(
        _glyph_path(name, start + scale * (place - left), base_line, scale)
        for name, place in zip(names, places, strict=True)
    )
    return Outline(path, scale * _font()["OS/2"].sCapHeight)


@cache
def _font() -> TTFont:
    """The font that travels in the package font-source-sans-pro (SIL Open Font License 1.1)."""
    # Only catalogues with templates pay for the import.
    from fontTools.ttLib import TTFont

    file = files("font_source_sans_pro").joinpath("files/SourceSansPro-Semibold.ttf")
    with file.open("rb") as stream:
        return TTFont(stream, lazy=False)


@cache
def _characters() -> dict[int, str]:
    """Code point -> glyph name."""
    characters: dict[int, str] = _font().getBestCmap()
    return characters


def _glyph_name(character: str, text: str) -> str:
    """The glyph of a character; a missing one is the user's mistake."""
    name = _characters().get(ord(character))
    if name is None:
        raise InputError(
            f"the font has no glyph for {character!r} of the text {text!r}",
            "use letters, digits and punctuation of European languages",
        )
    return name


@cache
def _glyph(name: str) -> tuple[float, _Box | None]:
    """How far a glyph moves on, and its ink; a space has none."""
    from fontTools.pens.boundsPen import BoundsPen

    glyphs = _font().getGlyphSet()
    pen = BoundsPen(glyphs)
    glyphs[name].draw(pen)
    return glyphs[name].width, pen.bounds


def _line(names: list[str]) -> tuple[list[float], _Box]:
    """Where each glyph of a line begins, and the line's ink, at least a capital letter high."""
    places: list[float] = []
    boxes: list[_Box] = []
    at = 0.0
    for name in names:
        advance, box = _glyph(name)
        places.append(at)
        if box is not None:
            boxes.append((at + box[0], box[1], at + box[2], box[3]))
        at += advance
    left, bottom, right, top = zip(*boxes, strict=True)
    return places, (
        min(left),
        min(0.0, *bottom),
        max(right),
        max(float(_font()["OS/2"].sCapHeight), *top),
    )


def _glyph_path(name: str, x: float, y: float, scale: float) -> str:
    """SVG path data of a glyph whose origin is at (x, y)."""
    from fontTools.pens.svgPathPen import SVGPathPen
    from fontTools.pens.transformPen import TransformPen

    glyphs = _font().getGlyphSet()
    pen = SVGPathPen(glyphs, ntos=lambda number: f"{number:.7g}")
    glyphs[name].draw(TransformPen(pen, (scale, 0, 0, -scale, x, y)))
    path: str = pen.getCommands()
    return path
