"""Crops that lie in folders of the user, shown small."""

from __future__ import annotations

import io
from functools import lru_cache

from PIL import Image, ImageOps

from raresign.studio.pictures import FORMATS, Box

_MOST_PIXELS = 80_000_000
_KEPT = 4096
_FRAMES = 2
_MARGIN = 0.1


@lru_cache(_KEPT)
def found_picture(path: str, box: Box | None, digest: str, side: int) -> bytes | None:
    """A crop as WebP, at most `side` pixels wide and high; None if it cannot be read now.

    Args:
        path: Its picture.
        box: The part of it, shown a little wider.
        digest: Of its content: a picture that was changed is read again.
        side: In pixels.
    """
    picture = _opened(path, digest)
    if picture is None:
        return None
    if box is not None:
        wide, high = _MARGIN * (box[2] - box[0]), _MARGIN * (box[3] - box[1])
        left, top = max(0, int(box[0] - wide)), max(0, int(box[1] - high))
        right = min(picture.width, max(left + 1, round(box[2] + wide)))
        bottom = min(picture.height, max(top + 1, round(box[3] + high)))
        if left >= right or top >= bottom:
            return None
        picture = picture.crop((left, top, right, bottom))
    scale = side / max(picture.size)
    size = tuple(max(1, round(scale * length)) for length in picture.size)
    file = io.BytesIO()
    picture.resize((size[0], size[1]), Image.Resampling.BICUBIC).save(file, "WEBP", quality=86)
    return file.getvalue()


@lru_cache(_FRAMES)
def _opened(path: str, digest: str) -> Image.Image | None:
    """A whole picture, upright RGB."""
    try:
        with Image.open(path, formats=FORMATS) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                return None
            upright = ImageOps.exif_transpose(picture)
            return (upright or picture).convert("RGB")
    except Exception:  # Pillow raises nearly any on rubbish
        return None
