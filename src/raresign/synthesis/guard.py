"""The quality guard: refuses crops in which no one could read the sign."""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from raresign.synthesis.camera import shrinking_matrix
from raresign.synthesis.colour import LUMA


class Guard(BaseModel):
    """Compares what is left of the sign's own contrast with what its icon had.

    A sign is legible as long as its inner detail survives: the guard shrinks the icon's and the
    crop's luma to `grid` x `grid` cells, removes the mean inside the plate and asks how much of
    the icon's detail the crop still shows (the regression slope of crop detail on icon detail),
    and how well the two agree (their correlation).

    Example:
        >>> guard = Guard()
        >>> icons = torch.rand(2, 4, 64, 64); icons[:, 3] = 1
        >>> guard.legible(icons, icons[:, :3]).tolist()
        [True, True]
        >>> guard.legible(icons, torch.full((2, 3, 64, 64), 0.5)).tolist()
        [False, False]
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    enabled: bool = True
    least_contrast: float = Field(default=0.06, ge=0.0)
    """Smallest share of the icon's contrast that must be left."""
    least_agreement: float = Field(default=0.5, ge=0.0, le=1.0)
    """Smallest correlation between the icon's detail and the crop's."""
    grid: int = Field(default=24, ge=4)
    tries: int = Field(default=3, ge=1)
    """How many draws a crop has; the last one is let through, and counted if it is refused."""

    def legible(self, signs: Tensor, crops: Tensor) -> Tensor:
        """(N,) bool: is the sign readable?

        Args:
            signs: (N, 4, S, S) premultiplied RGBA, the icon where it stands in the crop, undamaged.
            crops: (N, 3, S, S) the finished crops.

        Returns:
            (N,) bool; a sign that stands outside the crop is not readable, one whose plate is of
            a single colour always is.
        """
        size = signs.shape[-1]
        luma = torch.tensor(LUMA, device=signs.device)
        planes = torch.stack(
            [
                torch.einsum("nchw,c->nhw", signs[:, :3], luma),
                torch.einsum("nchw,c->nhw", crops, luma),
                signs[:, 3],
            ],
            1,
        )
        ones = torch.ones(1, device=signs.device)
        cells = shrinking_matrix(ones * min(self.grid, size), ones * 0.3, size)[0]
        small = cells @ planes @ cells.T
        weight = (small[:, 2] > 0.95).float()
        seen = weight.sum((1, 2))
        total = seen.clamp(min=1.0)
        icon, crop = small[:, 0], small[:, 1]
        icon = (icon - ((icon * weight).sum((1, 2)) / total)[:, None, None]) * weight
        crop = (crop - ((crop * weight).sum((1, 2)) / total)[:, None, None]) * weight
        both = (icon * crop).sum((1, 2))
        icon_power = (icon * icon).sum((1, 2)).clamp(min=1e-6)
        crop_power = (crop * crop).sum((1, 2)).clamp(min=1e-6)
        contrast = both / icon_power
        agreement = both / (icon_power * crop_power).sqrt()
        # A plate of one colour (3.2 has none inside) cannot lose its detail.
        plain = icon_power / total < 1e-3
        shown = (contrast > self.least_contrast) & (agreement > self.least_agreement)
        return (seen > 0) & (plain | shown)
