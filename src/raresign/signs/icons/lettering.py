"""Outlines of lettering in Source Sans, which is near the face of Russian road signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

from raresign.errors import InputError

if TYPE_CHECKING:
    from fontTools.ttLib import TTFont

ALIGNS = {"start": 0.0, "middle": 0.5, "end": 1.0}  # share of the room before the line
Weight = Literal["Semibold", "Bold"]
_Box = tuple[float, float, float, float]  # left, bottom, right, top in font units, y upwards


@dataclass(frozen=True)
class Slot:
    """A rectangle that lettering has to fit, in the coordinates of its drawing, y downwards.

    Args:
        left, top, width, height: The rectangle.
        align: Where the line stands if the rectangle is wider, one of `ALIGNS`.
        narrowest: How far letters may be narrowed, as a share of their width, to stay high.
    """

    left: float
    top: float
    width: float
    height: float
    align: str = "middle"
    narrowest: float = 1.0


@dataclass(frozen=True)
class Outline:
    """A line of lettering as a shape.

    Args:
        path: SVG path data in the coordinates of the slot.
        letter_height: Height of a capital letter or digit there.
    """

    path: str
    letter_height: float


_GAP = 60  # font units that a smaller unit stands off its value, besides its own side
# Source Sans' "1" without the bar that it stands on, as on road signs: outline, advance, bearing.
_ONE: dict[Weight, tuple[str, int, int]] = {
    "Semibold": ("M162 0V512H45V584Q93 593 127.5 605.5Q162 618 192 636H278V0Z", 353, 45),
    "Bold": ("M159 0V486H40V577Q92 587 128 601Q164 615 198 635H306V0Z", 368, 40),
}


@lru_cache(maxsize=1024)  # one text stands on a sign and its variants
def outline(
    text: str,
    slot: Slot,
    weight: Weight = "Semibold",
    *,
    sizes: tuple[float, ...] | None = None,
    hanging: bool = False,
    spacing: float = 0,
) -> Outline:
    """Set one line of text, as large as the slot allows.

    The line is as high as a capital letter, or higher where ink hangs lower (a comma) or stands
    higher (a round digit, by a hair), so no ink leaves the slot; `hanging` ink may do so below.

    Args:
        text: Has ink, so is not blank.
        slot: Has a positive width and height.
        weight: Of the face.
        sizes: Of each character beside the largest, all 1 unless given; they share a base line.
        hanging: A comma hangs below the slot: "5" and "5,5" are equally high.
        spacing: Between letters, besides their own, in heights of a capital.

    Raises:
        InputError: The font has no glyph for a character.

    Example:
        >>> slot = Slot(0, 0, 100, 70)
        >>> [round(outline(text, slot).letter_height) for text in ("5", "5,5", "5000")]
        [69, 54, 33]
    """
    names = [_glyph_name(character, text, weight) for character in text]
    sizes = (1.0,) * len(text) if sizes is None else sizes
    places, (left, bottom, right, top) = _line(names, sizes, weight, spacing * _capital(weight))
    bottom = 0.0 if hanging else bottom
    wide = slot.width / (right - left)
    high = min(wide / slot.narrowest, slot.height / (top - bottom))
    wide = min(wide, high)
    start = slot.left + ALIGNS[slot.align] * (slot.width - wide * (right - left))
    base_line = slot.top + (slot.height + high * (top + bottom)) / 2
    path = "".join(
        _glyph_path(
            name,
            weight,
            (wide * size, 0, 0, -high * size, start + wide * (place - left), base_line),
        )
        for name, size, place in zip(names, sizes, places, strict=True)
    )
    return Outline(path, high * _capital(weight))


def missing_letters(text: str) -> str:
    """The characters of a text that have no glyph, each once; blanks have no need of one.

    Example:
        >>> missing_letters("60 км/ч"), missing_letters("停 1 停")
        ('', '停')
    """
    known = _characters("Bold")
    return "".join(dict.fromkeys(one for one in text if one.strip() and ord(one) not in known))


def font_files() -> list[str]:
    """The files of Source Sans, regular and bold, upright and italic."""
    folder = files("font_source_sans_pro").joinpath("files")
    faces = ("Regular", "Semibold", "Bold", "It", "BoldIt")
    return [str(folder.joinpath(f"SourceSansPro-{face}.ttf")) for face in faces]


@cache
def _font(weight: Weight) -> TTFont:
    """The font that travels in the package font-source-sans-pro (SIL Open Font License 1.1).

    "1" is replaced; the licence allows it in a work that does not ship the font.
    """
    # Only catalogues with lettering pay for the imports.
    from fontTools.pens.ttGlyphPen import TTGlyphPen
    from fontTools.svgLib.path import parse_path
    from fontTools.ttLib import TTFont

    file = files("font_source_sans_pro").joinpath(f"files/SourceSansPro-{weight}.ttf")
    with file.open("rb") as stream:
        font = TTFont(stream, lazy=False)
    path, advance, bearing = _ONE[weight]
    pen = TTGlyphPen(None)
    parse_path(path, pen)
    font["glyf"]["one"] = pen.glyph()
    font["hmtx"]["one"] = (advance, bearing)
    return font


@cache
def _characters(weight: Weight) -> dict[int, str]:
    """Code point -> glyph name."""
    characters: dict[int, str] = _font(weight).getBestCmap()
    return characters


def _capital(weight: Weight) -> float:
    """Height of a capital letter in font units."""
    return float(_font(weight)["OS/2"].sCapHeight)


def _glyph_name(character: str, text: str, weight: Weight) -> str:
    """The glyph of a character; a missing one is the user's mistake."""
    name = _characters(weight).get(ord(character))
    if name is None:
        raise InputError(
            f"the font has no glyph for {character!r} of the text {text!r}",
            "use letters, digits and punctuation of European languages",
        )
    return name


@cache
def _glyph(name: str, weight: Weight) -> tuple[float, _Box | None]:
    """How far a glyph moves on, and its ink; a space has none."""
    from fontTools.pens.boundsPen import BoundsPen

    glyphs = _font(weight).getGlyphSet()
    pen = BoundsPen(glyphs)
    glyphs[name].draw(pen)
    return glyphs[name].width, pen.bounds


def _line(
    names: list[str], sizes: Sequence[float], weight: Weight, spacing: float
) -> tuple[list[float], _Box]:
    """Where each glyph of a line begins, and the line's ink, at least a capital letter high."""
    places: list[float] = []
    boxes: list[_Box] = []
    at, before, last = 0.0, 1.0, ""
    for name, size in zip(names, sizes, strict=True):
        advance, box = _glyph(name, weight)
        at += _GAP if size < before and last != "period" else 0
        places.append(at)
        if box is not None:
            boxes.append((at + size * box[0], size * box[1], at + size * box[2], size * box[3]))
        at += size * advance + spacing
        before, last = size, name
    left, bottom, right, top = zip(*boxes, strict=True)
    return places, (min(left), min(0.0, *bottom), max(right), max(_capital(weight), *top))


def _glyph_path(
    name: str, weight: Weight, transform: tuple[float, float, float, float, float, float]
) -> str:
    """SVG path data of a glyph under an affine transform (a, b, c, d, e, f)."""
    from fontTools.pens.svgPathPen import SVGPathPen
    from fontTools.pens.transformPen import TransformPen

    glyphs = _font(weight).getGlyphSet()
    pen = SVGPathPen(glyphs, ntos=lambda number: f"{number:.7g}")
    glyphs[name].draw(TransformPen(pen, transform))
    path: str = pen.getCommands()
    return path
