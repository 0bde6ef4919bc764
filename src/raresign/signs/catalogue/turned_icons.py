"""Round signs that mean the same however far they are turned, and so hang at any angle."""

from __future__ import annotations

import numpy as np
from PIL import Image

from raresign.signs.catalogue.twins import look_similarity, small_look
from raresign.signs.icons.icon_file import Pixels

_ALIKE = 0.8
_TURNS = 30, 60, 90
"""Degrees; with three arrows 120 is the upright sign again."""
_OUTLINE = 0.03
"""Mean difference in opacity up to which an outline stays the same when it is turned; 0.013 of a
disc, drawn small."""


def turned_icons(icon: Pixels) -> list[Pixels]:
    """An icon in the other positions in which its sign may hang: those of a roundabout's arrows.

    Round icons have them that a third of a turn leaves as they are and a sixth does not: of 315
    Russian and German icons the roundabouts alone (0.9 alike after a third of a turn, 0.13 after a
    sixth; the next, but for plain discs, are 0.44 and 0.44).

    Args:
        icon: (S, S, 4) uint8, RGBA, straight alpha, without transparent border.

    Returns:
        None or three icons of the same size.

    Example:
        >>> turned_icons(np.full((32, 32, 4), 255, np.uint8))
        []
    """
    small = small_look(icon)
    sixth = _turned(small, 60)
    if np.abs(sixth[..., 3] - small[..., 3].astype(float)).mean() > _OUTLINE * 255:
        return []  # not round
    if look_similarity(_turned(small, 120), small) < _ALIKE:
        return []
    if look_similarity(sixth, small) >= _ALIKE:
        return []  # a plain disc
    return [_turned(icon, degrees) for degrees in _TURNS]


def _turned(icon: Pixels, degrees: int) -> Pixels:
    """The icon turned about its middle; colours are mixed by their opacity."""
    picture = Image.fromarray(np.ascontiguousarray(icon)).convert("RGBa")
    return np.asarray(picture.rotate(degrees, Image.Resampling.BICUBIC).convert("RGBA"))
