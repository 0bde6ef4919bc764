"""The sensor: defocus and exact area sampling to few pixels, and back to the crop's size."""

from __future__ import annotations

import math
from functools import cache
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from raresign.synthesis.effect import Effect, LogRange, Params, Range, inside


class Sensor(Effect):
    """How many pixels of the sensor the crop covers and how sharp the lens draws there.

    Both resamplings are separable, so each is one matrix product an axis and a crop may have any
    resolution and any blur, each its own. What the electronics and the file do to the pixels
    happens between `see` and `enlarge`, at the sensor's own resolution.
    """

    draws: ClassVar[int] = 3

    probability: float = Field(default=1.0, ge=1.0, le=1.0)
    """Every photo has a sensor."""
    pixels: Annotated[LogRange, inside(1, 4096)] = (10.0, 64.0)
    """Side of the crop on the sensor in pixels, linear in its logarithm between the knots; more
    than the crop's size counts as the crop's size."""
    blur: Annotated[Range, inside(0, 100)] = (0.25, 0.9)
    """Defocus: standard deviation of the lens blur in sensor pixels."""
    cubic: Annotated[Range, inside(0, 1)] = (0.0, 1.0)
    """Share of the bicubic (against the bilinear) kernel when the crop is enlarged."""

    def sample(self, u: Tensor) -> Params:
        """`pixels` (whole), `blur`, `cubic`: (N,)."""
        params = self.ranges(u)
        return {**params, "pixels": params["pixels"].round()}

    def see(self, crops: Tensor, params: Params, grid: int) -> Tensor:
        """What the sensor sees.

        Args:
            crops: (N, 3, S, S).
            params: What `sample` returned.
            grid: Side of the result; more pixels than this count as this many.

        Returns:
            (N, 3, grid, grid); a crop's own pixels come first, its last ones repeat behind them.
        """
        size = crops.shape[-1]
        pixels = params["pixels"].clamp(max=float(grid))
        shrink = shrinking_matrix(pixels, params["blur"], size, grid)
        return along_both(crops, shrink, shrink)

    def enlarge(self, seen: Tensor, params: Params, size: int) -> Tensor:
        """(N, 3, grid, grid) -> (N, 3, size, size): the crop as a data set would store it."""
        grid = seen.shape[-1]
        pixels = params["pixels"].clamp(max=float(grid))
        enlarge = enlarging_matrix(pixels, params["cubic"], size, grid)
        return along_both(seen, enlarge, enlarge)


def along_both(pictures: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """(N, T, H) matrices down and (N, V, W) across (N, C, H, W) pictures: (N, C, T, V)."""
    tall = torch.matmul(down[:, None], pictures)  # (N, C, T, W)
    wide = torch.bmm(tall.flatten(1, 2), across.mT)  # all channels in one product
    return wide.view(*tall.shape[:3], across.shape[1])


def shrinking_matrix(pixels: Tensor, blur: Tensor, size: int, grid: int) -> Tensor:
    """(N, grid, size) rows that average a blurred line over each of `pixels` sensor pixels.

    Row i holds the weights of sensor pixel i, rows from `pixels` on repeat the last one. The weight
    of input pixel j is the mass that a Gaussian around j puts on sensor pixel i: no aliasing.

    Args:
        pixels: (N,) number of sensor pixels, 1..size.
        blur: (N,) standard deviation of the blur in sensor pixels.
        size, grid: Input and output length.
    """
    step = size / pixels[:, None, None]
    scale = 1 / ((blur[:, None, None] * step).clamp(min=0.25) * math.sqrt(2.0))
    edge = torch.arange(grid + 1, device=pixels.device)[:, None] * step
    centre = torch.arange(size, device=pixels.device) + 0.5
    below = torch.erf((edge - centre).mul_(scale))  # (N, grid + 1, size)
    mass = below[:, 1:] - below[:, :-1]
    # Beyond the last sensor pixel: that pixel once more.
    last = (pixels.long() - 1)[:, None, None].expand(-1, 1, size)
    beyond = torch.arange(grid, device=pixels.device)[:, None] >= pixels[:, None, None]
    mass = torch.where(beyond, mass.gather(1, last), mass)
    return mass.div_(mass.sum(2, keepdim=True).clamp(min=1e-6))


def enlarging_matrix(pixels: Tensor, cubic: Tensor, size: int, grid: int) -> Tensor:
    """(N, size, grid) rows that interpolate `size` values from the first `pixels` inputs.

    Blends the bilinear kernel with Keys' bicubic one, a = -0.5 (Keys, "Cubic convolution
    interpolation for digital image processing", 1981). At the edges the weights of the inputs
    that there are add up to 1.

    Args:
        pixels: (N,) number of inputs that count, 1..grid.
        cubic: (N,) share of the bicubic kernel, 0..1.
        size, grid: Output and input length.
    """
    bilinear, keys = _kernels(size, grid, pixels.device)
    which = pixels.long() - 1
    weights = torch.lerp(bilinear[which], keys[which], cubic[:, None, None])
    return weights.div_(weights.sum(2, keepdim=True))


@cache
def _kernels(size: int, grid: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """(grid, size, grid) bilinear and bicubic weights for 1, 2, ... `grid` inputs."""
    pixels = torch.arange(1, grid + 1, device=device)[:, None, None]
    position = (torch.arange(size, device=device)[:, None] + 0.5) * (pixels / size) - 0.5
    column = torch.arange(grid, device=device)
    distance = (position - column).abs()
    bilinear = (1 - distance).clamp(min=0.0)
    near = (1.5 * distance - 2.5) * distance * distance + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    keys = torch.where(distance < 1, near, torch.where(distance < 2, far, 0.0))
    known = column < pixels
    return bilinear * known, keys * known
