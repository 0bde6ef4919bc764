"""Says which family, shape x colour, a sign belongs to, by its icon."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from raresign.signs.icons.icon_file import Pixels, without_border
from raresign.signs.icons.png_icon import Mask

_SIDE = 64  # the icon is judged at this size; a border of a sign is then 3 to 6 px thick
_COMMON = 0.25  # share of the pixels from which on a colour counts
_SQUARE_ASPECT = 1.18  # longer side over shorter; plates of GOST begin at 1.5


def family_of_icon(icon: Pixels) -> str:
    """The family computed from the icon: shape of its alpha mask x colours of border and field.

    The mask is compared (intersection over union) with ideal shapes in the unit square. The colour
    is the commonest one in a band along the outline, whatever the shape: depth in the mask over
    the depth of its middle, so the white or black outermost line of a sign does not count. Where
    the border is black, it is the commonest one of the ground inside.

    Args:
        icon: (H, W, 4) uint8, RGBA, straight alpha, trimmed but not squashed to a square
            (`load_icon(path)`), because a plate is told from a square by its aspect.

    Returns:
        "<colour> <shape>" with colour red, yellow, green, blue, white or black and shape triangle,
        inverted triangle, ring, disc, square, plate, diamond, octagon or cross; or
        "blue disc red ring".

    Example:
        >>> y, x = np.mgrid[-1:1:64j, -1:1:64j]
        >>> disc = np.zeros((64, 64, 4), dtype=np.uint8)
        >>> disc[x**2 + y**2 < 1] = (0, 80, 220, 255)
        >>> family_of_icon(disc)
        'blue disc'
    """
    if not (icon[..., 3] >= 128).any():
        return "white plate"  # a ghost of an icon: nothing to see
    icon = np.ascontiguousarray(without_border(icon))
    height, width = icon.shape[:2]
    small = np.asarray(Image.fromarray(icon).resize((_SIDE, _SIDE), Image.Resampling.BOX))
    mask = small[..., 3] >= 128
    shape = _shape(mask)
    depth = _depth(mask)
    colours = pixel_colours(small)
    border = _shares(colours[mask & (depth > 0.06) & (depth <= 0.24)])
    field = _shares(colours[mask & (depth > 0.3)])
    # No octagon is a ring: the outline of a blurred ring may be nearer to an octagon than a disc.
    if shape == "disc" or (shape == "octagon" and border["red"] >= _COMMON > field["red"]):
        return _disc_family(border, field)
    if shape == "square":
        colour = max(border, key=lambda name: border[name] if name != "black" else 0.0)
        is_square = max(height, width) <= _SQUARE_ASPECT * min(height, width)
        return f"{colour} square" if is_square and colour != "white" else f"{colour} plate"
    if shape == "diamond":
        border = _shares(colours[mask])
    return f"{_main_colour(border, field)} {shape}"


def _disc_family(border: dict[str, float], field: dict[str, float]) -> str:
    """Discs differ in what stands inside their border."""
    colour = _main_colour(border, field)
    if colour != "red":
        return f"{colour} disc"
    if field["red"] > 0.45:
        return "red disc"
    return "blue disc red ring" if field["blue"] > 0.4 else "red ring"


def _main_colour(border: dict[str, float], field: dict[str, float]) -> str:
    """The commonest hue of the border if it is at all common, else white or black.

    A black border is the rim of a sign whose ground gives the colour: yellow triangles of some
    countries, white discs that end a ban. Red wins over yellow, because a thin red border on a
    yellow ground is orange where the icon is small.
    """
    hue = max(("red", "yellow", "green", "blue"), key=lambda name: border[name])
    if border["red"] >= _COMMON:
        return "red"
    if border[hue] >= _COMMON:
        return hue
    if border["white"] >= border["black"]:
        return "white"
    ground = max(field, key=lambda name: field[name] if name != "black" else 0.0)
    return ground if field[ground] >= _COMMON else "black"


def _shares(names: npt.NDArray[np.int64]) -> dict[str, float]:
    """The share of each colour among colour numbers."""
    counts = np.bincount(names, minlength=len(COLOURS)) / max(len(names), 1)
    return dict(zip(COLOURS, counts.tolist(), strict=True))


COLOURS = ("red", "yellow", "green", "blue", "white", "black")


def pixel_colours(icon: Pixels) -> npt.NDArray[np.int64]:
    """(H, W) number of each pixel's colour in `COLOURS`, by hue, saturation and brightness."""
    hsv = Image.fromarray(np.ascontiguousarray(icon[..., :3])).convert("HSV")
    hue, saturation, value = np.moveaxis(np.asarray(hsv, np.int64), 2, 0)
    # Upper ends of red, yellow (with orange), green, blue and red again, in degrees.
    degrees = hue * 360 // 256
    by_hue = np.array([0, 1, 2, 3, 0])[np.searchsorted([20, 70, 165, 280], degrees, side="right")]
    grey = np.where(value >= 110, 4, 5)
    return np.where((saturation >= 90) & (value >= 60), by_hue, grey)


def _depth(mask: Mask) -> npt.NDArray[np.float64]:
    """(H, W) taxicab distance to the outline over the largest such distance."""
    from scipy.ndimage import distance_transform_cdt  # 0.3 s; answering needs none of it

    depth = distance_transform_cdt(np.pad(mask, 1), "taxicab")[1:-1, 1:-1]
    scaled: npt.NDArray[np.float64] = depth / max(int(depth.max()), 1)
    return scaled


def _shape(mask: Mask) -> str:
    """The ideal shape that overlaps the mask best."""
    shapes = _ideal_shapes()
    return max(shapes, key=lambda name: (mask & shapes[name]).sum() / (mask | shapes[name]).sum())


@lru_cache(maxsize=1)
def _ideal_shapes() -> dict[str, Mask]:
    """Shapes of signs that fill the unit square, as (64, 64) masks."""
    centre = (np.arange(_SIDE) + 0.5) / _SIDE * 2 - 1
    x, y = np.abs(centre)[None, :], centre[:, None]
    triangle = x <= (1 + y) / 2
    return {
        "disc": x**2 + y**2 <= 1,
        "octagon": np.maximum(np.maximum(x, np.abs(y)), (x + np.abs(y)) / np.sqrt(2)) <= 1,
        "square": np.ones((_SIDE, _SIDE), dtype=np.bool_),
        "diamond": x + np.abs(y) <= 1,
        "triangle": triangle,
        "inverted triangle": triangle[::-1],
        "cross": np.abs(x - np.abs(y)) <= 0.25,
    }
