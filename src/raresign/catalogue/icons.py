"""Reads one icon, PNG or SVG, as a square RGBA picture of the sign alone."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import resvg_py
from PIL import Image

from raresign.errors import InputError

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

ICON_SUFFIXES = (".png", ".svg")
MIN_SIDE = 8
MAX_PIXELS = 4096 * 4096
MAX_SVG_BYTES = 4 * 2**20
MAX_SVG_ELEMENTS = 50_000
FLAT_TOLERANCE = 16  # of 255, a channel; PNG written from a JPEG wobbles by about this much
_SVG_SIDE = 512
_REFERRING = {"image", "feImage", "use"}


class IconWarning(UserWarning):
    """An icon was mended: it had no transparency of its own."""


def icon_files(folder: str | Path) -> dict[str, list[Path]]:
    """The icon files of a folder by the exact class code in their names.

    Args:
        folder: Holds `<code>.png|.svg` and `<code>@<variant>.png|.svg`; other files are ignored.

    Returns:
        Class code -> files, those without variant first, each group by name.

    Raises:
        InputError: The folder is missing or holds no PNG or SVG.

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
        raise InputError(f"there is no folder {folder}", "put one icon a class there: <code>.png")
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir(), key=lambda path: ("@" in path.stem, path.name)):
        if path.suffix.lower() in ICON_SUFFIXES and path.is_file():
            found.setdefault(path.stem.partition("@")[0], []).append(path)
    if not found:
        raise InputError(f"{folder} holds no PNG or SVG", "put one icon a class there: <code>.png")
    return found


