"""Photometric and texture statistics of crops: light, colour, sharpness, noise, blocks, margin."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from raresign.errors import InputError

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
_AT_ONCE = 256
_SMALLEST = 16
_FLOOR = 1e-4
"""Energies below a fortieth of a grey level are rounding; logarithms start here."""


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

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        """(N,) values of one statistic."""
        column: NDArray[np.float64] = self.values[:, self.names.index(name)]
        return column


def crop_statistics(
    crops: Tensor | NDArray[np.uint8], native: NDArray[np.float64] | None = None
) -> CropStatistics:
    """Statistics of crops; every function below says what its columns mean.

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
    sides = np.full(len(crops), float(size)) if native is None else native
    parts: list[NDArray[np.float64]] = []
    names: tuple[str, ...] = ()
    for rows, part in in_batches(crops):
        measured = _measured(part, torch.from_numpy(sides[rows]).float())
        names = tuple(measured)
        parts.append(torch.stack(list(measured.values()), 1).double().numpy())
    if not parts:
        raise InputError("there are no crops to measure", "give at least one")
    return CropStatistics(names, np.concatenate(parts))


def in_batches(
    crops: Tensor | NDArray[np.uint8], at_once: int = _AT_ONCE
) -> Iterator[tuple[slice, Tensor]]:
    """(rows, float32 crops in [0, 1]) of a few hundred crops at a time, so memory stays flat.

    Example:
        >>> [part.shape[0] for _, part in in_batches(np.zeros((5, 3, 8, 8), np.uint8), 2)]
        [2, 2, 1]
    """
    for start in range(0, len(crops), at_once):
        rows = slice(start, min(start + at_once, len(crops)))
        part = crops[rows]
        tensor = part if isinstance(part, Tensor) else torch.from_numpy(np.array(part))
        yield rows, tensor.float() / 255 if tensor.dtype == torch.uint8 else tensor.float()


@torch.no_grad()
def _measured(crops: Tensor, native: Tensor) -> dict[str, Tensor]:
    """All statistics of one batch by name, each (N,)."""
    luma = torch.einsum("nchw,c->nhw", crops, torch.tensor(_LUMA))
    return {
        **light(luma),
        **colour(crops, luma),
        **sharpness(luma),
        **noise(crops, luma),
        **detail_colour(crops),
        "blocks": blocks(luma, native),
        **margin(luma),
    }


