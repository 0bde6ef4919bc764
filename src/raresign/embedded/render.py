"""Rasterises the embedded signs with resvg, without fonts and without the network."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
import resvg_py
from PIL import Image

from raresign.embedded.frames import FRAMES
from raresign.embedded.signs import find_sign, sign_svg


@cache
def _rendered(code: str, width: int) -> np.ndarray:
    """The read-only picture behind `render_sign`."""
    png = resvg_py.svg_to_bytes(svg_string=sign_svg(code), width=width, skip_system_fonts=True)
    picture = np.array(Image.open(io.BytesIO(png)).convert("RGBA"))
    picture.flags.writeable = False
    return picture


def render_sign(code: str, width: int) -> np.ndarray:
    """Draw an embedded sign.

    Args:
        code: One of `embedded_codes()`.
        width: Pixels; the height follows from the sign's shape.

    Returns:
        (H, width, 4) uint8 RGBA, straight alpha, read-only (shared between calls).

    Raises:
        InputError: No embedded sign has this code.

    Example:
        >>> render_sign("4.1.1", 64).shape
        (64, 64, 4)
    """
    find_sign(code)
    return _rendered(code, width)


def sign_size(code: str) -> tuple[float, float]:
    """Width and height of the drawing in metres, as it hangs on a road of category II.

    Raises:
        InputError: No embedded sign has this code.

    Example:
        >>> sign_size("4.1.1")
        (0.7, 0.7)
    """
    frame = FRAMES[find_sign(code).frame]
    return frame.width / 1000, frame.height / 1000
