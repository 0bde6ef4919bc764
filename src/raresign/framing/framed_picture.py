"""Cuts a picture to a box, which may reach beyond it, and squashes that to a square."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

REDUCING_GAP = 3.0  # a large crop is first box-reduced to 3x the target: fast, hardly visible
WHOLE = (0.0, 0.0, 1.0, 1.0)
"""The box of a whole picture: middle x and y, half width and half height; edges are at -1 and 1."""


def framed(
    picture: Image.Image, size: int, box: Sequence[float] | npt.NDArray[np.float32] = WHOLE
) -> npt.NDArray[np.uint8]:
    """(3, size, size) uint8: the part of an RGB picture in `box`, squashed to a square.

    Antialiased: Lanczos if either side shrinks (Pillow widens the filter with the scale, so nothing
    aliases; it keeps thin strokes of a sign sharper than bicubic), bicubic if none does (Lanczos
    would ring around the coarse pixels of a tiny crop). Beyond the picture its edge pixels go on.

    Args:
        picture: RGB.
        size: Side of the result in pixels.
        box: Middle x and y, half width and half height, in units in which the picture runs from -1
            to 1 both ways.

    Example:
        >>> framed(Image.new("RGB", (30, 20), (255, 0, 0)), 8, (0.5, 0, 0.25, 1.2)).shape
        (3, 8, 8)
    """
    width, height = picture.size
    x, y, half_width, half_height = (float(value) for value in box)
    left, right = (x - half_width + 1) / 2 * width, (x + half_width + 1) / 2 * width
    top, bottom = (y - half_height + 1) / 2 * height, (y + half_height + 1) / 2 * height
    beyond = [-left, -top, right - width, bottom - height]
    if max(beyond) > 0:
        reach = 3 * max(1.0, (right - left) / size, (bottom - top) / size)  # of the filter
        beyond = [math.ceil(side + reach) if side > 0 else 0 for side in beyond]
        picture = _with_more_edge(picture, beyond)
        left, right, top, bottom = (
            side + beyond[k] for side, k in ((left, 0), (right, 0), (top, 1), (bottom, 1))
        )
    if (left, top, right, bottom) != (0, 0, size, size) or picture.size != (size, size):
        shrinks = max(right - left, bottom - top) > size
        how = Image.Resampling.LANCZOS if shrinks else Image.Resampling.BICUBIC
        part = (left, top, min(right, picture.width), min(bottom, picture.height))
        picture = picture.resize((size, size), how, box=part, reducing_gap=REDUCING_GAP)
    crop: npt.NDArray[np.uint8] = np.asarray(picture, np.uint8).transpose(2, 0, 1)
    return crop


def _with_more_edge(picture: Image.Image, beyond: Sequence[float]) -> Image.Image:
    """The picture with its edge pixels repeated left, top, right and bottom."""
    left, top, right, bottom = map(int, beyond)
    across = np.arange(-left, picture.width + right)
    down = np.arange(-top, picture.height + bottom)
    pixels = np.asarray(picture).take(down, axis=0, mode="clip").take(across, axis=1, mode="clip")
    return Image.fromarray(pixels)
