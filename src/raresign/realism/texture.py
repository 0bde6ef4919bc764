"""The finest that a crop shows: sharpness, noise, the colour of detail, a codec's blocks."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from raresign.realism.appearance import quantiles

_FLOOR = 1e-4
"""Energies below a fortieth of a grey level are rounding; logarithms start here."""


def sharpness(luma: Tensor) -> dict[str, Tensor]:
    """How detail is spread over scales and directions in (N, S, S) luma.

    `band_k`: log10 of the share of the spectrum's energy in the octave [2^(k-1), 2^k) of cycles a
    crop, k = 2..5, Hann window (blur and few pixels empty the high bands); `echo_k`: correlation of
    the gradient with itself k pixels further on along its own axis (blur raises it, sharpening
    halos and ringing push it below zero); `one_way`: |E gx^2 - E gy^2, 2 E gx gy| / E(gx^2 + gy^2),
    the coherence of the structure tensor (Bigun and Granlund, ICCV 1987; motion blur raises it);
    `steepest`: 99 % quantile of the gradient's length.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> rough = torch.rand(1, 64, 64)
        >>> smooth = F.avg_pool2d(rough, 5, 1, 2)
        >>> bool(sharpness(rough)["band_5"] > sharpness(smooth)["band_5"])
        True
    """
    size = luma.shape[-1]
    window = torch.hann_window(size, periodic=False)
    centred = luma - luma.mean((1, 2), keepdim=True)
    power = torch.fft.rfft2(centred * window * window[:, None]).abs().square()
    power[:, :, 1 : (size + 1) // 2] *= 2  # the other half of the spectrum
    down = torch.fft.fftfreq(size, 1 / size)[:, None]
    radius = torch.hypot(down, torch.arange(power.shape[2], dtype=torch.float32))
    total = power.sum((1, 2)) + 1e-9
    found = {}
    for octave in (2, 3, 4, 5):
        band = (radius >= 2 ** (octave - 1)) & (radius < 2**octave)
        share = (power * band).sum((1, 2)) / total
        found[f"band_{octave}"] = share.clamp(min=_FLOOR**2).log10()
    across, below = luma.diff(dim=2), luma.diff(dim=1)
    energy = across.square().sum((1, 2)) + below.square().sum((1, 2)) + 1e-9
    for lag in (1, 2, 3, 4, 6):
        same = (across[:, :, lag:] * across[:, :, :-lag]).sum((1, 2))
        same = same + (below[:, lag:] * below[:, :-lag]).sum((1, 2))
        found[f"echo_{lag}"] = same / energy
    gx, gy = across[:, :-1], below[:, :, :-1]
    differ = gx.square().mean((1, 2)) - gy.square().mean((1, 2))
    both = 2 * (gx * gy).mean((1, 2))
    found["one_way"] = torch.hypot(differ, both) / (
        gx.square().mean((1, 2)) + gy.square().mean((1, 2)) + 1e-9
    )
    (found["steepest"],) = quantiles(torch.hypot(gx, gy), 0.99)
    return found


def noise(crops: Tensor, luma: Tensor) -> dict[str, Tensor]:
    """Noise level, log10 of a standard deviation in [0, 1] units, at three scales.

    `noise_1`: Immerkaer, "Fast noise variance estimation" (CVIU 64, 1996): sqrt(pi / 2) times the
    mean absolute response to [[1, -2, 1], [-2, 4, -2], [1, -2, 1]], over 6. `noise_2`, `noise_4`:
    median absolute value of the same response over 6 x 0.6745 (Donoho and Johnstone, Biometrika 81,
    1994), which edges hardly move, after averaging cells of 2 x 2 and 4 x 4 pixels: a crop that was
    enlarged holds its noise at a coarser scale. `noise_colour_2`: that of R - G and of
    (R + G) / 2 - B, the larger.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> grey = 0.5 + 0.03 * torch.randn(1, 64, 64)
        >>> round(10 ** noise(grey.expand(1, 3, 64, 64), grey)["noise_1"].item(), 2)
        0.03
    """
    red, green, blue = crops.unbind(1)
    planes = torch.stack([luma, red - green, (red + green) / 2 - blue], 1)
    fine = _immerkaer(planes[:, :1]).abs().mean((1, 2, 3)) * math.sqrt(math.pi / 2) / 6
    found = {"noise_1": fine}
    for cells in (2, 4):
        response = _immerkaer(F.avg_pool2d(planes, cells)).abs().flatten(2)
        level = response.median(2).values / (6 * 0.6745)
        found[f"noise_{cells}"] = level[:, 0]
        if cells == 2:
            found["noise_colour_2"] = level[:, 1:].amax(1)
    return {name: value.clamp(min=_FLOOR).log10() for name, value in found.items()}


def detail_colour(crops: Tensor) -> dict[str, Tensor]:
    """How the fine detail of the channels belongs together, in (N, 3, S, S) crops.

    Detail is a channel less its 5 x 5 mean. `detail_red`, `detail_blue`: its correlation with that
    of green (colour noise and fringes of the lens lower it); `detail_chroma`: log10 of the energy
    of R - G and of (R + G) / 2 - B over that of their mean (coarse chroma in a file lowers it).

    Example:
        >>> _ = torch.manual_seed(0)
        >>> grey = torch.rand(1, 1, 32, 32).expand(1, 3, 32, 32)
        >>> round(detail_colour(grey)["detail_blue"].item(), 3)
        1.0
    """
    padded = F.pad(crops, (2, 2, 2, 2), mode="replicate")
    red, green, blue = (crops - F.avg_pool2d(padded, 5, 1)).flatten(2).unbind(1)
    power = [channel.square().sum(1) + 1e-6 for channel in (red, green, blue)]
    chroma = (red - green).square().sum(1) + ((red + green) / 2 - blue).square().sum(1)
    mean = ((red + green + blue) / 3).square().sum(1)
    return {
        "detail_red": (red * green).sum(1) / (power[0] * power[1]).sqrt(),
        "detail_blue": (blue * green).sum(1) / (power[2] * power[1]).sqrt(),
        "detail_chroma": ((chroma + 1e-6) / (mean + 1e-6)).log10(),
    }


def blocks(luma: Tensor, native: Tensor) -> Tensor:
    """Strength of a grid of 8 native pixels, whatever its phase: (N,), about 0 without one.

    At a border of a coded block the step is larger than the two steps beside it, along the whole
    line; so: the excess of each step over the mean of its neighbours, its median along the line
    (which single edges do not move), then the mean over the lines of the grid, the best of 16
    phases less their median, both axes averaged, over the mean step. After Wang, Sheikh and Bovik,
    "No-reference perceptual quality assessment of JPEG compressed images" (ICIP 2002).

    Args:
        luma: (N, S, S).
        native: (N,) side of the crop on the sensor in pixels.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> plain = torch.rand(1, 64, 64)
        >>> coded = F.interpolate(torch.rand(1, 1, 8, 8), scale_factor=8)[:, 0] + plain / 10
        >>> side = torch.tensor([64.0])
        >>> bool(blocks(coded, side) > 5 * blocks(plain, side))
        True
    """
    size = luma.shape[-1]
    period = 8 * size / native.clamp(min=8.0)
    total = torch.zeros(len(luma))
    for plane in (luma, luma.mT):
        step = plane.diff(dim=2).abs()  # (N, S, S - 1)
        excess = step[:, :, 1:-1] - (step[:, :, :-2] + step[:, :, 2:]) / 2
        line = excess.median(1).values  # (N, S - 3); column j is the step at j + 2
        phases = torch.arange(16) / 16 * period[:, None]
        grid = torch.arange(size // 2) * period[:, None]
        place = phases[:, :, None] + grid[:, None]  # (N, 16, S / 2)
        inside = place < line.shape[1]
        column = place.long().clamp(max=line.shape[1] - 1).flatten(1)
        value = line.gather(1, column).view_as(place) * inside
        strength = value.sum(2) / inside.sum(2).clamp(min=1)
        best = strength.amax(1) - strength.median(1).values
        total = total + best / (step.mean((1, 2)) + 1e-3)
    return total / 2


def _immerkaer(planes: Tensor) -> Tensor:
    """Response to the difference of two Laplacians, as two second differences in turn."""
    second = planes[..., 2:] - 2 * planes[..., 1:-1] + planes[..., :-2]
    return second[..., 2:, :] - 2 * second[..., 1:-1, :] + second[..., :-2, :]
