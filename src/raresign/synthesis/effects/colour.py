"""Colour effects that are affine maps: fading inks, saturation, exposure, colour cast, haze."""

from __future__ import annotations

from functools import cache
from typing import Annotated, ClassVar

import torch
from torch import Tensor

from raresign.synthesis.effect import (
    ColourEffect,
    LogRange,
    Params,
    Range,
    Share,
    constant,
    identity_colour,
    inside,
)

# ITU-R BT.601 luma weights.
LUMA = (0.299, 0.587, 0.114)

# The inks of a road sign and what decades of sun make of them (sRGB values): red goes grey-brown
# first, blue pale, yellow straw; white yellows, black turns grey.
_INKS = ((0.75, 0.09, 0.13), (0.0, 0.27, 0.6), (0.97, 0.77, 0.05), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
_FADED = (
    (0.66, 0.52, 0.46),
    (0.6, 0.67, 0.74),
    (0.88, 0.83, 0.62),
    (0.93, 0.87, 0.68),
    (0.38, 0.37, 0.35),
)


class Fading(ColourEffect):
    """Inks bleach under the sun, each in its own way and at its own pace.

    The colour map is the affine one that comes nearest to moving each ink by its share of the way
    to its faded colour (least squares over the five inks).
    """

    draws: ClassVar[int] = 5

    red: Share = (0.0, 0.7)
    """How far red is on its way to grey-brown."""
    blue: Share = (0.0, 0.5)
    yellow: Share = (0.0, 0.4)
    white: Share = (0.0, 0.4)
    """Yellowing of the white film."""
    black: Share = (0.0, 0.5)

    def matrix(self, params: Params) -> Tensor:
        """The least-squares map of the inks; the identity where nothing has faded."""
        shares = torch.stack([params[ink] for ink in _INK_NAMES], 1)  # (N, 5)
        inks, faded = constant(_INKS, shares.device), constant(_FADED, shares.device)
        targets = inks + shares[:, :, None] * (faded - inks)  # (N, 5, 3)
        return torch.matmul(targets.mT, _ink_inverse(shares.device))


_INK_NAMES = ("red", "blue", "yellow", "white", "black")


@cache
def _ink_inverse(device: torch.device) -> Tensor:
    """(5, 4): from what the inks become to the affine map that does it."""
    inks = torch.tensor([(*ink, 1.0) for ink in _INKS], dtype=torch.float64)
    inverse: Tensor = torch.linalg.pinv(inks).T
    return inverse.float().to(device)


class Saturation(ColourEffect):
    """The camera's colour strength: 1 keeps the colours, 0 leaves grey."""

    draws: ClassVar[int] = 1

    amount: Annotated[Range, inside(0, 10)] = (0.5, 1.2)

    def matrix(self, params: Params) -> Tensor:
        """Mix each colour with its own luma."""
        keep = params["amount"][:, None, None]
        grey = constant(((*LUMA, 0.0),) * 3, keep.device)
        return keep * identity_colour(len(keep), keep) + (1 - keep) * grey


class Exposure(ColourEffect):
    """Brightness of sign or scene: a gain, drawn evenly in its logarithm.

    A gain of the light is a gain of the encoded value too, under a power-law tone curve.
    """

    draws: ClassVar[int] = 1

    gain: Annotated[LogRange, inside(1e-3, 1e3)] = (0.3, 1.5)

    def matrix(self, params: Params) -> Tensor:
        """A multiple of the identity."""
        gain = params["gain"][:, None, None]
        return identity_colour(len(gain), gain) * gain


class ColourCast(ColourEffect):
    """White balance gone wrong: warm-cold and green-magenta shifts of the channel gains."""

    draws: ClassVar[int] = 2

    warmth: Annotated[Range, inside(-2, 2)] = (-0.3, -0.1, 0.0, 0.1, 0.3)
    """Half the logarithm of the red-to-blue ratio."""
    tint: Annotated[Range, inside(-2, 2)] = (-0.12, -0.03, 0.0, 0.03, 0.12)
    """Logarithm of the green gain."""

    def matrix(self, params: Params) -> Tensor:
        """Channel gains on the diagonal."""
        warmth = params["warmth"]
        gains = torch.stack([warmth, params["tint"], -warmth], 1).exp()
        return identity_colour(len(gains), gains) * gains[:, :, None]


class Haze(ColourEffect):
    """Air light, flare and a dirty windscreen: contrast shrinks towards a bright or dark veil."""

    draws: ClassVar[int] = 3

    contrast: Share = (0.4, 1.0)
    """What is left of the contrast."""
    veil: Share = (0.1, 0.9)
    """Brightness of the veil."""
    warmth: Annotated[Range, inside(-1, 1)] = (-0.12, 0.08)
    """How much redder (and less blue) than grey the veil is."""

    def matrix(self, params: Params) -> Tensor:
        """contrast * colour + (1 - contrast) * veil (Koschmieder's law at one depth)."""
        contrast = params["contrast"]
        matrix = identity_colour(len(contrast), contrast) * contrast[:, None, None]
        slope = constant((1.0, 0.0, -1.0), contrast.device)
        veil = params["veil"][:, None] * (1 + params["warmth"][:, None] * slope)
        matrix[:, :, 3] = (1 - contrast)[:, None] * veil
        return matrix
