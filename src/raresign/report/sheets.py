"""Contact sheets: many crops on one picture, each with an optional caption."""

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

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def contact_sheet(
    crops: npt.NDArray[np.uint8], columns: int, captions: list[str] | None = None
) -> Image.Image:
    """Lay crops out in rows, left to right, with a caption under each.

    Args:
        crops: `(N, 3, H, W)` uint8, RGB, N may be 0.
        columns: Tiles in a row, at least 1.
        captions: N short texts, cut with "…" where they are wider than a tile. None: no captions.

    Returns:
        An RGB picture of `ceil(N / columns)` rows. Crops narrower than 72 px are enlarged by the
        smallest whole factor that reaches it.

    Raises:
        ValueError: `crops` has another shape or type, `columns` is below 1, or the number of
            captions is not N.

    Example:
        >>> contact_sheet(np.zeros((5, 3, 80, 80), np.uint8), 3, captions=list("abcde")).size
        (264, 218)
    """
    if crops.ndim != 4 or crops.shape[1] != 3 or crops.dtype != np.uint8:
        raise ValueError(f"crops must be (N, 3, H, W) uint8, not {crops.shape} {crops.dtype}")
    if columns < 1:
        raise ValueError(f"columns must be at least 1, not {columns}")
    if captions is not None and len(captions) != len(crops):
        raise ValueError(f"{len(captions)} captions for {len(crops)} crops")

    scale = max(1, math.ceil(_SMALLEST_TILE / max(1, crops.shape[3])))
    height, width = crops.shape[2] * scale, crops.shape[3] * scale
    row_height = height + (_CAPTION_HEIGHT if captions is not None else 0) + _GAP
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
        if captions is not None:
            text = _fitting(_drawable(captions[index], font), width, font)
            middle = left + (width - font.getlength(text)) / 2
            draw.text((middle, top + height + 1), text, fill=_INK, font=font)
    return sheet


def _drawable(text: str, font: _Font) -> str:
    """`text` on one line, with "?" for what Pillow's fallback bitmap font cannot draw."""
    text = " ".join(text.split())
    if isinstance(font, ImageFont.FreeTypeFont):
        return text
    return text.encode("latin-1", "replace").decode("latin-1")


def _fitting(text: str, width: int, font: _Font) -> str:
    """`text`, cut with an ellipsis until it is at most `width` pixels wide."""
    if font.getlength(text) <= width:
        return text
    mark = "…" if isinstance(font, ImageFont.FreeTypeFont) else "."
    while text and font.getlength(text + mark) > width:
        text = text[:-1]
    return text.rstrip() + mark
