"""Notices picture files whose bytes are more or fewer than their header says."""

from __future__ import annotations

import struct

from PIL import Image
from PIL.ImageFile import ImageFile

_CONVERTED = "its line ends were converted (0A became 0D 0A); copy the original in binary mode"
_COMPRESSED = ("JPEG", "WEBP", "GIF", "AVIF")
_FEWEST_ENDS = 4


def length_problem(data: bytes, picture: Image.Image) -> str:
    """What is wrong with the length of a picture file, "" if nothing is known to be.

    A file that was copied as text is longer than it says: in a PPM the colours of all pixels behind
    the first such byte rotate, and no decoder notices.

    Args:
        data: The file.
        picture: What Pillow opened it as; need not be loaded.

    Example:
        >>> import io
        >>> data = b"P6 2 1 255 " + bytes(6)
        >>> opened = Image.open(io.BytesIO(data))
        >>> length_problem(data, opened), length_problem(data + b"!", opened)[:33]
        ('', 'its pixels are 7 bytes, its heade')
    """
    if picture.format == "PPM" and isinstance(picture, ImageFile):
        return _netpbm(data, picture)
    if picture.format == "BMP":
        return _bmp(data, picture)
    ends = data.count(b"\n")
    converted = ends >= _FEWEST_ENDS and ends == data.count(b"\r\n")
    return _CONVERTED if picture.format in _COMPRESSED and converted else ""


def _netpbm(data: bytes, picture: ImageFile) -> str:
    """Binary PBM, PGM and PPM have no padding: every byte counts."""
    kind = data[:2]
    if kind not in (b"P4", b"P5", b"P6"):
        return ""
    start = picture.tile[0].offset
    if kind == b"P4":
        row = (picture.width + 7) // 8
    else:
        highest = int(data[:start].split()[-1])
        row = picture.width * (3 if kind == b"P6" else 1) * (2 if highest > 255 else 1)
    return _difference(len(data) - start, row * picture.height, data)


def _bmp(data: bytes, picture: Image.Image) -> str:
    """A BMP says how long it is; writers that left that out, or said nonsense, are let pass."""
    said, start, header = struct.unpack_from("<I4xII", data, 2)
    if header < 40:  # of OS/2, whose fields lie elsewhere
        return ""
    depth = struct.unpack_from("<H", data, 28)[0]
    needed = start + (picture.width * depth + 31) // 32 * 4 * picture.height
    return _difference(len(data), said, data) if said >= needed else ""


def _difference(found: int, said: int, data: bytes) -> str:
    """The difference in words."""
    if found == said:
        return ""
    why = _CONVERTED if found > said and b"\r\n" in data else "it is damaged; copy it again"
    return f"its pixels are {found} bytes, its header says {said}: {why}"
