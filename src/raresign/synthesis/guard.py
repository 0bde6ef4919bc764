"""The quality guard: refuses crops in which no one could read the sign."""

from __future__ import annotations

from functools import cache

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor


class Guard(BaseModel):
    """Compares what is left of the sign's own contrast with what its icon had.

    A sign is legible as long as its inner detail survives: the guard shrinks the icon's and the
    crop's colours to `grid` x `grid` cells, removes their means inside the plate and asks how much
    of the icon's detail the crop still shows (the regression slope of crop detail on icon
    detail), and how well the two agree (their correlation).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    enabled: bool = True
    least_contrast: float = Field(default=0.06, ge=0.0)
    """Smallest share of the icon's contrast that must be left."""
    least_agreement: float = Field(default=0.5, ge=0.0, le=1.0)
    """Smallest correlation between the icon's detail and the crop's."""
    grid: int = Field(default=16, ge=4)
    tries: int = Field(default=3, ge=1)
    """How many draws a crop has; the last one is let through, and counted if it is refused."""

    def legible(self, signs: Tensor, crops: Tensor) -> Tensor:
        """(N,) bool: is the sign readable?

        Args:
            signs: (N, 4, T, T) premultiplied RGBA, the icon where it stands in the crop, undamaged;
                of any resolution.
            crops: (N, 3, S, S) the finished crops.

        Returns:
            (N,) bool; a sign that stands outside the crop is not readable, one whose plate is of
            a single colour always is.
        """
        grid = min(self.grid, signs.shape[-1], crops.shape[-1])
        icon, alpha = _cells(signs, grid).split((3, 1), 1)
        crop = _cells(crops, grid)
        weight = (alpha > 0.95).float()
        seen = weight.sum(2, keepdim=True)
        total = seen.clamp(min=1.0)
        icon = (icon - (icon * weight).sum(2, keepdim=True) / total) * weight
        crop = (crop - (crop * weight).sum(2, keepdim=True) / total) * weight
        both = (icon * crop).sum((1, 2))
        icon_power = (icon * icon).sum((1, 2)).clamp(min=1e-6)
        crop_power = (crop * crop).sum((1, 2)).clamp(min=1e-6)
        contrast = both / icon_power
        agreement = both / (icon_power * crop_power).sqrt()
        # A plate of one colour (3.2 has none inside) cannot lose its detail.
        plain = icon_power / total.flatten() < 3e-3
        shown = (contrast > self.least_contrast) & (agreement > self.least_agreement)
        readable: Tensor = (seen.flatten() > 0) & (plain | shown)
        return readable


def _cells(pictures: Tensor, grid: int) -> Tensor:
    """(N, C, S, S) -> (N, C, grid * grid) averages, column by column."""
    n, channels, size, _ = pictures.shape
    shares = _shares(size, grid, pictures.device)
    across = pictures.reshape(-1, size) @ shares
    turned = across.view(n, channels, size, grid).mT.reshape(-1, size)
    return (turned @ shares).view(n, channels, -1)


@cache
def _shares(size: int, grid: int, device: torch.device) -> Tensor:
    """(size, grid) which share of each cell a pixel has; columns add up to 1."""
    edges = torch.linspace(0, size, grid + 1, dtype=torch.float64)
    pixel = torch.arange(size)[:, None]
    within = (torch.minimum(edges[1:], pixel + 1) - torch.maximum(edges[:-1], pixel)).clamp(min=0)
    return (within * (grid / size)).float().to(device)
