"""Fields over the crop, of which light, weather and occlusion are made: axes, windows, ramps."""

from __future__ import annotations

import torch
from torch import Tensor


def per_crop(values: Tensor) -> Tensor:
    """(N,) or (N, k) values as (N, 1, 1, 1) or (N, k, 1, 1), to meet (N, C, H, W) pixels."""
    return (values if values.dim() > 1 else values[:, None])[:, :, None, None]


def brightest(crops: Tensor) -> Tensor:
    """(N, 1, 1, 1) the highest value of each crop: what is white in its light."""
    return per_crop(crops.amax((1, 2, 3)))


def axes(crops: Tensor) -> tuple[Tensor, Tensor]:
    """Where the pixels' centres lie, x (1, 1, 1, W), y (1, 1, H, 1); [-1, 1] from edge to edge.

    Example:
        >>> x, y = axes(torch.zeros(1, 3, 4, 2))
        >>> x.flatten().tolist(), y.flatten().tolist()
        ([-0.5, 0.5], [-0.75, -0.25, 0.25, 0.75])
    """
    height, width = crops.shape[2:]
    x = (torch.arange(width, device=crops.device) * 2 + 1) / width - 1
    y = (torch.arange(height, device=crops.device) * 2 + 1) / height - 1
    return x.view(1, 1, 1, -1), y.view(1, 1, -1, 1)


def along(crops: Tensor, direction: Tensor) -> Tensor:
    """(N, 1, H, W) how far each pixel lies from the centre along a direction, in half crops.

    Args:
        crops: (N, C, H, W).
        direction: (N,) radians; 0 points right, pi / 2 down.
    """
    x, y = axes(crops)
    return per_crop(direction.cos()) * x + per_crop(direction.sin()) * y


def window(crops: Tensor, tiles: Tensor, turn: Tensor, corner: Tensor) -> Tensor:
    """Which part of a texture each crop shows: (N, H, W, 2) places for `textures.look_up`.

    Args:
        crops: (N, C, H, W).
        tiles: (N,) or (N, 2) tiles a crop spans, along x and along y of the texture.
        turn: (N,) radians from the crop's axes to the texture's.
        corner: (N, 2) the place that the crop's centre shows.
    """
    x, y = axes(crops)
    half = tiles.reshape(len(tiles), -1) / 2
    cos, sin = turn.cos()[:, None], turn.sin()[:, None]
    x_step = per_crop(torch.cat([cos, sin], 1) * half)  # (N, 2, 1, 1): half a crop to the right
    y_step = per_crop(torch.cat([-sin, cos], 1) * half)
    # The two coordinates are laid out as channels: adding and sampling are faster than in pairs.
    return (x_step * x + (y_step * y + per_crop(corner))).permute(0, 2, 3, 1)


def band(distance: Tensor, half_width: Tensor, blur: Tensor | float) -> Tensor:
    """How much of a soft-edged band covers a point, as a box of width `blur` sees it.

    Args:
        distance: From the middle of the band, >= 0, any shape.
        half_width: >= 0, broadcast; a band thinner than `blur` is faint, of width 0 is nothing.
        blur: Width of the soft edge, > 0, in the same unit.

    Returns:
        In [0, 1], the shape of `distance`.

    Example:
        >>> band(torch.tensor([0.0, 1.0, 3.0]), torch.tensor(1.0), 0.5).tolist()
        [1.0, 0.5, 0.0]
    """
    most = (2 * half_width / blur).clamp(max=1.0)
    cover = (half_width / blur + 0.5) - distance / blur
    return torch.minimum(cover.clamp_(min=0.0), most)
