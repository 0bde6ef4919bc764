"""What falls and lies between camera and sign: rain streaks, falling flakes, snow that sticks."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from raresign.synthesis.effect import CropEffect, Params, Range, inside, quantile
from raresign.synthesis.fields import axes, per_crop, window
from raresign.synthesis.textures import TILE, grain, look_up, tile_on


class Rain(CropEffect):
    """Rain: bright streaks of one slant, and contrast lost to the drops farther away.

    Example:
        >>> haze = Rain(density=(0, 0), contrast=(0.5, 0.5), veil=(0.6, 0.6))
        >>> haze(torch.zeros(1, 3, 8, 8), torch.rand(1, Rain.draws)).unique().tolist()
        [0.30000001192092896]
    """

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
    veil: Annotated[Range, inside(0, 1)] = (0.35, 0.75)
    """Brightness of the wet air."""

    def sample(self, u: Tensor) -> Params:
        """The ranges: (N,) each; `corner`: (N, 2)."""
        names = ("density", "strength", "length", "width", "slant", "contrast", "veil")
        params = {name: quantile(u[:, k], getattr(self, name)) for k, name in enumerate(names)}
        return params | {"corner": u[:, 7:9]}

    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """Towards the veil everywhere, and a little brighter than the veil along the streaks."""
        x, y = axes(crops)
        # A streak thinner than a pixel is drawn one pixel wide and as much fainter.
        width, fainter = _at_least_a_pixel(params["width"], crops.shape[3])
        length, fainter_too = _at_least_a_pixel(params["length"], crops.shape[2])
        tiles_x, tiles_y = _STREAK[0] / width / 2, _STREAK[1] / length / 2
        places = crops.new_empty(len(crops), y.numel(), x.numel(), 2)
        sideways = x.view(1, 1, -1) - params["slant"][:, None, None] * y.view(1, -1, 1)
        places[..., 0] = sideways * tiles_x[:, None, None] + params["corner"][:, 0, None, None]
        places[..., 1] = (
            y.view(1, -1, 1) * tiles_y[:, None, None] + params["corner"][:, 1, None, None]
        )
        streaks = look_up(tile_on(streak_levels, crops.device), places)
        wet = _above(streaks, params["density"])
        wet.mul_(per_crop(params["strength"] * fainter * fainter_too))

        contrast = per_crop(params["contrast"])
        veil = per_crop(params["veil"])
        light = ((1 - contrast) * veil) * (1 - wet) + wet * (0.5 + 0.5 * veil)
        return torch.addcmul(light, crops, contrast - contrast * wet)


class Snow(CropEffect):
    """Snowfall: a ragged white cap on the upper part of what is seen, and falling flakes.

    Example:
        >>> snow = Snow(depth=(0.5, 0.5), density=(0, 0), brightness=(1, 1))
        >>> seen = snow(torch.zeros(1, 3, 16, 16), torch.rand(1, Snow.draws))[0, 2]
        >>> bool(seen[0].min() > 0.8), bool(seen[-1].max() == 0)
        (True, True)
    """

    draws: ClassVar[int] = 11
    probability: float = Field(default=0.04, ge=0.0, le=1.0)

    depth: Annotated[Range, inside(0, 1)] = (0.0, 0.08, 0.35)
    """How far the cap reaches down, in the mean, as a share of the crop."""
    ragged: Annotated[Range, inside(0, 1)] = (0.3, 0.9)
    """How unevenly: 1 goes from nothing to twice the depth."""
    tilt: Annotated[Range, inside(-1, 1)] = (-0.6, 0.6)
    """How much deeper (as a share of the depth) the cap is on the right edge."""
    brightness: Annotated[Range, inside(0, 1)] = (0.5, 1.0)
    """Of the snow in the light."""
    density: Annotated[Range, inside(0, 1)] = (0.0, 0.35, 0.9)
    """Share of the flakes that are there; with 1, about a quarter of the crop is white."""
    flake: Annotated[Range, inside(0.001, 0.5)] = (0.025, 0.07)
    """Width of the larger kind of flake as a share of the crop."""

    def sample(self, u: Tensor) -> Params:
        """The ranges and `turn`: (N,) each; `corner`, `edge`: (N, 2)."""
        names = ("depth", "ragged", "tilt", "brightness", "density", "flake")
        params = {name: quantile(u[:, k], getattr(self, name)) for k, name in enumerate(names)}
        # Flakes are turned so that equal windows of the tile look different.
        return params | {"corner": u[:, 6:8], "turn": u[:, 8] * 6.2831855, "edge": u[:, 9:11]}

    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """Cover by the cap and by the flakes; the cap's lower side is in a bluish shade."""
        cap, above = self._cap(crops, params)
        flake, fainter = _at_least_a_pixel(params["flake"], crops.shape[3])
        places = window(crops, _FLAKE / flake, params["turn"], params["corner"])
        flakes = _above(
            look_up(tile_on(flake_levels, crops.device), places), params["density"]
        ).mul_(per_crop(0.9 * fainter.square()))
        # Flakes fall in front of the cap, but white on white is not seen: the larger cover wins.
        cover = torch.maximum(cap, flakes)
        brightness = per_crop(params["brightness"])
        tone = brightness * (1 - 0.3 * (1 - above) * cap)
        blue = torch.tensor([0.96, 0.98, 1.0], device=crops.device).view(1, 3, 1, 1)
        return torch.lerp(crops, tone * blue, cover)

    def _cap(self, crops: Tensor, params: Params) -> tuple[Tensor, Tensor]:
        """Cover of the lying snow and how far (0 to 1) a point is from the snow's shaded rim."""
        x, y = axes(crops)
        # A line across coherent noise: its mean is 1/2 and it goes over about 0 to 1.
        places = crops.new_empty(len(crops), 1, x.numel(), 2)
        places[..., 0] = x.view(1, 1, -1) * 0.35 + params["edge"][:, 0, None, None]
        places[..., 1] = params["edge"][:, 1, None, None]
        profile = look_up(tile_on(grain, crops.device), places)  # (N, 1, 1, W)
        uneven = 1 + per_crop(params["ragged"]) * (2 * profile - 1)
        depth = per_crop(params["depth"]) * uneven * (1 + per_crop(params["tilt"]) * x)
        inside_cap = 2 * depth - (y + 1)  # (N, 1, H, W), in half crops, positive in the snow
        pixel = 2 / crops.shape[2]
        cap = (inside_cap / pixel + 0.5).clamp_(0.0, 1.0)
        cap = torch.minimum(cap, (2 * depth / pixel).clamp(max=1.0))
        return cap, (inside_cap / _RIM).clamp_(0.0, 1.0)


