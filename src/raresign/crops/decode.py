"""Turns a picture file of any common kind into an upright RGB picture, or tells why it cannot."""

from __future__ import annotations

import io
import math
import stat
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from raresign.crops.file_length import length_problem
from raresign.files import read_bytes
from raresign.language.spoken import later

FORMATS = ("PNG", "JPEG", "PPM", "WEBP", "BMP", "TIFF", "GIF", "AVIF")
MAX_PIXELS = 80_000_000  # below Pillow's own line of 89 million, where it starts to warn
LARGE_PIXELS = 16_000_000
"""Pictures beyond this, half a gigabyte while they are decoded, come one at a time."""
_UNREAD = (".heic", ".heif", ".jxl", ".jp2", ".svg")
MID_GREY = (128, 128, 128, 255)
_EXIF_ORIENTATION = 0x0112


class UnreadableFile(Exception):  # noqa: N818 (it is a finding about a file, not a fault of code)
    """A file that is no readable picture, and why in words for the user; packing skips its rows."""

    def __init__(self, path: str | Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = Path(path)
        self.reason = reason


def decode_crop(
    path: str | Path, box: Sequence[float] | npt.NDArray[np.float64] | None = None
) -> Image.Image:
    """Decode a picture to upright RGB and cut out `box`.

    PNG, JPEG, PPM, WebP, BMP, AVIF, and the first picture of a TIFF or GIF; grey, palette, 1-bit,
    16-bit (its high byte), CMYK. Transparency is laid on mid grey (128). The EXIF orientation is
    applied before the box is cut.

    Args:
        path: The picture file.
        box: x0, y0, x1, y1 in pixels of the upright picture, x1 and y1 exclusive; widened to whole
            pixels and clipped to the picture. None or NaN = the whole picture.

    Raises:
        UnreadableFile: The file is missing, empty, truncated, longer than its header says, no
            picture or too large, or the box lies outside the picture.
    """
    return cut_box(decode_picture(read_file(path), path), box, path)


def read_file(path: str | Path) -> bytes:
    """The bytes of a file; UnreadableFile if it cannot be read, is a pipe or empty, or is huge."""
    try:
        data = read_bytes(path)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or later("cannot be read")
        raise UnreadableFile(path, reason) from error
    if not data:
        raise UnreadableFile(path, later("the file is empty"))
    return data


_one_large = threading.Lock()


def decode_picture(
    data: bytes, path: str | Path, held: ExitStack | None = None, most: int = MAX_PIXELS
) -> Image.Image:
    """Decode the bytes of a whole picture file to upright RGB; `path` names it in errors.

    A picture of more than `most` pixels is refused before it is decoded.

    However many threads decode, of the pictures beyond `LARGE_PIXELS` only one is in memory: the
    next one waits until `held`, which whoever reduces the picture closes then, is closed.
    """
    # Pillow's readers raise nearly any exception on rubbish (SyntaxError, IndexError, struct.error,
    # zlib.error, ...), and whatever they raise, this file is what is unreadable.
    try:
        with ExitStack() as own:
            picture = _opened(data, path, most)
            if problem := length_problem(data, picture):
                raise UnreadableFile(path, problem)
            if picture.width * picture.height > LARGE_PIXELS:
                (own if held is None else held).enter_context(_one_large)
            picture.load()
            return upright_rgb(picture)
    except UnreadableFile:
        raise
    except Exception as error:
        raise UnreadableFile(path, f"broken picture: {str(error)[:200]}") from error


def upright_rgb(picture: Image.Image) -> Image.Image:
    """A picture of any mode as files are decoded: its EXIF orientation applied, mode RGB."""
    if _orientation(picture) > 1:
        picture = ImageOps.exif_transpose(picture)
    return _as_rgb(picture)


def cut_box(
    picture: Image.Image,
    box: Sequence[float] | npt.NDArray[np.float64] | None,
    path: str | Path,
    more: float = 0.0,
) -> Image.Image:
    """Cut `box` out of an upright picture, as `decode_crop` does; `path` names it in errors.

    `more` is what is cut beyond it on each side as a share of its own side.
    """
    whole = whole_box(picture, box, path, more)
    return picture if whole is None else picture.crop(whole)


def whole_box(
    picture: Image.Image,
    box: Sequence[float] | npt.NDArray[np.float64] | None,
    path: str | Path,
    more: float = 0.0,
) -> tuple[int, int, int, int] | None:
    """`box` widened to whole pixels and clipped to the picture; None for the whole picture."""
    if box is None or any(math.isnan(side) for side in box):
        return None
    if box[0] >= picture.width or box[1] >= picture.height or box[2] <= 0 or box[3] <= 0:
        shown, size = ", ".join(f"{side:g}" for side in box), f"{picture.width} x {picture.height}"
        raise UnreadableFile(path, f"the box ({shown}) lies outside the picture of {size} pixels")
    wide, high = more * (box[2] - box[0]), more * (box[3] - box[1])
    left, top = max(0, math.floor(box[0] - wide)), max(0, math.floor(box[1] - high))
    right = min(picture.width, math.ceil(box[2] + wide))
    bottom = min(picture.height, math.ceil(box[3] + high))
    return left, top, right, bottom


def picture_header(path: str | Path) -> tuple[int, int, int]:
    """Width and height of a picture as it is stored, and its EXIF orientation (1 to 8).

    Only the header is read, where the format allows.

    Raises:
        UnreadableFile: The file is missing, empty or no picture.
    """
    try:
        found = Path(path).stat()
        if not stat.S_ISREG(found.st_mode):
            raise UnreadableFile(path, later("it is no file"))
        if not found.st_size:
            raise UnreadableFile(path, later("the file is empty"))
        with open(path, "rb") as file:  # noqa: PTH123 (half the cost of Path.open)
            picture = _opened(file, path)
            # Pillow decodes a whole PNG to see whether EXIF stands behind its pixels.
            plain = picture.format == "PNG" and not _has_exif(file)
            turned = 1 if plain else _orientation(picture)
            return picture.width, picture.height, turned if 1 <= turned <= 8 else 1
    except UnreadableFile:
        raise
    except (OSError, ValueError) as error:
        raise UnreadableFile(path, getattr(error, "strerror", None) or "cannot be read") from error
    except Exception as error:  # as in decode_picture
        raise UnreadableFile(path, f"broken picture: {str(error)[:200]}") from error


def _has_exif(file: BinaryIO) -> bool:
    """Whether a PNG has a chunk that may hold an orientation."""
    file.seek(0)
    data = file.read()
    return any(mark in data for mark in (b"eXIf", b"Raw profile type", b"com.adobe.xmp"))


def _opened(data: bytes | BinaryIO, path: str | Path, most: int = MAX_PIXELS) -> Image.Image:
    """Open the header; refuse what is no picture and decompression bombs."""
    file = io.BytesIO(data) if isinstance(data, bytes) else data
    try:
        picture = Image.open(file, formats=FORMATS)
    except UnidentifiedImageError as error:
        raise UnreadableFile(path, _no_picture(path)) from error
    if picture.width * picture.height > most:
        size = f"{picture.width} x {picture.height}"
        raise UnreadableFile(path, f"{size} pixels are more than the limit of {most}")
    return picture


def _no_picture(path: str | Path) -> str:
    """Why a file is no picture that can be read."""
    if Path(path).suffix.lower() in _UNREAD:
        return f"{Path(path).suffix} pictures cannot be read; convert them to PNG or JPEG"
    return later(
        "no PNG, JPEG, PPM, WebP, BMP, TIFF, GIF or AVIF picture (or its header is broken)"
    )


def _orientation(picture: Image.Image) -> int:
    """The EXIF orientation, 1 (upright) if there is none."""
    try:
        value = picture.getexif().get(_EXIF_ORIENTATION, 1)
    except Exception:  # rubbish in the metadata does not make the pixels unreadable
        return 1
    return value if isinstance(value, int) else 1


def _as_rgb(picture: Image.Image) -> Image.Image:
    """Any mode to RGB: 16 bits to their high byte, transparency onto mid grey."""
    if picture.mode.startswith("I"):  # 16-bit grey, which Pillow would clip at 255
        deep = np.asarray(picture)
        high = np.empty(deep.shape, np.uint8)
        for row in range(len(deep)):  # a row at a time: 80 megapixels of int32 are 320 MB
            high[row] = deep[row].astype(np.int64).clip(0, 0xFFFF) >> 8
        return Image.fromarray(high).convert("RGB")
    if picture.mode == "F":
        raise ValueError("floating-point pixels are not supported")
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        ground = Image.new("RGBA", rgba.size, MID_GREY)
        return Image.alpha_composite(ground, rgba).convert("RGB")
    return picture if picture.mode == "RGB" else picture.convert("RGB")
