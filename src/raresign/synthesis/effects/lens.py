"""The lens and the moving camera: motion blur of any angle, lateral chromatic aberration."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from raresign.synthesis.effect import CropEffect, Params, Range, inside
from raresign.synthesis.fields import axes


class MotionBlur(CropEffect):
    """The camera moves while the shutter is open: a Gaussian streak of any angle."""

    draws: ClassVar[int] = 2

    length: Annotated[Range, inside(0.001, 0.2)] = (0.01, 0.045)
    """Standard deviation along the motion, as a share of the crop."""
    angle: Annotated[Range, inside(-10, 10)] = (0.0, math.pi)
    """Radians, 0 along the road's horizon."""

    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """Convolve each crop with its own kernel; the edge pixels repeat outwards."""
        n, channels, height, width = crops.shape
        length = params["length"][:, None, None] * height
        across_sigma = max(0.35, height / 200)  # hardly any blur across the motion
        reach = min(max(2, math.ceil(2.5 * self.length[-1] * height)), height - 1)
        offset = torch.arange(-reach, reach + 1.0, device=crops.device)
        cos, sin = params["angle"].cos()[:, None, None], params["angle"].sin()[:, None, None]
        along = offset * cos + offset[:, None] * sin
        across = offset[:, None] * cos - offset * sin
        kernel = torch.exp(-0.5 * ((along / length) ** 2 + (across / across_sigma) ** 2))
        kernel = kernel / kernel.sum((1, 2), keepdim=True)
        padded = F.pad(crops, (reach, reach, reach, reach), mode="replicate")
        stacked = padded.view(1, n * channels, height + 2 * reach, width + 2 * reach)
        kernels = kernel[:, None].repeat_interleave(channels, 0)
        return F.conv2d(stacked, kernels, groups=n * channels).view_as(crops)


class ChromaticAberration(CropEffect):
    """Red and blue fall beside green, in opposite directions: colour fringes at edges."""

    draws: ClassVar[int] = 2

    shift: Annotated[Range, inside(0, 0.2)] = (0.0, 0.015)
    """How far red moves, as a share of the crop; blue moves as far the other way."""
    angle: Annotated[Range, inside(-10, 10)] = (0.0, 2 * math.pi)
    """Where red moves, in radians, 0 to the right, pi / 2 down: away from the middle of the photo,
    which may lie anywhere."""

    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """Shift red and blue, bilinearly; the edge pixels repeat outwards."""
        n, _, height, width = crops.shape
        angle = params["angle"]
        away = torch.stack([angle.cos(), angle.sin()], 1) * (2 * params["shift"][:, None])
        x, y = axes(crops)
        middle = torch.stack(torch.meshgrid(x.flatten(), y.flatten(), indexing="xy"), 2)
        # A channel that moves forth shows what lies behind.
        grids = [middle - sign * away[:, None, None] for sign in (1.0, -1.0)]
        red_blue = crops[:, ::2].reshape(2 * n, 1, height, width)
        grid = torch.stack(grids, 1).view(2 * n, height, width, 2)
        moved = F.grid_sample(red_blue, grid, padding_mode="border", align_corners=False)
        result = crops.clone()
        result[:, ::2] = moved.view(n, 2, height, width)
        return result