_STREAK = (3.0 / TILE, 64.0 / TILE)
"""Width and length of a streak in the tile of `streak_levels`, in tiles."""
_FLAKE = 10.0 / TILE
"""Width of the larger flakes in the tile of `flake_levels`, in tiles."""
_RIM = 0.12
"""Half crops over which lying snow goes from its shaded rim into the light."""


def _at_least_a_pixel(length: Tensor, pixels: int) -> tuple[Tensor, Tensor]:
    """The length, 1.2 pixels at least, and how much of that it really fills."""
    drawn = length.clamp(min=1.2 / pixels)
    return drawn, length / drawn


def _above(levels: Tensor, density: Tensor) -> Tensor:
    """How far levels in [0, 1] rise above 1 - density, from 0 to 1; nothing with density 0."""
    share = per_crop(density)
    return (levels - (1 - share)).clamp_(min=0.0).div_(share.clamp(min=1e-3))


def _stamp(tile: np.ndarray, place: np.ndarray, half: tuple[int, int], shape: np.ndarray) -> None:
    """Draw a small picture into a texture that repeats; the brighter one stays."""
    rows = (int(place[0]) + np.arange(-half[0], half[0] + 1)) % TILE
    columns = (int(place[1]) + np.arange(-half[1], half[1] + 1)) % TILE
    where = np.ix_(rows, columns)
    tile[where] = np.maximum(tile[where], shape)


def streak_levels() -> Tensor:
    """(1, TILE, TILE) upright streaks; each has its own height in (0, 1] on its middle line.

    Example:
        >>> levels = streak_levels()
        >>> levels.shape, bool((levels <= 1).all())
        (torch.Size([1, 256, 256]), True)
    """
    rng = np.random.default_rng(2)
    tile = np.zeros((TILE, TILE), np.float32)
    y, x = np.mgrid[-32:33, -3:4]
    shape = np.exp(-((x / 1.5) ** 2)) * np.clip(1.2 * (1 - (y / 33) ** 2), 0, 1)
    for height in np.linspace(0.02, 1, 110):
        _stamp(tile, rng.integers(0, TILE, 2), (32, 3), height * shape)
    return torch.from_numpy(tile)[None]


def flake_levels() -> Tensor:
    """(1, TILE, TILE) round soft flakes of two sizes; each has its own height in (0, 1].

    Example:
        >>> levels = flake_levels()
        >>> levels.shape, bool((levels <= 1).all())
        (torch.Size([1, 256, 256]), True)
    """
    rng = np.random.default_rng(3)
    tile = np.zeros((TILE, TILE), np.float32)
    y, x = np.mgrid[-7:8, -7:8]
    for radius, count in ((2.0, 300), (5.0, 130)):
        shape = np.clip(1.3 * np.exp(-((np.hypot(x, y) / radius) ** 2)) - 0.1, 0, 1)
        for height in np.linspace(0.02, 1, count):
            _stamp(tile, rng.integers(0, TILE, 2), (7, 7), height * shape)
    return torch.from_numpy(tile)[None]
