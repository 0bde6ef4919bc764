"""Coherent noise: random values on coarse grids, interpolated smoothly and summed over octaves."""

from __future__ import annotations

import numpy as np
from PIL import Image


def coherent_noise(
    rng: np.random.Generator,
    height: int,
    width: int,
    cells: float,
    octaves: int = 4,
    stretch: float = 1.0,
) -> np.ndarray:
    """Fractal value noise (each octave has twice the cells and half the strength).

    Args:
        rng: Source of the grid values.
        height: Pixels.
        width: Pixels.
        cells: Cells of the coarsest grid along the height.
        octaves: How many grids are summed.
        stretch: Cells are this many times as wide as high.

    Returns:
        (height, width) float32, about normal with mean 0; nearly all values lie in [-1, 1].
    """
    total = np.zeros((height, width), np.float32)
    strength = 1.0
    for _ in range(octaves):
        rows = min(height, max(1, round(cells))) + 3
        columns = min(width, max(1, round(cells * width / height / stretch))) + 3
        grid = Image.fromarray(rng.standard_normal((rows, columns)).astype(np.float32))
        # The outermost ring of cells is cut off: interpolation clamps there.
        inside = (1.0, 1.0, columns - 1.0, rows - 1.0)
        total += strength * np.asarray(
            grid.resize((width, height), Image.Resampling.BICUBIC, box=inside), np.float32
        )
        strength *= 0.5
        cells *= 2
    total *= np.float32(0.45)
    return total
