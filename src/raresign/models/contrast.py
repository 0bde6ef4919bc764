"""Every crop brought to one mean and one contrast before the net sees it."""

from __future__ import annotations

from torch import Tensor


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
