"""The colours of road signs, by the names that pictograms and frames use."""

from __future__ import annotations

import re
from collections.abc import Mapping

# sRGB, set by eye between official icons and photographs of clean signs. The names are of SVG,
# so a pictogram also shows when it is opened alone; "field" is the ground of the frame.
PALETTE: Mapping[str, str] = {
    "red": "#d5121e",
    "blue": "#0b5cb4",
    "yellow": "#ffc900",
    "orange": "#ff7f00",
    "green": "#00923f",
    "greenyellow": "#cfe600",  # fluorescent film of boards
    "black": "#111111",
    "white": "#ffffff",
    "grey": "#7c7f82",
}
_PAINT = re.compile(r'\b(fill|stroke|color)="([a-z]+)"')


def painted(svg: str, field: str = "white", colour: str = "black") -> str:
    """SVG with colour values in the place of colour names.

    Args:
        svg: Its paints are names of `PALETTE`, `field`, `currentColor` or `none`.
        field, colour: The names that `field` and `currentColor` stand for.
    """
    svg = svg.replace("currentColor", colour)
    names = {**PALETTE, "field": PALETTE[field], "none": "none"}
    return _PAINT.sub(lambda match: f'{match[1]}="{names[match[2]]}"', svg)
