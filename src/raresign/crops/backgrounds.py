"""Loads background photos as arrays of at most a given side, never squashed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from raresign.crops.decode import UnreadableFile, decode_crop
from raresign.crops.layouts.labelling import first_names, warn_of_skipped
from raresign.crops.layouts.listing import existing_folder, pictures_under
from raresign.errors import InputError

_SMALLEST_SIDE = 16


def load_backgrounds(folder: str | Path, max_side: int = 256) -> list[npt.NDArray[np.uint8]]:
    """Load all photos under `folder`, ordered by path, reduced so that the longer side fits.

    The aspect is kept and nothing is enlarged. Photos that cannot be read, or whose shorter side is
    (or would become) less than 16 pixels, are skipped with one warning.

    Returns:
        One (H, W, 3) uint8 array a photo, at most `max_side` pixels long.

    Raises:
        InputError: The folder is missing or holds no usable photo, or `max_side` is below 16.
    """
    if max_side < _SMALLEST_SIDE:
        raise InputError(f"max_side {max_side} is below {_SMALLEST_SIDE} pixels", "use 256")
    folder = existing_folder(folder, "give a folder of background photos")
    photos: list[npt.NDArray[np.uint8]] = []
    skipped: list[str] = []
    for path in pictures_under(folder):
        try:
            photo = _reduced(decode_crop(path), max_side)
        except UnreadableFile as error:
            skipped.append(f"{path.name} ({error.reason})")
            continue
        if min(photo.size) < _SMALLEST_SIDE:
            skipped.append(f"{path.name} ({photo.width} x {photo.height} pixels is too small)")
            continue
        photos.append(np.asarray(photo, np.uint8))
    if not photos:
        why = f": {first_names(skipped)}" if skipped else ""
        raise InputError(f"{folder} holds no usable photo{why}", "put JPEG or PNG photos there")
    warn_of_skipped("photos", skipped, folder)
    return photos


def _reduced(photo: Image.Image, max_side: int) -> Image.Image:
    """The photo with its longer side at most `max_side`."""
    scale = max_side / max(photo.size)
    if scale >= 1:
        return photo
    width, height = (max(1, round(side * scale)) for side in photo.size)
    return photo.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
