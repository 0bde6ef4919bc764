"""Rasterises drawn signs with resvg, without fonts and without the network; each picture once."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from raresign.errors import InputError
from raresign.signs.countries.registry import standard


def render_sign(
    code: str, width: int, variant: str = "", signs: str = "gost"
) -> npt.NDArray[np.uint8]:
    """A drawn sign as a picture.

    Args:
        code: Class code; see `Standard.svg`.
        width: Pixels, 1..4096; the height follows from the sign's shape.
        variant: One of `Standard.variants_of(code)`.
        signs: Name of the standard.

    Returns:
        (H, width, 4) uint8 RGBA, straight alpha, read-only (shared between calls).

    Raises:
        InputError: No such sign, variant or standard, or another width.

    Example:
        >>> render_sign("4.1.1", 64).shape
        (64, 64, 4)
    """
    if not 1 <= width <= 4096:
        raise InputError(f"a sign {width} px wide", "ask for 1..4096")
    return _rendered(standard(signs).svg(code, variant), width)


@lru_cache(maxsize=512)
def _rendered(svg: str, width: int) -> npt.NDArray[np.uint8]:
    """The picture behind `render_sign`."""
    import resvg_py  # not there where a model only answers

    png = resvg_py.svg_to_bytes(svg_string=svg, width=width, skip_system_fonts=True)
    picture = np.array(Image.open(io.BytesIO(png)).convert("RGBA"))
    picture.flags.writeable = False
    return picture
