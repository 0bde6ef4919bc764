"""What falls and lies between camera and sign: rain streaks, falling flakes, snow that sticks."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from raresign.synthesis.effect import CropEffect, Params, Range, inside
from raresign.synthesis.fields import axes, brightest, per_crop, window
from raresign.synthesis.textures import TILE, look_up, ranked, smooth_noise


class Rain(CropEffect):
    """Rain: bright streaks of one slant, and contrast lost to the drops farther away."""

    draws: ClassVar[int] = 9
    probability: float = Field(default=0.05, ge=0.0, le=1.0)

    density: Annotated[Range, inside(0, 1)] = (0.2, 0.9)
    """Share of the streaks that are there; with 1, about a quarter of the crop is wet."""
    strength: Annotated[Range, inside(0, 1)] = (0.1, 0.45)
    """How much of the picture the brightest streaks hide."""
    length: Annotated[Range, inside(0.01, 2)] = (0.15, 0.5)
    """Length of a streak as a share of the crop."""
    width: Annotated[Range, inside(0.001, 0.5)] = (0.01, 0.03)
    """Width of a streak as a share of the crop."""
    slant: Annotated[Range, inside(-1.5, 1.5)] = (-0.4, 0.4)
    """Sideways by this share of the way down."""
    contrast: Annotated[Range, inside(0, 1)] = (0.6, 0.95)
    """Contrast that remains."""
    veil: Annotated[Range, inside(0, 10)] = (0.8, 1.5)
    """Brightness of the wet air, relative to the crop's mean."""

    def sample(self, u: Tensor) -> Params:
        """The ranges: (N,) each; `corner`: (N, 2)."""
        return self.ranges(u) | {"corner": u[:, 7:9]}

    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """Towards the veil everywhere, and to something brighter along the streaks."""
        x, y = axes(crops)
        width, distinct = _at_least_a_pixel(params["width"], crops.shape[3])
        length = params["length"].clamp(min=1.2 / crops.shape[2])
        tiles_x, tiles_y = _STREAK[0] / width / 2, _STREAK[1] / length / 2
        corner_x, corner_y = (per_crop(corner) for corner in params["corner"].unbind(1))
        sideways = (x - per_crop(params["slant"]) * y) * per_crop(tiles_x) + corner_x
        down = (y * per_crop(tiles_y) + corner_y).expand_as(sideways)
        places = torch.cat([sideways, down], 1).permute(0, 2, 3, 1)
        streaks = look_up(streak_levels, places)
        wet = _above(streaks, params["density"], distinct).mul_(per_crop(params["strength"]))

        contrast = per_crop(params["contrast"])
        veil = per_crop(params["veil"] * crops.mean((1, 2, 3)))
        bright = (veil + brightest(crops)) / 2
        light = ((1 - contrast) * veil) * (1 - wet) + wet * bright
        return torch.addcmul(light, crops, contrast - contrast * wet)


class Snow(CropEffect):
    """Snowfall: a ragged white cap on the upper part of what is seen, and falling flakes."""

    draws: ClassVar[int] = 9
    probability: float = Field(default=0.04, ge=0.0, le=1.0)

    depth: Annotated[Range, inside(0, 1)] = (0.0, 0.08, 0.35)
    """How far the cap reaches down, in the mean, as a share of the crop."""
    ragged: Annotated[Range, inside(0, 1)] = (0.2, 0.7)
    """How unevenly: 1 goes from nothing to twice the depth."""
    tilt: Annotated[Range, inside(-1, 1)] = (-0.6, 0.6)
    """How much deeper (as a share of the depth) the cap is on the right edge."""
    brightness: Annotated[Range, inside(0, 2)] = (0.85, 1.15)
    """Of the snow in the light, relative to the crop's brightest point."""
    density: Annotated[Range, inside(0, 1)] = (0.0, 0.35, 0.9)
    """Share of the flakes that are there; with 1, about a quarter of the crop is white."""
    flake: Annotated[Range, inside(0.001, 0.5)] = (0.025, 0.07)
    """Width of the larger kind of flake as a share of the crop."""

    def sample(self, u: Tensor) -> Params:
        """The ranges and `turn`: (N,) each; `corner`: (N, 2)."""
        return self.ranges(u) | {"corner": u[:, 6:8], "turn": u[:, 8] * (2 * math.pi)}

    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """Cover by the cap and by the flakes; the cap's lower rim is in a bluish shade."""
        x, y = axes(crops)
        flake, distinct = _at_least_a_pixel(params["flake"], crops.shape[3])
        places = window(crops, _FLAKE / flake, params["turn"], params["corner"])
        texture = look_up(snow_levels, places)
        drift, levels = texture[:, :1], texture[:, 1:]

        # The drift's mean is 1/2: the cap reaches as deep as asked in the mean.
        depth = per_crop(2 * params["depth"]) * (1 + per_crop(params["tilt"]) * x)
        ragged = per_crop(params["ragged"])
        depth = drift.mul_(2 * ragged).add_(1 - ragged) * depth
        into = depth - (y + 1)  # half crops, positive in the snow
        soft = max(_SOFT, 2 / crops.shape[2])
        thick = depth.mul_(1 / soft).clamp_(max=1.0)  # a cap thinner than its fading is faint
        cap = torch.minimum((into / soft).add_(0.5).clamp_(0.0, 1.0), thick)

        flakes = _above(levels, params["density"], distinct.square()).mul_(0.9)
        # Flakes fall in front of the cap, but white on white is not seen: the larger cover wins.
        cover = torch.maximum(cap, flakes)
        rim = into.mul_(-1 / _RIM).add_(1.0).clamp_(0.0, 1.0).mul_(cap)
        white = per_crop(params["brightness"]) * brightest(crops)
        blue = torch.tensor([0.96, 0.98, 1.0], device=crops.device).view(1, 3, 1, 1)
        return torch.lerp(crops, (white - 0.12 * white * rim) * blue, cover)


