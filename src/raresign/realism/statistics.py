"""Every statistic of crops, as one table of numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raresign.errors import InputError
from raresign.realism.appearance import colour, light, margin
from raresign.realism.texture import blocks, detail_colour, noise, sharpness
from raresign.synthesis.effects.colour import LUMA

_AT_ONCE = 256
_SMALLEST = 16


@dataclass(frozen=True, eq=False)
class CropStatistics:
    """One row of numbers a crop.

    Args:
        names: K names, in the order of the columns.
        values: (N, K) float64, finite.

    Example:
        >>> grey = crop_statistics(torch.full((2, 3, 32, 32), 0.5))
        >>> grey["brightness"].round(3).tolist(), grey["noise_1"].tolist()
        ([0.5, 0.5], [-4.0, -4.0])
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        """(N,) values of one statistic."""
        return self.values[:, self.names.index(name)]


def crop_statistics(
    crops: Tensor | NDArray[np.uint8], native: NDArray[np.float64] | None = None
) -> CropStatistics:
    """Statistics of crops; the functions of `appearance` and `texture` say what its columns mean.

    Args:
        crops: (N, 3, S, S) float32 in [0, 1] or uint8; S at least 16.
        native: (N,) side of each crop on the sensor in pixels, S unless given. Only `blocks` reads
            it: a block of 8 x 8 pixels is 8 S / native wide in the crop.

    Raises:
        InputError: Wrong shape.

    Example:
        >>> crop_statistics(torch.rand(5, 3, 48, 48)).values.shape[0]
        5
    """
    if crops.ndim != 4 or crops.shape[1] != 3 or crops.shape[2] != crops.shape[3]:
        raise InputError(f"crops have the shape {tuple(crops.shape)}", "give (N, 3, S, S)")
    size = crops.shape[-1]
    if size < _SMALLEST:
        raise InputError(f"crops of {size} px", f"statistics need at least {_SMALLEST} px")
    if not len(crops):
        raise InputError("there are no crops to measure", "give at least one")
    sides = np.full(len(crops), float(size)) if native is None else native
    parts = []
    for rows, part in in_batches(crops):
        measured = _measured(part, torch.from_numpy(sides[rows]).float())
        parts.append(torch.stack(list(measured.values()), 1).double().numpy())
    return CropStatistics(tuple(measured), np.concatenate(parts))


def in_batches(
    crops: Tensor | NDArray[np.uint8],
) -> Iterator[tuple[slice, Tensor]]:
    """(rows, float32 crops in [0, 1]) of 256 crops at a time, so memory stays flat.

    Example:
        >>> [part.shape[0] for _, part in in_batches(np.zeros((300, 3, 8, 8), np.uint8))]
        [256, 44]
    """
    for start in range(0, len(crops), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        part = crops[rows]
        tensor = part if isinstance(part, Tensor) else torch.from_numpy(np.array(part))
        yield rows, tensor.float() / 255 if tensor.dtype == torch.uint8 else tensor.float()


@torch.no_grad()
def _measured(crops: Tensor, native: Tensor) -> dict[str, Tensor]:
    """All statistics of one batch by name, each (N,)."""
    luma = torch.einsum("nchw,c->nhw", crops, torch.tensor(LUMA))
    return {
        **light(luma),
        **colour(crops, luma),
        **sharpness(luma),
        **noise(crops, luma),
        **detail_colour(crops),
        "blocks": blocks(luma, native),
        **margin(luma),
    }
