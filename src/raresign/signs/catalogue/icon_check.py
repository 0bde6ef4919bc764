"""Refuses an icon that cannot stand for a new class: no outline, too small, empty, or known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from raresign.errors import InputError
from raresign.language.spoken import _
from raresign.signs.catalogue.families import family_of_icon
from raresign.signs.catalogue.twins import small_look
from raresign.signs.icons.icon_file import Pixels, on_grey, without_border
from raresign.signs.icons.png_icon import FLAT_TOLERANCE, flood_from_border
from raresign.signs.spoken_signs import spoken_family

MIN_NEW_SIDE = 16
SAME_PICTURE = 0.5
"""Levels of 255. Of 205 drawn signs of GOST the nearest two, 3.4.n5 and 3.4.n8, lie 0.72 apart."""

Look = npt.NDArray[np.float64]
_OPAQUE = 128  # as in `without_border`
_OF_PLATES = ("white ", "black ")


def check_new_icon(icon: Pixels, code: str, known: Sequence[tuple[str, Look | None]]) -> Look:
    """Refuse an icon that no class can be made of, or whose picture another class has.

    An icon without a transparent pixel around the sign is accepted if it is a rectangular sign:
    the four corners agree in colour, and what is left without the corners' colour (flooded from
    the border) is of a rectangular family by `family_of_icon`, or white or black on a coloured
    ground. Of 205 drawn signs of GOST, put on
    white and on black, all 79 rectangular ones pass and none of the 126 others.

    A picture counts as known if its look differs by less than `SAME_PICTURE` levels on average:
    the same picture saved again. The same sign drawn anew differs by more, and so do two signs
    with other digits.

    Args:
        icon: (H, W, 4) uint8 as `load_icon(path)` gives it. A transparent border is left out.
        code: Code of the new class, for the messages; whether it is taken is checked elsewhere.
        known: (code, `known_look`) of the classes there are; a class may come several times.

    Returns:
        `look_on_grey` of the sign.

    Raises:
        InputError: The icon is empty, smaller than 16 px, without an outline, or the picture of a
            class there is; that class is named.
    """
    name = _("icon of class '{code}'").format(code=code)
    if not (icon[..., 3] >= _OPAQUE).any():
        raise InputError(
            _("{name} is empty: every pixel is transparent").format(name=name),
            _("draw the sign opaque"),
        )
    sign = without_border(icon)
    height, width = sign.shape[:2]
    if min(height, width) < MIN_NEW_SIDE:
        raise InputError(
            _("{name} is {width}x{height} px without its transparent border").format(
                name=name, width=width, height=height
            ),
            _("use at least {side}x{side} px, better 128x128").format(side=MIN_NEW_SIDE),
        )
    check_outline(sign, code)
    look = look_on_grey(sign)
    for other, seen in known:
        if seen is not None and np.abs(look - seen).mean() < SAME_PICTURE:
            raise InputError(
                _("{name} is the picture of class '{other}' too").format(name=name, other=other),
                _("use that class, or give an icon that differs"),
            )
    return look


def check_outline(icon: Pixels, code: str) -> None:
    """Refuse an opaque picture in which the sign has another outline than the picture.

    Args:
        icon: (H, W, 4) uint8, RGBA, without a transparent border.
        code: Of its class, for the message.

    Raises:
        InputError: Its sign is no rectangle, or it shows nothing.
    """
    if (icon[..., 3] >= _OPAQUE).all():
        _check_rectangular(icon, _("icon of class '{code}'").format(code=code))


def known_look(icon: Pixels) -> Look | None:
    """`look_on_grey` of an icon without its border, None for an empty one."""
    return look_on_grey(without_border(icon)) if (icon[..., 3] >= _OPAQUE).any() else None


def look_on_grey(icon: Pixels) -> Look:
    """(32, 32, 3) RGB in 0..255: an RGBA icon of any size, squashed and laid on mid-grey."""
    return on_grey(small_look(icon).astype(np.float64))


def _check_rectangular(sign: Pixels, name: str) -> None:
    """Refuse an opaque picture whose sign has another outline than the picture."""
    problem, hint = (
        _("{name} has no transparent background").format(name=name),
        _("make what is not the sign transparent"),
    )
    rgb = sign[..., :3].astype(np.int16)
    corners = rgb[[0, 0, -1, -1], [0, -1, 0, -1]]
    colour = np.median(corners, axis=0)
    if (np.abs(corners - colour) > FLAT_TOLERANCE).any():
        raise InputError(
            _("{problem}; its corners differ in colour, as a photo's do").format(problem=problem),
            hint,
        )
    around = flood_from_border((np.abs(rgb - colour) <= FLAT_TOLERANCE).all(axis=2))
    if around.all():
        raise InputError(
            _("{name} is one flat colour").format(name=name), _("draw what the sign shows")
        )
    alone = sign.copy()
    alone[around] = 0
    family = family_of_icon(alone)
    # A white or black picture on a coloured ground is what a plate without a rim shows.
    on_plate = colour.max() - colour.min() > FLAT_TOLERANCE and family.startswith(_OF_PLATES)
    if not on_plate and not family.endswith(("square", "plate")):
        raise InputError(
            _("{problem}; it looks like a {family} on a flat one").format(
                problem=problem, family=spoken_family(family)
            ),
            hint,
        )