def light(luma: Tensor) -> dict[str, Tensor]:
    """Brightness and contrast of (N, S, S) luma.

    `brightness`, `contrast`: mean and standard deviation; `centre_*` of the inner half of the
    width, `border_*` of the outer eighth; `dark`, `bright`: the 5 % and 95 % quantiles; `clipped`:
    share of pixels at 0.99 and above; `slope_across`, `slope_down`: rise of the least-squares plane
    from one side of the crop to the other.

    Example:
        >>> ramp = torch.linspace(0, 1, 33).expand(1, 33, 33)
        >>> round(light(ramp)["slope_across"].item(), 3), round(light(ramp)["slope_down"].item(), 3)
        (1.0, 0.0)
    """
    size = luma.shape[-1]
    inner = slice(size // 4, size - size // 4)
    centre = luma[:, inner, inner].flatten(1)
    ring = luma[:, _border(size)]
    flat = luma.flatten(1)
    ordered = _sorted_sample(luma)
    place = torch.linspace(-0.5, 0.5, size)
    power = place.square().sum()
    return {
        "brightness": flat.mean(1),
        "contrast": flat.std(1),
        "centre_brightness": centre.mean(1),
        "centre_contrast": centre.std(1),
        "border_brightness": ring.mean(1),
        "border_contrast": ring.std(1),
        "dark": ordered[:, round(0.05 * (ordered.shape[1] - 1))],
        "bright": ordered[:, round(0.95 * (ordered.shape[1] - 1))],
        "clipped": (flat >= 0.99).float().mean(1),
        "slope_across": luma.mean(1) @ place / power,
        "slope_down": luma.mean(2) @ place / power,
    }


def colour(crops: Tensor, luma: Tensor) -> dict[str, Tensor]:
    """Saturation and cast of (N, 3, S, S) crops.

    `saturation`, `vivid`: mean and 95 % quantile of max - min over the channels (the chroma of
    HSV); `border_saturation`: its mean in the outer eighth; `red_green`, `yellow_blue`: mean
    opponent channels R - G and (R + G) / 2 - B; `white_*`: the same where luma is in its upper
    tenth, the crop's white patch; `border_*`: in the outer eighth; `colourfulness`: Hasler and
    Suesstrunk, "Measuring colourfulness in natural images" (SPIE 5007, 2003): root of the summed
    variances of the opponent channels + 0.3 times the length of their mean.

    Example:
        >>> red = torch.zeros(1, 3, 16, 16); red[:, 0] = 1
        >>> found = colour(red, red.mean(1))
        >>> found["saturation"].item(), found["red_green"].item(), found["yellow_blue"].item()
        (1.0, 1.0, 0.5)
    """
    red, green, blue = crops.unbind(1)
    high = torch.maximum(torch.maximum(red, green), blue)
    chroma = high - torch.minimum(torch.minimum(red, green), blue)
    opponents = torch.stack([red - green, (red + green) / 2 - blue], 1).flatten(2)  # (N, 2, S S)
    ring = _border(crops.shape[-1]).flatten()
    ordered, vivid = _sorted_sample(luma), _sorted_sample(chroma)
    chroma = chroma.flatten(1)
    tenth = ordered[:, round(0.9 * (ordered.shape[1] - 1)), None]
    white = (luma.flatten(1) >= tenth).float()[:, :, None]
    mean = opponents.mean(2)
    patch = (opponents @ white).squeeze(2) / white.sum(1).clamp(min=1)
    edge = opponents[:, :, ring].mean(2)
    spread = opponents.var(2, unbiased=False).sum(1).sqrt()
    return {
        "saturation": chroma.mean(1),
        "vivid": vivid[:, round(0.95 * (vivid.shape[1] - 1))],
        "border_saturation": chroma[:, ring].mean(1),
        "red_green": mean[:, 0],
        "yellow_blue": mean[:, 1],
        "white_red_green": patch[:, 0],
        "white_yellow_blue": patch[:, 1],
        "border_red_green": edge[:, 0],
        "border_yellow_blue": edge[:, 1],
        "colourfulness": spread + 0.3 * mean.norm(dim=1),
    }


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
    length = _sorted_sample(torch.hypot(gx, gy))
    found["steepest"] = length[:, round(0.99 * (length.shape[1] - 1))]
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


def margin(luma: Tensor) -> dict[str, Tensor]:
    """Where the sign's edges begin in (N, S, S) luma, as shares of the width.

    The gradient's absolute value is summed over each column (row) and accumulated from either
    side: `margin_across` and `margin_down` are how far the tenth of the sum lies from the left and
    right (top and bottom) border, on average; `off_across`, `off_down`: the centre of mass of the
    sum less the crop's centre.

    Example:
        >>> plate = torch.zeros(1, 64, 64); plate[:, 16:48, 16:48] = 1
        >>> round(margin(plate)["margin_across"].item(), 2)
        0.25
    """
    size = luma.shape[-1]
    energy = torch.zeros_like(luma)
    energy[:, :, 1:] += luma.diff(dim=2).abs()
    energy[:, 1:] += luma.diff(dim=1).abs()
    found = {}
    place = (torch.arange(size) + 0.5) / size - 0.5
    for name, axis in (("across", 1), ("down", 2)):
        profile = energy.sum(axis) + 1e-6
        profile = profile / profile.sum(1, keepdim=True)
        gathered = profile.cumsum(1)
        left = (gathered < 0.1).float().sum(1)
        right = (gathered > 0.9).float().sum(1)
        found[f"margin_{name}"] = (left + right) / (2 * size)
        found[f"off_{name}"] = profile @ place
    return found


def _sorted_sample(plane: Tensor) -> Tensor:
    """Every other pixel of every other row, sorted: all that a quantile needs, at a quarter."""
    return plane[:, ::2, ::2].flatten(1).sort(1).values


def _border(size: int) -> Tensor:
    """(S, S) bool: the outer eighth of the width on every side."""
    ring = torch.ones(size, size, dtype=torch.bool)
    width = max(1, size // 8)
    ring[width:-width, width:-width] = False
    return ring


def _immerkaer(planes: Tensor) -> Tensor:
    """Response to the difference of two Laplacians, as two second differences in turn."""
    second = planes[..., 2:] - 2 * planes[..., 1:-1] + planes[..., :-2]
    return second[..., 2:, :] - 2 * second[..., 1:-1, :] + second[..., :-2, :]
