"""Crops framed otherwise: scaled and shifted windows, as another detector would have cut them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from raresign.crops.crop_table import CropTable
from raresign.crops.decode import UnreadableFile, decode_picture, read_file, whole_box
from raresign.errors import InputError

SCALES = (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4)
"""Factors of the visible width that a sweep tries."""
SHIFTS = (0.05, 0.10, 0.15)
"""Shares of the width and height that a sweep moves the window by."""
_DIRECTIONS = ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, -1), (-1, 1), (1, 1))


class Reframing(NamedTuple):
    """One other window: its scale, then its shift to the right and down, in shares of the crop."""

    scale: float = 1.0
    across: float = 0.0
    down: float = 0.0


UNCHANGED = Reframing()


def sweep_reframings(shifts: Sequence[float] = SHIFTS) -> tuple[Reframing, ...]:
    """What a sweep tries: every scale, then every shift left, right, up, down and diagonally.

    Example:
        >>> windows = sweep_reframings(shifts=[0.15])
        >>> len(windows), windows[0].scale, windows[-1]
        (17, 0.6, Reframing(scale=1.0, across=0.15, down=0.15))
    """
    scaled = [Reframing(scale) for scale in SCALES]
    moved = [Reframing(1.0, amount * x, amount * y) for amount in shifts for x, y in _DIRECTIONS]
    return (*scaled, *moved)


def reframed(
    picture: Image.Image,
    scale: float,
    shift: tuple[float, float] = (0.0, 0.0),
    box: tuple[int, int, int, int] | None = None,
) -> Image.Image:
    """The picture in a window of another size and place, at native resolution.

    Where the window reaches over the picture, its edge pixels are repeated.

    Args:
        picture: RGB: the crop; or the frame that `box` lies in, whose own pixels then fill the
            window.
        scale: Width and height of the window, as a factor of the crop's: below 1 the central part,
            above 1 a wider margin.
        shift: How far the window moves to the right and down, in shares of the crop's width and
            height; what the crop shows moves the other way.
        box: left, top, right, bottom in whole pixels, the last two exclusive.

    Raises:
        InputError: `scale` is not above 0, or a number is not finite.

    Example:
        >>> crop = Image.new("RGB", (20, 10))
        >>> reframed(crop, 0.6).size, reframed(crop, 1.4, (0.1, 0.0)).size
        ((12, 6), (28, 14))
    """
    if not (all(map(math.isfinite, (scale, *shift))) and scale > 0):
        raise InputError(f"scale {scale}, shift {shift}", "give a scale above 0 and finite shifts")
    left, top, right, bottom = box or (0, 0, *picture.size)
    columns = _line(left, right, scale, shift[0], picture.width)
    rows = _line(top, bottom, scale, shift[1], picture.height)
    x, y = int(columns[0]), int(rows[0])
    inner = picture.crop((x, y, int(columns[-1]) + 1, int(rows[-1]) + 1))
    if inner.size == (len(columns), len(rows)):
        return inner
    return Image.fromarray(np.asarray(inner)[(rows - y)[:, None], columns - x])


def _line(first: int, last: int, scale: float, shift: float, length: int) -> np.ndarray:
    """The pixels of a window along one side: `first` to `last` scaled and shifted, (n,) int64."""
    side = last - first
    count = max(1, math.floor(scale * side + 0.5))
    start = first + math.floor((side - count) / 2 + shift * side + 0.5)
    return np.clip(np.arange(start, start + count), 0, length - 1)


def reframed_rows(
    table: CropTable, windows: Sequence[Reframing]
) -> Iterator[tuple[int, list[Image.Image]]]:
    """Every row that can be read with its crop in each of the windows, decoded once.

    Crops with a box get their margin from the frame. The pictures are RGB at native resolution:
    whoever answers turns them into crops of its own size, as it does with a user's pictures.
    """
    opened: Path | None = None
    for row, path in enumerate(table.paths):
        box = None if table.boxes is None else table.boxes[row]
        try:
            if path != opened:
                opened = None
                picture = decode_picture(read_file(path), path)
                opened = path
            whole = whole_box(picture, box, path)
        except UnreadableFile:
            continue
        yield row, [reframed(picture, one.scale, one[1:], whole) for one in windows]
