"""Contact sheets: many crops on one picture, each with its caption."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

# One grey that sits well on a light and on a dark page.
_PAPER = (236, 236, 233)
_INK = (45, 48, 54)
_GAP = 6
_CAPTION_SIZE = 14
_CAPTION_HEIGHT = 20
# Crops smaller than this are enlarged by a whole factor, or captions would not fit.
_SMALLEST_TILE = 72


def contact_sheet(crops: npt.NDArray[np.uint8], columns: int, captions: list[str]) -> Image.Image:
    """Lay crops out in rows, left to right, with a caption under each.

    Args:
        crops: (N, 3, H, W) uint8, RGB; N may be 0. Crops narrower than 72 px are enlarged by the
            smallest whole factor that reaches it.
        columns: Tiles in a row.
        captions: N short texts, cut with "…" where they are wider than a tile.

    Example:
        >>> contact_sheet(np.zeros((5, 3, 80, 80), np.uint8), 3, list("abcde")).size
        (264, 218)
    """
    scale = max(1, math.ceil(_SMALLEST_TILE / max(1, crops.shape[3])))
    height, width = crops.shape[2] * scale, crops.shape[3] * scale
    row_height = height + _CAPTION_HEIGHT + _GAP
    columns = max(1, min(columns, len(crops)))
    rows = math.ceil(len(crops) / columns)
    sheet = Image.new("RGB", (columns * (width + _GAP) + _GAP, rows * row_height + _GAP), _PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(_CAPTION_SIZE)
    for index, crop in enumerate(crops):
        row, column = divmod(index, columns)
        left, top = _GAP + column * (width + _GAP), _GAP + row * row_height
        tile = Image.fromarray(np.ascontiguousarray(crop.transpose(1, 2, 0)))
        sheet.paste(tile.resize((width, height), Image.Resampling.BICUBIC), (left, top))
        text = _fitting(" ".join(captions[index].split()), width, font)
        middle = left + (width - font.getlength(text)) / 2
        draw.text((middle, top + height + 1), text, fill=_INK, font=font)
    return sheet


def _fitting(text: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """`text`, cut with an ellipsis until it is at most `width` pixels wide."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text.rstrip() + "…"
