"""Tileable textures that effects read from places of their own: dirt, shadows, snow."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

TILE = 256
"""Side of a texture in texels."""

_tiles: dict[tuple[Callable[[], Tensor], torch.device], Tensor] = {}


def tile_on(build: Callable[[], Tensor], device: torch.device) -> Tensor:
    """The texture that `build` makes, built once and kept on each device.

    Args:
        build: A module-level function without arguments; returns (C, TILE, TILE) float32.
        device: Where it is read.

    Returns:
        (1, C, TILE + 2, TILE + 2): one texel of the opposite edge stands around, for `look_up`.

    Example:
        >>> tile_on(grain, torch.device("cpu")).shape
        torch.Size([1, 1, 258, 258])
    """
    key = (build, device)
    if key not in _tiles:
        _tiles[key] = F.pad(build()[None], (1, 1, 1, 1), mode="circular").to(device)
    return _tiles[key]


def look_up(tile: Tensor, places: Tensor) -> Tensor:
    """Read a texture, bilinearly; it repeats without a seam.

    Args:
        tile: From `tile_on`.
        places: (N, H, W, 2) float32, x and y in tiles: 1 is once across the texture.

    Returns:
        (N, C, H, W).

    Example:
        >>> tile = tile_on(grain, torch.device("cpu"))
        >>> places = torch.rand(2, 8, 8, 2)
        >>> bool(torch.allclose(look_up(tile, places), look_up(tile, places + 3), atol=1e-3))
        True
    """
    side = tile.shape[-1]
    texel = (places - places.floor()) * (side - 2) + 1  # edge to edge of the padded tile
    grid = texel * (2 / side) - 1
    return F.grid_sample(tile.expand(len(places), -1, -1, -1), grid, align_corners=False)


def grain() -> Tensor:
    """(1, TILE, TILE) coherent noise, evenly distributed over [0, 1].

    Octaves of smooth noise whose amplitude halves as the frequency doubles (Perlin, "An image
    synthesizer", 1985), then ranked, so that a threshold t covers a share t of the area. One tile
    holds about eight of the largest blotches a side.

    Example:
        >>> share = (grain() < 0.3).float().mean().item()
        >>> round(share, 3)
        0.3
    """
    rng = np.random.default_rng(20_240_917)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(TILE), np.fft.fftfreq(TILE))) * TILE
    spectrum = np.fft.fft2(rng.standard_normal((TILE, TILE)))
    # Amplitude 1/f from 4 waves a tile on: octaves of equal power, none longer than a quarter.
    amplitude = np.where(frequency >= 4, 1 / np.maximum(frequency, 4) ** 1.5, 0.0)
    field = np.fft.ifft2(spectrum * amplitude).real
    ranked = np.empty(field.size, np.float32)
    ranked[field.ravel().argsort()] = (np.arange(field.size) + 0.5) / field.size
    return torch.from_numpy(ranked.reshape(1, TILE, TILE))
