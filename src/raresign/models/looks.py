"""How the net looks at a crop: brought to one contrast, and a second time from closer by."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

_CLOSER = 0.88
"""Share of a crop's side that a closer look shows."""


def even_contrast(crops: Tensor) -> Tensor:
    """Bring every crop to the mean 0.45 and the standard deviation 0.22 over pixels and channels.

    Photometric normalisation in training and test (Jin, Rinard 2021 use autocontrast); mean and
    deviation instead of extremes, which one glint decides. Colours keep their ratios' order.

    Args:
        crops: (N, 3, H, W) floats in [0, 1].

    Example:
        >>> import torch
        >>> even_contrast(torch.rand(2, 3, 8, 8) * 0.1).std((1, 2, 3), correction=0)
        tensor([0.2200, 0.2200])
    """
    mean = crops.mean((1, 2, 3), keepdim=True)
    deviation = (crops - mean).square().mean((1, 2, 3), keepdim=True).sqrt()
    return (crops - mean) * (0.22 / deviation.clamp_min(1 / 255)) + 0.45


def closer(crops: Tensor) -> Tensor:
    """The middle 88 % of every crop's side, brought back to the crop's size: a closer look.

    Args:
        crops: (N, C, H, W) floats in [0, 1], as are those returned.

    Example:
        >>> import torch
        >>> closer(torch.rand(2, 3, 32, 32)).shape
        torch.Size([2, 3, 32, 32])
    """
    height, width = crops.shape[-2:]
    top, left = round(height * (1 - _CLOSER) / 2), round(width * (1 - _CLOSER) / 2)
    middle = crops[..., top : height - top, left : width - left]
    near = F.interpolate(middle, (height, width), mode="bicubic", align_corners=False)
    return near.clamp(0, 1)  # bicubic overshoots at edges
