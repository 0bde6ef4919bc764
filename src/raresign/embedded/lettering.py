"""Road-face lettering: glyphs drawn as strokes, set on one line and fitted into a slot."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from raresign.embedded.frames import Box
from raresign.errors import InputError


@cache
def _face() -> dict[str, Any]:
    """The content of digits.json: cap height, stroke weight, gap and glyphs."""
    source = resources.files("raresign.embedded").joinpath("digits.json")
    face: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    return face


def text_width(text: str) -> float:
    """Width of one line of `text` where capitals are 100 high.

    Args:
        text: Characters of digits.json: the ten digits, a decimal comma and a few letters.

    Raises:
        InputError: A character has no glyph.

    Example:
        >>> text_width("40") > text_width("4")
        True
    """
    face = _face()
    missing = sorted(set(text) - set(face["glyphs"]))
    if missing or not text:
        raise InputError(
            f"no glyph for {missing} in the sign text {text!r}",
            f"use {''.join(face['glyphs'])} or draw the glyph in digits.json",
        )
    widths = [float(face["glyphs"][character]["width"]) for character in text]
    return sum(widths) + float(face["gap"]) * (len(text) - 1)


def text_svg(text: str, slot: Box, colour: str) -> str:
    """SVG paths of `text`, as large as the slot allows and centred in it.

    The stroke keeps its share of the letter height, as in the road face of GOST R 52290, annex B.

    Args:
        text: See `text_width`.
        slot: Capitals never leave it; a comma hangs a sixth of their height below.
        colour: Any SVG colour.

    Raises:
        InputError: A character has no glyph.

    Example:
        >>> text_svg("5", Box(0, 0, 60, 100), "#000").count("<path")
        1
    """
    face, width = _face(), text_width(text)
    scale = min(slot.height / face["cap_height"], slot.width / width)
    left = slot.left + (slot.width - width * scale) / 2
    top = slot.top + (slot.height - face["cap_height"] * scale) / 2
    paths, x = "", 0.0
    for character in text:
        glyph = face["glyphs"][character]
        paths += f'<path transform="translate({x:g} 0)" d="{glyph["line"]}"/>'
        x += glyph["width"] + face["gap"]
    return (
        f'<g transform="translate({left:.2f} {top:.2f}) scale({scale:.4f})" fill="none" '
        f'stroke="{colour}" stroke-width="{face["weight"]}">{paths}</g>'
    )
