"""A photo of a sign plate, cut out with four corners, as an icon."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps

import raresign
from raresign.language.spoken import _, later
from raresign.studio.pictures import FORMATS

OUTLINES = {
    "plate": later("rectangle"),
    "disc": later("circle"),
    "triangle": later("triangle"),
    "yield": later("triangle on its point"),
    "diamond": later("diamond"),
    "octagon": later("octagon"),
}
_LEAST, _MOST = 32, 512
_SMOOTH = 4

Corners = Sequence[Sequence[float]]


def cut_plate(photo: Path, corners: Corners, outline: str) -> bytes:
    """The plate between four corners, seen from the front, as a PNG.

    Args:
        photo: A picture file.
        corners: x, y in pixels of the upright photo: upper left, upper right, lower right, lower
            left of the rectangle around the sign.
        outline: A key of `OUTLINES`: what outside of it is transparent.

    Raises:
        InputError: Corners that enclose nothing, another outline, or no readable picture.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "photo.png"
        >>> Image.new("RGB", (90, 90), "red").save(file)
        >>> icon = cut_plate(file, [(10, 10), (74, 10), (74, 74), (10, 74)], "disc")
        >>> picture = Image.open(io.BytesIO(icon))
        >>> picture.size, picture.getpixel((0, 0))[3], picture.getpixel((32, 32))
        ((64, 64), 0, (255, 0, 0, 255))
    """
    points = [(float(x), float(y)) for x, y in corners]
    sides = [math.dist(points[k], points[(k + 1) % 4]) for k in range(4)]
    if outline not in OUTLINES or _area(points) < 64 or min(sides) < 8:
        raise raresign.InputError(
            _("the four corners enclose no sign"),
            _("drag them to its corners: first upper left, then clockwise"),
        )
    try:
        with Image.open(photo, formats=FORMATS) as opened:
            upright = (ImageOps.exif_transpose(opened) or opened).convert("RGB")
    except Exception as error:  # Pillow raises nearly any on rubbish
        raise raresign.InputError(
            _("this is no picture that can be read"), _("give a PNG or a JPEG")
        ) from error
    width, height = (sides[0] + sides[2]) / 2, (sides[1] + sides[3]) / 2
    scale = min(1.0, _MOST / max(width, height))
    size = max(_LEAST, round(width * scale)), max(_LEAST, round(height * scale))
    if outline != "plate" and abs(size[0] - size[1]) < 0.25 * max(size):
        size = (max(size),) * 2
    plate = upright.transform(
        size, Image.Transform.PERSPECTIVE, _perspective(size, points), Image.Resampling.BICUBIC
    ).convert("RGBA")
    plate.putalpha(_mask(size, outline))
    file = io.BytesIO()
    plate.save(file, "PNG")
    return file.getvalue()


def _area(points: Sequence[tuple[float, float]]) -> float:
    """Of a polygon whose corners come clockwise on the screen; negative the other way round."""
    pairs = zip(points, [*points[1:], points[0]], strict=True)
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairs) / 2


def _perspective(size: tuple[int, int], points: Sequence[tuple[float, float]]) -> tuple[float, ...]:
    """The eight numbers that take a pixel of the plate to one of the photo."""
    width, height = size
    rows: list[list[float]] = []
    values: list[float] = []
    for (u, v), (x, y) in zip(
        [(0, 0), (width, 0), (width, height), (0, height)], points, strict=True
    ):
        rows += [[u, v, 1, 0, 0, 0, -u * x, -v * x], [0, 0, 0, u, v, 1, -u * y, -v * y]]
        values += [x, y]
    found = np.linalg.lstsq(np.array(rows, float), np.array(values, float), rcond=None)[0]
    numbers: list[float] = found.tolist()
    return tuple(numbers)


def _mask(size: tuple[int, int], outline: str) -> Image.Image:
    width, height = size[0] * _SMOOTH, size[1] * _SMOOTH
    mask = Image.new("L", (width, height), 255 if outline == "plate" else 0)
    draw = ImageDraw.Draw(mask)
    cut = 1 / (2 + math.sqrt(2))
    shapes: dict[str, list[tuple[float, float]]] = {
        "triangle": [(0.5, 0), (1, 1), (0, 1)],
        "yield": [(0, 0), (1, 0), (0.5, 1)],
        "diamond": [(0.5, 0), (1, 0.5), (0.5, 1), (0, 0.5)],
        "octagon": [
            *((cut, 0), (1 - cut, 0), (1, cut), (1, 1 - cut)),
            *((1 - cut, 1), (cut, 1), (0, 1 - cut), (0, cut)),
        ],
    }
    if outline == "disc":
        draw.ellipse((0, 0, width - 1, height - 1), fill=255)
    elif outline in shapes:
        draw.polygon([(x * (width - 1), y * (height - 1)) for x, y in shapes[outline]], fill=255)
    return mask.resize(size, Image.Resampling.BOX)