def load_icon(path: str | Path, size: int | None = None) -> Pixels:
    """Read an icon: transparent border trimmed, then squashed to a square.

    A sign's icon must say where the sign ends. An opaque picture without alpha is accepted if
    its outermost pixels are one flat colour: what is joined to them becomes transparent, with an
    `IconWarning`. An RGBA file that is opaque everywhere is treated likewise if that colour is a
    grey (white to black); else it is a rectangular sign and kept as it is.

    Args:
        path: A PNG or SVG file.
        size: Side of the result in pixels; `None` keeps the trimmed picture's own size and
            aspect (an SVG is drawn with its longer side at 512 px).

    Returns:
        (size, size, 4) uint8, RGBA, straight alpha; RGB is 0 where alpha is 0.
        With `size=None`: (height, width, 4).

    Raises:
        InputError: The file is missing, unreadable, truncated, of another type, smaller than
            8 px, larger than 4096 x 4096 px, fully transparent, without alpha and without a flat
            border, or an SVG that refers to other files.

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
    if path.suffix.lower() == ".svg":
        picture = _draw_svg(path, min(max(_SVG_SIDE, 2 * (size or 0)), 4096))
    elif path.suffix.lower() == ".png":
        picture = _read_png(path)
    else:
        raise InputError(f"icon {path} is neither PNG nor SVG", "convert it to PNG with alpha")
    box = picture.getchannel("A").getbbox()
    if box is None:
        raise InputError(f"icon {path} is fully transparent", "draw the sign opaque")
    picture = picture.crop(box)
    if min(picture.size) < MIN_SIDE:
        raise InputError(
            f"icon {path} is {picture.width}x{picture.height} px without its transparent border",
            f"use an icon of at least {MIN_SIDE}x{MIN_SIDE} px, better 128x128",
        )
    if size is not None:
        # Pillow resizes RGBA with premultiplied alpha, so hidden colours do not bleed in.
        picture = picture.resize((size, size), Image.Resampling.LANCZOS)
    pixels = np.array(picture, dtype=np.uint8)
    pixels[pixels[..., 3] == 0] = 0
    return pixels


def _draw_svg(path: Path, side: int) -> Image.Image:
    """The SVG drawn to fit a box of `side` px, straight-alpha RGBA."""
    source = _file_bytes(path)
    if len(source) > MAX_SVG_BYTES:
        raise InputError(
            f"icon {path} is an SVG of {len(source)} bytes", f"simplify it below {MAX_SVG_BYTES}"
        )
    try:
        text = source.decode("utf-8-sig")
        elements = list(ElementTree.fromstring(text).iter())
    except (UnicodeDecodeError, ElementTree.ParseError, ValueError, RecursionError) as error:
        raise InputError(f"icon {path} is a broken SVG: {error}", "export it again") from error
    if len(elements) > MAX_SVG_ELEMENTS:
        raise InputError(f"icon {path} has {len(elements)} SVG elements", "simplify the drawing")
    for element in elements:
        _refuse_outside_files(path, element)
    has_text = any(_local_name(element.tag) == "text" for element in elements)
    try:
        # With both sides given, resvg fits the drawing into the box and keeps its aspect.
        drawn = resvg_py.svg_to_bytes(
            svg_string=text, width=side, height=side, skip_system_fonts=not has_text
        )
        picture = Image.open(io.BytesIO(bytes(drawn)))
        picture.load()
    except (ValueError, OSError) as error:
        raise InputError(f"icon {path} is a broken SVG: {error}", "export it again") from error
    return picture.convert("RGBA")


def _refuse_outside_files(path: Path, element: ElementTree.Element) -> None:
    """resvg would read the file that an `image` names; an icon must carry all of itself."""
    if _local_name(element.tag) not in _REFERRING:
        return
    for name, value in element.attrib.items():
        if _local_name(name) == "href" and not value.strip().startswith(("#", "data:")):
            raise InputError(
                f"icon {path} refers to another file ({value[:80]!r})", "embed it in the SVG"
            )


def _local_name(name: object) -> str:
    """An XML name without its namespace; comments and instructions have none."""
    return name.rpartition("}")[2] if isinstance(name, str) else ""


def _read_png(path: Path) -> Image.Image:
    """The PNG as straight-alpha RGBA, its flat border made transparent if it has no alpha."""
    source = _file_bytes(path)
    try:
        # Pillow only warns below twice its own limit; our limit is lower and always an error.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture: Image.Image = Image.open(io.BytesIO(source), formats=("PNG",))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"icon {path} is no readable PNG: {error}", "export it again") from error
    if picture.width * picture.height > MAX_PIXELS:
        raise InputError(
            f"icon {path} is {picture.width}x{picture.height} px", "256x256 px are enough"
        )
    try:
        picture.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"icon {path} is damaged or cut off: {error}", "copy it again") from error
    has_alpha = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
    if picture.mode.startswith("I"):  # 16-bit grey: Pillow would clip, not scale, to 8 bits
        picture = Image.fromarray((np.asarray(picture, dtype=np.int32) >> 8).astype(np.uint8))
    picture = picture.convert("RGBA")
    if has_alpha and picture.getchannel("A").getextrema() != (255, 255):
        return picture
    return _cut_out(path, picture, has_alpha)


def _cut_out(path: Path, picture: Image.Image, has_alpha: bool) -> Image.Image:
    """An opaque picture with the flat colour around the sign made transparent."""
    pixels = np.array(picture)
    rgb = pixels[..., :3].astype(np.int16)
    edge = np.concatenate((rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]))
    colour = np.median(edge, axis=0).astype(np.int16)
    is_flat = bool((np.abs(edge - colour) <= FLAT_TOLERANCE).all())
    is_grey = int(colour.max() - colour.min()) <= FLAT_TOLERANCE
    if has_alpha and not (is_flat and is_grey):
        return picture
    if not is_flat:
        raise InputError(
            f"icon {path} has no alpha and its border is not one flat colour",
            "save it as PNG with a transparent background, or put a flat margin around the sign",
        )
    around = flood_from_border((np.abs(rgb - colour) <= FLAT_TOLERANCE).all(axis=2))
    pixels[around] = 0
    hexadecimal = "".join(f"{channel:02x}" for channel in colour)
    warnings.warn(
        f"icon {path} has no transparency: its flat border (#{hexadecimal}) was made transparent",
        IconWarning,
        stacklevel=4,
    )
    return Image.fromarray(pixels)


def flood_from_border(free: Mask) -> Mask:
    """The pixels of `free` that are joined to the picture's border through `free` (4-neighbours).

    Args:
        free: (H, W) bool, where the flood may go.

    Returns:
        (H, W) bool.

    Example:
        >>> free = np.ones((5, 5), dtype=bool)
        >>> free[1:4, 1:4] = False
        >>> free[2, 2] = True
        >>> int(flood_from_border(free).sum()), bool(flood_from_border(free)[2, 2])
        (16, False)
    """
    reached: Mask = free.copy()
    reached[1:-1, 1:-1] = False
    count = -1
    while count != (count := int(reached.sum())):
        reached = _fill_runs(free, reached)
        reached = _fill_runs(free.T, reached.T).transpose()
    return reached


def _fill_runs(free: Mask, reached: Mask) -> Mask:
    """Spread `reached` along each row over the whole run of `free` that it touches."""
    walls = ~free
    walls[:, 0] = True  # a new row begins a new run, whatever stands there
    run = np.cumsum(walls.ravel()).reshape(free.shape)
    touched = np.zeros(int(run.max()) + 1, dtype=np.bool_)
    touched[run[reached]] = True
    return np.logical_and(free, touched[run])


def _file_bytes(path: Path) -> bytes:
    """The file's content; a missing or unreadable file is the user's mistake."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"icon {path} cannot be read: {error.strerror}", "check it") from error
