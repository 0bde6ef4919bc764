"""Colour effects that are affine maps: fading inks, exposure, colour cast, haze."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from raresign.randomness import CropRandom
from raresign.synthesis.effect import (
    ColourEffect,
    Params,
    Range,
    draw,
    draw_log,
    identity_colour,
    inside,
)

# ITU-R BT.601 luma weights.
LUMA = (0.299, 0.587, 0.114)


class Fading(ColourEffect):
    """Inks bleach under the sun: saturation falls and each ink drifts in its own way.

    Example:
        >>> random = CropRandom.from_seed(0, torch.arange(1))
        >>> red = torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1)
        >>> grey = Fading(saturation=(0, 0), drift=0)(red, random)
        >>> [round(value, 3) for value in grey.flatten().tolist()]
        [0.299, 0.299, 0.299]
    """

    saturation: Annotated[Range, inside(0, 10)] = (0.35, 1.1)
    """1 keeps the colours, 0 leaves grey."""
    drift: float = Field(default=0.06, ge=0.0)
    """Standard deviation of the random exchange between colour channels."""

    def sample(self, n: int, random: CropRandom) -> Params:
        """`saturation`: (n,); `drift`: (n, 3, 3)."""
        return {
            "saturation": draw(random, self.saturation),
            "drift": random.normal(3, 3) * self.drift,
        }

    def matrix(self, params: Params) -> Tensor:
        """Mix each colour with its own grey, then let the channels drift; white stays white."""
        keep = params["saturation"][:, None, None]
        grey = torch.tensor(LUMA, device=keep.device).expand(3, 3)
        linear = keep * torch.eye(3, device=keep.device) + (1 - keep) * grey
        drift = params["drift"]
        linear = linear + drift - drift.mean(2, keepdim=True)
        return torch.cat([linear, torch.zeros_like(linear[:, :, :1])], 2)


class Exposure(ColourEffect):
    """Brightness of sign or scene: a gain, drawn evenly in its logarithm.

    Example:
        >>> random = CropRandom.from_seed(0, torch.arange(1))
        >>> Exposure(gain=(0.5, 0.5))(torch.ones(1, 3, 1, 1), random).flatten().tolist()
        [0.5, 0.5, 0.5]
    """

    gain: Annotated[Range, inside(1e-3, 1e3)] = (0.3, 1.5)

    def sample(self, n: int, random: CropRandom) -> Params:
        """`gain`: (n,)."""
        return {"gain": draw_log(random, self.gain)}

    def matrix(self, params: Params) -> Tensor:
        """A multiple of the identity."""
        gain = params["gain"][:, None, None]
        return identity_colour(len(gain), gain) * gain


class ColourCast(ColourEffect):
    """White balance gone wrong: warm-cold and green-magenta shifts of the channel gains.

    Example:
        >>> random = CropRandom.from_seed(0, torch.arange(1))
        >>> red, green, blue = ColourCast(tint=0)(torch.ones(1, 3, 1, 1), random).flatten()
        >>> bool(torch.isclose(red * blue, green))
        True
    """

    warmth: float = Field(default=0.14, ge=0.0)
    """Standard deviation of the logarithm of the red-to-blue ratio's half."""
    tint: float = Field(default=0.05, ge=0.0)
    """Standard deviation of the logarithm of the green gain."""

    def sample(self, n: int, random: CropRandom) -> Params:
        """`gains`: (n, 3)."""
        warmth = random.normal() * self.warmth
        tint = random.normal() * self.tint
        return {"gains": torch.stack([warmth, tint, -warmth], 1).exp()}

    def matrix(self, params: Params) -> Tensor:
        """Channel gains on the diagonal."""
        gains = params["gains"]
        return identity_colour(len(gains), gains) * gains[:, :, None]


class Haze(ColourEffect):
    """Air light, flare and a dirty windscreen: contrast shrinks towards a bright or dark veil.

    Example:
        >>> random = CropRandom.from_seed(0, torch.arange(1))
        >>> haze = Haze(contrast=(0.5, 0.5), veil=(1, 1), veil_tint=0)
        >>> haze(torch.zeros(1, 3, 1, 1), random).flatten().tolist()
        [0.5, 0.5, 0.5]
    """

    contrast: Annotated[Range, inside(0, 1)] = (0.35, 1.0)
    veil: Annotated[Range, inside(0, 1)] = (0.1, 0.9)
    """Brightness of the veil."""
    veil_tint: float = Field(default=0.05, ge=0.0)
    """Standard deviation of the veil's colour channels."""

    def sample(self, n: int, random: CropRandom) -> Params:
        """`contrast`: (n,); `veil`: (n, 3)."""
        contrast = draw(random, self.contrast)
        veil = draw(random, self.veil)[:, None] + random.normal(3) * self.veil_tint
        return {"contrast": contrast, "veil": veil}

    def matrix(self, params: Params) -> Tensor:
        """contrast * colour + (1 - contrast) * veil (Koschmieder's law at one depth)."""
        contrast = params["contrast"][:, None, None]
        matrix = identity_colour(len(contrast), contrast) * contrast
        constant = (1 - params["contrast"])[:, None] * params["veil"]
        return matrix + torch.cat([torch.zeros_like(matrix[:, :, :3]), constant[:, :, None]], 2)
