"""Tells pictures that are far larger or wider than a crop of one sign: whole frames, likely."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from raresign.crops.crop_table import CropTable
from raresign.crops.decode import FORMATS

_SIDE = 480  # of a frame of the smallest cameras, 640 x 480
_LARGE = 1200  # a side that no crop has, whatever its shape
_WIDE = 1.25
"""How many times as wide as high a frame is: 4:3, 3:2 and 16:9 cameras are above."""
_LONG = 5.0
"""How many times as long as high no single sign is."""
_LOOKED_AT = 60
_MANY = 0.5


def is_frame_size(width: int, height: int) -> bool:
    """Whether a picture of this size is a whole frame rather than a crop of one sign.

    Example:
        >>> is_frame_size(1920, 1080), is_frame_size(640, 480), is_frame_size(600, 600)
        (True, True, False)
        >>> is_frame_size(90, 90), is_frame_size(700, 100)
        (False, True)
    """
    short, long = sorted((width, height))
    strip = long >= _LONG * short and long >= _SIDE
    return strip or short >= _LARGE or (short >= _SIDE and long >= _WIDE * short)


def frames_among(paths: Iterable[str | Path]) -> list[str]:
    """The pictures among files that are whole frames, with their size; unreadable ones are not.

    Returns:
        Such as "a.jpg (1920 x 1080 pixels)", in the order given.
    """
    found = []
    for path in paths:
        try:
            with Image.open(path, formats=FORMATS) as picture:  # its header alone
                width, height = picture.size
        except Exception:  # noqa: S112 - Pillow raises nearly any on rubbish, see `decode_picture`
            continue
        if is_frame_size(width, height):
            found.append(f"{path} ({width} x {height} pixels)")
    return found


def warn_of_frames(crops: CropTable | None) -> None:
    """Warn if half of the whole pictures of a table, of some that are looked at, are frames.

    Each would be learned, or measured, as if it were one sign, cut out.
    """
    if crops is None or not len(crops):
        return
    boxed = ~np.isnan(crops.boxes).any(axis=1) if crops.boxes is not None else None
    whole = np.flatnonzero((crops.labels >= 0) & (True if boxed is None else ~boxed))
    if not len(whole):
        return
    chosen = np.unique(np.linspace(0, len(whole) - 1, _LOOKED_AT).astype(int))
    frames = frames_among([crops.paths[row] for row in whole[chosen].tolist()])
    if len(frames) > _MANY * len(chosen):
        warnings.warn(
            f"{len(frames)} of {len(chosen)} pictures that were looked at are as large or wide as "
            f"whole frames, and each is taken for one sign, cut out: {frames[0]}; cut the signs "
            "out, or give their boxes",
            stacklevel=3,
        )