_STREAK = (3.0 / TILE, 64.0 / TILE)
"""Width and length of a streak in the tile of `streak_levels`, in tiles."""
_FLAKE = 10.0 / TILE
"""Width of the larger flakes in the tile of `snow_levels`, in tiles."""
_SOFT = 0.05
"""Half crops over which the cap fades out."""
_RIM = 0.25
"""Half crops over which lying snow goes from its shaded rim into the light."""


def _at_least_a_pixel(length: Tensor, pixels: int) -> tuple[Tensor, Tensor]:
    """The length, but 1.2 pixels at least, and how much of that it really fills."""
    drawn = length.clamp(min=1.2 / pixels)
    return drawn, length / drawn


def _above(levels: Tensor, density: Tensor, distinct: Tensor) -> Tensor:
    """How far levels in [0, 1] rise above 1 - density, from 0 to 1; nothing with density 0.

    What is finer than a pixel (`distinct` below 1) is drawn larger and fades into its mean.
    """
    share = per_crop(density)
    rise = (levels - (1 - share)).clamp_(min=0.0).mul_(1 / share.clamp(min=1e-3))
    return torch.lerp(rise.mean((2, 3), keepdim=True), rise, per_crop(distinct))


def _stamp(tile: np.ndarray, place: np.ndarray, half: tuple[int, int], shape: np.ndarray) -> None:
    """Draw a small picture into a texture that repeats; the brighter one stays."""
    rows = (int(place[0]) + np.arange(-half[0], half[0] + 1)) % TILE
    columns = (int(place[1]) + np.arange(-half[1], half[1] + 1)) % TILE
    where = np.ix_(rows, columns)
    tile[where] = np.maximum(tile[where], shape)


def streak_levels() -> Tensor:
    """(1, TILE, TILE) upright streaks; each has its own height in (0, 1] on its middle line."""
    rng = np.random.default_rng(2)
    tile = np.zeros((TILE, TILE), np.float32)
    y, x = np.mgrid[-32:33, -3:4]
    shape = np.exp(-((x / 1.5) ** 2)) * np.clip(1.2 * (1 - (y / 33) ** 2), 0, 1)
    for height in np.linspace(0.02, 1, 110):
        _stamp(tile, rng.integers(0, TILE, 2), (32, 3), height * shape)
    return torch.from_numpy(tile)[None]


def snow_levels() -> Tensor:
    """(2, TILE, TILE) drifts and flakes.

    Drifts are smooth noise, evenly distributed over (0, 1); flakes are round, soft, of two sizes,
    each with its own height in (0, 1].
    """
    rng = np.random.default_rng(3)
    tile = np.zeros((TILE, TILE), np.float32)
    y, x = np.mgrid[-7:8, -7:8]
    for radius, count in ((2.0, 300), (5.0, 130)):
        shape = np.clip(1.3 * np.exp(-((np.hypot(x, y) / radius) ** 2)) - 0.1, 0, 1)
        for height in np.linspace(0.02, 1, count):
            _stamp(tile, rng.integers(0, TILE, 2), (7, 7), height * shape)
    drifts = 0.85 * smooth_noise(rng, 0.3) + 0.15 * smooth_noise(rng, 0.08)
    return torch.from_numpy(np.stack([ranked(drifts), tile]))
