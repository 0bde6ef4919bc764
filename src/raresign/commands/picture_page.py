"""A page of pictures in labelled rows, for people to look at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

# One grey that sits well on a light and on a dark page.
_PAPER = (236, 236, 233)
_INK = (45, 48, 54)
_PALE = (105, 108, 114)
_GAP = 6
_TEXT, _TITLE = 14, 22
_SMALLEST_TILE = 64


@dataclass(frozen=True)
class Cell:
    """One picture (S, S, 3) of a row, or a gap, and a short text below."""

    pixels: npt.NDArray[np.uint8] | None
    caption: str = ""


@dataclass(frozen=True)
class Row:
    """A label, what it means, and its pictures."""

    label: str
    cells: Sequence[Cell]
    note: str = ""


def rows_of(cells: Sequence[Cell], across: int) -> list[Row]:
    """Cells in rows of at most `across`, without labels."""
    return [Row("", cells[k : k + across]) for k in range(0, len(cells), across)]


def draw_page(
    title: str,
    note: str,
    rows: Sequence[Row],
    columns: int = 1,
    headings: Sequence[tuple[int, str]] = (),
) -> Image.Image:
    """Draw rows below a title, one below the other, in one or more columns.

    Args:
        note: A sentence below the title.
        rows: At least one, with any number of cells; pictures narrower than 64 px are enlarged.
        columns: How many rows stand side by side.
        headings: (cell, text) above the first row of each column.

    Example:
        >>> grey = Cell(np.full((80, 80, 3), 128, np.uint8))
        >>> draw_page("Greys", "", [Row("grey", [grey, grey])]).width > 160
        True
    """
    font, small, large = (ImageFont.load_default(size) for size in (_TEXT, _TEXT - 2, _TITLE))
    side = next(len(cell.pixels) for row in rows for cell in row.cells if cell.pixels is not None)
    tile = side * max(1, math.ceil(_SMALLEST_TILE / side))
    captioned = any(cell.caption for row in rows for cell in row.cells)
    lengths = [max(font.getlength(row.label), small.getlength(row.note)) for row in rows]
    label_width = math.ceil(max(lengths))
    label_width += 2 * _GAP if label_width else 0
    row_height = max(tile + (_TEXT + 4 if captioned else 0), 2 * _TEXT + 8) + _GAP
    most = max(len(row.cells) for row in rows)
    block_width = label_width + (tile + _GAP) * most + 2 * _GAP
    down = math.ceil(len(rows) / columns)
    columns = math.ceil(len(rows) / down)
    below_title = _GAP + (_TITLE + 8 if title else 0)
    top = below_title + (_TEXT + 8 if note else 0) + (_TEXT + 6 if headings else 0)
    width = max(
        columns * block_width + _GAP,
        math.ceil(max(large.getlength(title), font.getlength(note))) + 3 * _GAP,
    )
    page = Image.new("RGB", (width, top + down * row_height + _GAP), _PAPER)
    draw = ImageDraw.Draw(page)
    draw.text((2 * _GAP, _GAP), title, fill=_INK, font=large)
    draw.text((2 * _GAP, below_title), note, fill=_PALE, font=font)
    for column in range(columns):
        left = _GAP + column * block_width + label_width
        for at, text in headings:
            draw.text((left + at * (tile + _GAP), top - _TEXT - 6), text, fill=_INK, font=font)
    for k, row in enumerate(rows):
        column, line = divmod(k, down)
        left, upper = 2 * _GAP + column * block_width, top + line * row_height
        middle = upper + tile / 2 - (_TEXT / 2 + 2) * (2 if row.note else 1)
        draw.text((left, middle), row.label, fill=_INK, font=font)
        draw.text((left, middle + _TEXT + 4), row.note, fill=_PALE, font=small)
        for step, cell in enumerate(row.cells):
            if cell.pixels is None:
                continue
            x = left - _GAP + label_width + step * (tile + _GAP)
            picture = Image.fromarray(np.ascontiguousarray(cell.pixels))
            page.paste(picture.resize((tile, tile), Image.Resampling.BICUBIC), (x, upper))
            shift = (tile - small.getlength(cell.caption)) / 2
            draw.text((x + shift, upper + tile + 1), cell.caption, fill=_PALE, font=small)
    return page
