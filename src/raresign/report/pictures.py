"""Pictures as data URIs, small enough that a report with hundreds of them stays one light file."""

from __future__ import annotations

import base64
import io
import warnings
from pathlib import Path

from PIL import Image

from raresign.crops.decode import UnreadableFile, decode_picture, read_file
from raresign.errors import InputError
from raresign.signs.icons.icon_file import load_icon

# Shown at 40 to 80 CSS px; twice that keeps them crisp on dense screens.
_ICON_SIDE = 96
_CROP_SIDE = 112
_SHEET_WIDTH = 1200


def data_uri(picture: Image.Image, quality: int = 82) -> str:
    """An RGB or RGBA picture as a WebP data URI.

    Example:
        >>> data_uri(Image.new("RGB", (4, 4)))[:23]
        'data:image/webp;base64,'
    """
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=quality, method=4)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def icon_uri(path: Path) -> str | None:
    """The icon of a class in its own shape, without transparent border; None if unreadable."""
    try:
        with warnings.catch_warnings():
            # Whoever trained the run has been told about icons without alpha.
            warnings.simplefilter("ignore", UserWarning)
            picture = Image.fromarray(load_icon(path))
    except (InputError, OSError):
        return None
    picture.thumbnail((_ICON_SIDE, _ICON_SIDE), Image.Resampling.LANCZOS)
    return data_uri(picture)


def crop_uri(path: Path) -> str | None:
    """A real crop; None if the file is gone or unreadable."""
    picture = _opened(path)
    if picture is None:
        return None
    picture.thumbnail((_CROP_SIDE, _CROP_SIDE), Image.Resampling.LANCZOS)
    return data_uri(picture)


def sheet_uri(path: Path) -> tuple[str, int, int] | None:
    """A contact sheet with its width and height in pixels; None if absent or unreadable."""
    picture = _opened(path)
    if picture is None:
        return None
    if picture.width > _SHEET_WIDTH:
        height = max(1, round(picture.height * _SHEET_WIDTH / picture.width))
        picture = picture.resize((_SHEET_WIDTH, height), Image.Resampling.LANCZOS)
    return data_uri(picture, quality=76), picture.width, picture.height


def _opened(path: Path) -> Image.Image | None:
    """The upright picture in `path`, or None: a report must not fail for one bad file."""
    try:
        return decode_picture(read_file(path), path)
    except UnreadableFile:
        return None
