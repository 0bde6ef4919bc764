"""Tileable textures that effects read from places of their own: dirt, shadows, snow."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

TILE = 256
"""Side of a texture in texels."""


@cache
def _padded(build: Callable[[], Tensor], device: torch.device) -> Tensor:
    """(1, C, TILE + 2, TILE + 2): one texel of the opposite edge stands around the texture."""
    return F.pad(build()[None], (1, 1, 1, 1), mode="circular").to(device)


def look_up(build: Callable[[], Tensor], places: Tensor) -> Tensor:
    """Read a texture, bilinearly; it repeats without a seam.

    Args:
        build: A module-level function that makes the texture, (C, TILE, TILE) float32; it is
            called once for each device.
        places: (N, H, W, 2) float32, x and y in tiles: 1 is once across the texture.

    Returns:
        (N, C, H, W).

    Example:
        >>> places = torch.rand(2, 8, 8, 2)
        >>> bool(torch.allclose(look_up(grain, places), look_up(grain, places + 3), atol=1e-3))
        True
    """
    tile = _padded(build, places.device)
    side = tile.shape[-1]
    texel = (places - places.floor()) * (side - 2) + 1  # edge to edge of the padded tile
    grid = texel * (2 / side) - 1
    return F.grid_sample(tile.expand(len(places), -1, -1, -1), grid, align_corners=False)


def grain() -> Tensor:
    """(1, TILE, TILE) coherent noise, evenly distributed over [0, 1].

    Octaves of smooth noise whose amplitude halves as the frequency doubles (Perlin, "An image
    synthesizer", 1985), then ranked, so that a threshold t covers a share t of the area. One tile
    holds about eight of the largest blotches a side.
    """
    rng = np.random.default_rng(20_240_917)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(TILE), np.fft.fftfreq(TILE))) * TILE
    # Amplitude 1/f from 4 waves a tile on: octaves of equal power, none longer than a quarter.
    amplitude = np.where(frequency >= 4, 1 / np.maximum(frequency, 4) ** 1.5, 0.0)
    return torch.from_numpy(ranked(_filtered(rng, amplitude)))[None]


def smooth_noise(rng: np.random.Generator, size: float) -> np.ndarray:
    """(TILE, TILE) blotches of one size that repeat, evenly distributed over (0, 1).

    Args:
        rng: Where its phases come from.
        size: Distance of neighbouring blotches in tiles.
    """
    steps = np.fft.fftfreq(TILE) * TILE * size  # 1: one wave over this distance
    octaves = np.log2(np.hypot(*np.meshgrid(steps, steps)) + 1e-9)
    return ranked(_filtered(rng, np.exp(-(octaves**2))))


def _filtered(rng: np.random.Generator, amplitude: np.ndarray) -> np.ndarray:
    """White noise with these amplitudes of its frequencies."""
    spectrum = np.fft.fft2(rng.standard_normal((TILE, TILE))) * amplitude
    return np.fft.ifft2(spectrum).real


def ranked(field: np.ndarray) -> np.ndarray:
    """The field with each value replaced by its rank in (0, 1): a threshold t then covers t.

    Example:
        >>> ranked(np.array([[5.0, -1.0]])).tolist()
        [[0.75, 0.25]]
    """
    ranks = np.empty(field.size, np.float32)
    ranks[field.ravel().argsort(kind="stable")] = (np.arange(field.size) + 0.5) / field.size
    return ranks.reshape(field.shape)
