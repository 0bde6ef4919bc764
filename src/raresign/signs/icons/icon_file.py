"""Reads one icon, PNG, JPEG or SVG, as a square RGBA picture of the sign alone."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from raresign.errors import InputError
from raresign.files import read_bytes
from raresign.language.spoken import _
from raresign.signs.icons.kept_drawings import kept_drawing
from raresign.signs.icons.png_icon import JPEG_SUFFIXES, read_png
from raresign.signs.icons.svg_guard import DRAWN_TEXT, MAX_BYTES, svg_bytes
from raresign.signs.icons.svg_renderer import MAX_SIDE, draw_svg
from raresign.signs.icons.templates import read_icon_svg

Pixels = npt.NDArray[np.uint8]

ICON_SUFFIXES = (".png", ".svg", *JPEG_SUFFIXES)
MIN_SIDE = 8
_SVG_SIDE = 64


def icon_files(folder: str | Path) -> dict[str, list[Path]]:
    """The icon files of a folder by the exact class code in their names.

    Args:
        folder: Holds `<code>.png|.svg|.jpg` and `<code>@<variant>.png|...`; others are ignored.

    Returns:
        Class code -> files, those without variant first, each group by name.

    Raises:
        InputError: The folder is missing or holds no icon.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name in ("1.1.png", "1.10.png", "1.1@old.svg"):
        ...     (folder / name).touch()
        >>> [path.name for path in icon_files(folder)["1.1"]]
        ['1.1.png', '1.1@old.svg']
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(
            _("there is no folder {folder}").format(folder=folder),
            _("put one <code>.png a class there, or: raresign catalogue gost --export DATA"),
        )
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir(), key=lambda path: ("@" in path.stem, path.name)):
        if path.suffix.lower() in ICON_SUFFIXES and path.is_file():
            found.setdefault(path.stem.partition("@")[0], []).append(path)
    if not found:
        raise InputError(
            _("{folder} holds no PNG, JPEG or SVG").format(folder=folder),
            _("put one icon a class there: <code>.png"),
        )
    return found


def load_icon(path: str | Path, size: int | None = None, code: str | None = None) -> Pixels:
    """Read an icon: transparent border trimmed, then squashed to a square.

    A sign's icon must say where the sign ends. An opaque picture is accepted if its outermost
    pixels are one flat colour: of a grey (white to black), what is joined to them becomes
    transparent, with an `IconWarning`; another colour is the ground of a rectangular sign and
    stays. An opaque RGBA file with any other border is kept as it is, too.

    Args:
        path: A PNG, SVG or JPEG file.
        size: Side of the result in pixels; `None` keeps the trimmed picture's own size and
            aspect (an SVG is drawn with its shorter side at 64 px or a little more).
        code: The class whose value the text slots of an SVG template show; without it, or if
            the file is not named by the beginning of it, they stay empty.

    Returns:
        (size, size, 4) uint8, RGBA, straight alpha; RGB is 0 where alpha is 0.
        With `size=None`: (height, width, 4).

    Raises:
        InputError: The file is missing, unreadable, of another type, smaller than 8 px, larger
            than 4096 x 4096 px, fully transparent or without alpha and without a flat border; an
            SVG that `read_svg` refuses or that is too slow to draw; a template whose slots do not
            fit the value.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "2.1.svg"
        >>> head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20">'
        >>> _ = path.write_text(head + '<path d="M10 0L20 10L10 20L0 10z" fill="gold"/></svg>')
        >>> icon = load_icon(path, 32)
        >>> icon.shape, icon[16, 16].tolist(), int(icon[0, 0, 3])
        ((32, 32, 4), [255, 215, 0, 255], 0)
    """
    path = Path(path)
    if size is not None and size < 1:
        raise InputError(f"icon size {size}", "give at least 1 px")
    if path.suffix.lower() == ".svg" and path.is_file():
        with suppress(OSError):  # told below
            content = hashlib.sha256(read_bytes(path, MAX_BYTES)).hexdigest()
            return kept_drawing((path.name, content, size, code), lambda: _load(path, size, code))
    return _load(path, size, code)


def _load(path: Path, size: int | None, code: str | None) -> Pixels:
    """The same, drawn now."""
    if path.is_dir():
        raise InputError(_("icon {path} is a folder").format(path=path), _("give an icon file"))
    if path.suffix.lower() == ".svg":
        picture = _drawn_sign(path, size or _SVG_SIDE, code)
    elif path.suffix.lower() in ICON_SUFFIXES:
        picture = _sign_alone(path, read_png(path))
    else:
        raise InputError(
            _("icon {path} is no PNG, JPEG or SVG").format(path=path),
            _("convert it to PNG with alpha"),
        )
    if min(picture.size) < MIN_SIDE:
        raise InputError(
            _("icon {path} is {width}x{height} px without its transparent border").format(
                path=path, width=picture.width, height=picture.height
            ),
            _("use an icon of at least {side}x{side} px, better 128x128").format(side=MIN_SIDE),
        )
    if size is not None:
        # Pillow resizes RGBA with premultiplied alpha, so hidden colours do not bleed in.
        picture = picture.resize((size, size), Image.Resampling.LANCZOS)
    pixels = np.array(picture, dtype=np.uint8)
    pixels[pixels[..., 3] == 0] = 0
    return pixels


def _drawn_sign(path: Path, size: int, code: str | None) -> Image.Image:
    """The sign of an SVG without its transparent border, each side at least `size` px."""
    root, source = read_icon_svg(path, code), f"icon {path}"
    svg, text = svg_bytes(root), root.get(DRAWN_TEXT) is not None
    side = 2 * size  # resvg smooths edges in few steps; halved, they are right to 1 level of 255
    picture = _sign_alone(path, draw_svg(svg, side, source, text))
    if min(picture.size) < size:  # a wide margin, or a long sign: draw it larger, not blurred
        side = min(side * size // min(picture.size) + 1, MAX_SIDE)
        picture = _sign_alone(path, draw_svg(svg, side, source, text))
    return picture


def _sign_alone(path: Path, picture: Image.Image) -> Image.Image:
    """The picture without its transparent border."""
    box = picture.getchannel("A").getbbox()
    if box is None:
        raise InputError(
            _("icon {path} is fully transparent").format(path=path), _("draw the sign opaque")
        )
    return picture.crop(box)


def without_border(icon: Pixels) -> Pixels:
    """A view of the (H, W, 4) icon's rows and columns with a pixel of at least half alpha."""
    opaque = icon[..., 3] >= 128
    rows, columns = np.flatnonzero(opaque.any(axis=1)), np.flatnonzero(opaque.any(axis=0))
    return icon[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def on_grey(picture: npt.NDArray[Any], grey: float = 128.0) -> npt.NDArray[Any]:
    """(..., 3) RGB in 0..255: a straight-alpha RGBA picture, (..., 4) float in 0..255, on grey."""
    alpha = picture[..., 3:] / 255
    seen: npt.NDArray[Any] = picture[..., :3] * alpha + grey * (1 - alpha)
    return seen
