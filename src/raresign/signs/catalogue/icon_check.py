"""Refuses an icon that cannot stand for a new class: no outline, too small, empty, or known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from raresign.errors import InputError
from raresign.signs.catalogue.families import family_of_icon
from raresign.signs.catalogue.twins import small_look
from raresign.signs.icons.icon_file import Pixels, on_grey
from raresign.signs.icons.png_icon import FLAT_TOLERANCE, flood_from_border

MIN_NEW_SIDE = 16
SAME_PICTURE = 0.5
"""Levels of 255. Of 205 drawn signs of GOST the nearest two, 3.4.n5 and 3.4.n8, lie 0.72 apart."""

Look = npt.NDArray[np.float64]
_OPAQUE = 128  # as in `family_of_icon`
_RECTANGLES = ("square", "plate")


def check_new_icon(icon: Pixels, code: str, existing: Sequence[tuple[str, Pixels]]) -> None:
    """Refuse an icon that no class can be made of, or whose picture another class has.

    An icon without a transparent pixel around the sign is accepted if it is a rectangular sign:
    the four corners agree in colour, and what is left without the corners' colour (flooded from
    the border) is of a rectangular family by `family_of_icon`. A disc on a flat background is
    told by that, a photo by its corners; a rectangular sign whose corners differ must have them
    transparent. Of 205 drawn signs of GOST, put on white and on black,
    all 79 rectangular ones pass and none of the 126 others.

    A picture counts as known if `look_on_grey` of both differs by less than `SAME_PICTURE` levels
    on average: the same picture saved again. The same sign drawn anew differs by more, and so do
    two signs with other digits.

    Args:
        icon: (H, W, 4) uint8, RGBA, straight alpha, not squashed to a square, as
            `load_icon(path)` gives it. A transparent border is left out.
        code: Code of the new class, for the messages; whether it is taken is checked elsewhere.
        existing: (code, icon) of the classes there are; a class may come several times.

    Raises:
        InputError: The icon is no such array, empty, smaller than 16 px, without an outline, or
            the picture of a class there is; that class is named.
    """
    name = f"icon of class '{code}'"
    if icon.ndim != 3 or icon.shape[2] != 4 or icon.dtype != np.uint8:
        raise InputError(
            f"{name} is a {icon.dtype} array of shape {icon.shape}",
            "expected uint8 (H, W, 4): RGBA with straight alpha",
        )
    if not (icon[..., 3] >= _OPAQUE).any():
        raise InputError(f"{name} is empty: every pixel is transparent", "draw the sign opaque")
    sign = without_border(icon)
    height, width = sign.shape[:2]
    if min(height, width) < MIN_NEW_SIDE:
        raise InputError(
            f"{name} is {width}x{height} px without its transparent border",
            f"use at least {MIN_NEW_SIDE}x{MIN_NEW_SIDE} px, better 128x128",
        )
    if (sign[..., 3] >= _OPAQUE).all():
        _check_rectangular(sign, name)
    looks = [(other, known_look(picture)) for other, picture in existing]
    refuse_known(look_on_grey(sign), code, looks)


def known_look(icon: Pixels) -> Look | None:
    """`look_on_grey` of an icon without its border, None for an empty one."""
    return look_on_grey(without_border(icon)) if (icon[..., 3] >= _OPAQUE).any() else None


def refuse_known(look: Look, code: str, known: Sequence[tuple[str, Look | None]]) -> None:
    """Refuse the look of a new icon that a class has already, as `check_new_icon` does.

    Raises:
        InputError: The mean difference from a known look is below `SAME_PICTURE`.
    """
    for other, seen in known:
        if seen is not None and np.abs(look - seen).mean() < SAME_PICTURE:
            raise InputError(
                f"icon of class '{code}' is the picture of class '{other}' too",
                "use that class, or give an icon that differs",
            )


def without_border(icon: Pixels) -> Pixels:
    """The icon cut to the rows and columns with a pixel of at least half alpha.

    Args:
        icon: (H, W, 4) uint8, RGBA, not wholly transparent.

    Returns:
        (h, w, 4), a view.
    """
    opaque = icon[..., 3] >= _OPAQUE
    rows, columns = np.flatnonzero(opaque.any(axis=1)), np.flatnonzero(opaque.any(axis=0))
    return icon[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def look_on_grey(icon: Pixels) -> Look:
    """The icon squashed to 32x32 px and laid on mid-grey.

    Args:
        icon: (H, W, 4) uint8, RGBA, straight alpha, of any size.

    Returns:
        (32, 32, 3) RGB in 0..255.
    """
    return on_grey(small_look(icon).astype(np.float64))


def _check_rectangular(sign: Pixels, name: str) -> None:
    """Refuse an opaque picture whose sign has another outline than the picture."""
    hint = "make what is not the sign transparent, the corners at least"
    rgb = sign[..., :3].astype(np.int16)
    corners = rgb[[0, 0, -1, -1], [0, -1, 0, -1]]
    colour = np.median(corners, axis=0)
    if (np.abs(corners - colour) > FLAT_TOLERANCE).any():
        raise InputError(
            f"{name} has no transparent background; its corners differ in colour, as a photo's do",
            hint,
        )
    around = flood_from_border((np.abs(rgb - colour) <= FLAT_TOLERANCE).all(axis=2))
    if around.all():
        raise InputError(f"{name} is one flat colour", "draw what the sign shows")
    alone = sign.copy()
    alone[around] = 0
    family = family_of_icon(alone)
    if not family.endswith(_RECTANGLES):
        raise InputError(
            f"{name} has no transparent background; it looks like a {family} on a flat one", hint
        )
