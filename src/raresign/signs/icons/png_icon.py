"""Reads a PNG or JPEG icon; the flat border around an opaque sign becomes transparent."""

from __future__ import annotations

import io
import struct
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from raresign.errors import InputError
from raresign.files import read_bytes
from raresign.language.spoken import _

Mask = npt.NDArray[np.bool_]

JPEG_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif")
MAX_PIXELS = 4096 * 4096
MAX_BYTES = 128 << 20
FLAT_TOLERANCE = 16  # of 255, a channel; PNG written from a JPEG wobbles by about this much
JPEG_TOLERANCE = 40  # rings around the edges of a sign reach its border
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class IconWarning(UserWarning):
    """An icon was mended: it had no transparency of its own."""


def read_png(path: Path) -> Image.Image:
    """The PNG as straight-alpha RGBA, its flat border made transparent if it has no alpha.

    A file whose name says so may be a JPEG; it has no alpha.

    Raises:
        InputError: The file is missing, damaged, no PNG or JPEG, larger than 4096 x 4096 px, of one
            flat colour, or without alpha and without a flat border.
    """
    try:
        source = read_bytes(path, MAX_BYTES)
    except OSError as error:
        raise InputError(
            _("icon {path} cannot be read: {strerror}").format(path=path, strerror=error.strerror),
            _("check it"),
        ) from error
    # Before Pillow sees it, which would warn of large pictures; its message names no icon.
    width, height = struct.unpack(">II", source[16:24].ljust(8, b"\0"))
    if source.startswith(_SIGNATURE) and width * height > MAX_PIXELS:
        raise InputError(
            _("icon {path} is {width}x{height} px").format(path=path, width=width, height=height),
            _("256x256 px are enough"),
        )
    kind = "JPEG" if path.suffix.lower() in JPEG_SUFFIXES else "PNG"
    try:
        picture: Image.Image = Image.open(io.BytesIO(source), formats=(kind,))
    except (OSError, ValueError, SyntaxError) as error:
        problem = _("icon {path} is no readable {kind}: {error}").format(
            path=path, kind=kind, error=error
        )
        raise InputError(problem, _("export it again")) from error
    if picture.width * picture.height > MAX_PIXELS:
        size = f"{picture.width}x{picture.height}"
        raise InputError(
            _("icon {path} is {size} px").format(path=path, size=size), _("256x256 px are enough")
        )
    try:
        picture.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(
            _("icon {path} is damaged or cut off: {error}").format(path=path, error=error),
            _("copy it again"),
        ) from error
    has_alpha = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
    if picture.mode.startswith("I"):  # 16-bit grey: Pillow would clip, not scale, to 8 bits
        deep, hole = np.asarray(picture, dtype=np.int32), picture.info.get("transparency")
        alpha = np.where(deep == hole, 0, 255) if hole is not None else np.full_like(deep, 255)
        grey = Image.fromarray((deep >> 8).astype(np.uint8))
        picture = Image.merge("LA", (grey, Image.fromarray(alpha.astype(np.uint8))))
    picture = picture.convert("RGBA")
    if has_alpha and picture.getchannel("A").getextrema() != (255, 255):
        return picture
    tolerance = JPEG_TOLERANCE if kind == "JPEG" else FLAT_TOLERANCE
    return _cut_out(path, picture, has_alpha, tolerance)


def _cut_out(path: Path, picture: Image.Image, has_alpha: bool, tolerance: int) -> Image.Image:
    """An opaque picture with the flat grey, white to black, around the sign made transparent.

    A flat border of another colour is the ground of a rectangular sign, which stays as it is.
    """
    pixels = np.array(picture)
    rgb = pixels[..., :3].astype(np.int16)
    edge = np.concatenate((rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]))
    colour = np.median(edge, axis=0).astype(np.int16)
    is_flat = bool((np.abs(edge - colour) <= tolerance).all())
    is_grey = int(colour.max() - colour.min()) <= FLAT_TOLERANCE
    if has_alpha and not (is_flat and is_grey):
        return picture
    if not is_flat:
        raise InputError(
            _("icon {path} has no alpha and its border is not one flat colour").format(path=path),
            _("save it as PNG with a transparent background, or put a flat margin around the sign"),
        )
    around = flood_from_border((np.abs(rgb - colour) <= tolerance).all(axis=2))
    hexadecimal = "".join(f"{channel:02x}" for channel in colour)
    if around.all():
        raise InputError(
            _("icon {path} has one flat colour (#{hexadecimal}) and nothing on it").format(
                path=path, hexadecimal=hexadecimal
            ),
            _("draw what the sign shows"),
        )
    if not is_grey:  # the ground of a plate, whatever the file's mode
        return picture
    pixels[around] = 0
    warnings.warn(
        _(
            "icon {path} has no transparency: its flat border (#{hexadecimal}) was made transparent"
        ).format(path=path, hexadecimal=hexadecimal),
        IconWarning,
        stacklevel=4,
    )
    return Image.fromarray(pixels)


def flood_from_border(free: Mask) -> Mask:
    """The pixels of `free` that are joined to the border through `free` (4-neighbours)."""
    from scipy.ndimage import binary_propagation  # 0.3 s; answering needs none of it

    flooded: Mask = binary_propagation(np.zeros_like(free), mask=free, border_value=1)
    return flooded
