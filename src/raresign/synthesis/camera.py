"""Lens and sensor: motion blur, then defocus, few pixels, noise and sharpening."""

from __future__ import annotations

import math
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from raresign.randomness import CropRandom
from raresign.synthesis.effect import Effect, Params, Range, draw, draw_log, inside


class MotionBlur(Effect):
    """The camera moves while the shutter is open: a Gaussian streak of any angle.

    Example:
        >>> random = CropRandom.from_seed(0, torch.arange(1))
        >>> dot = torch.zeros(1, 3, 64, 64)
        >>> dot[:, :, 32, 32] = 1.0
        >>> streak = MotionBlur(length=(2, 2))(dot, random)
        >>> round(streak[0, 0].sum().item(), 4), streak.max().item() < 0.5
        (1.0, True)
    """

    length: Annotated[Range, inside(0.05, 100)] = (0.6, 3.0)
    """Standard deviation along the motion, in crop pixels of a 64 px crop."""
    width: float = Field(default=0.4, ge=0.05)
    """Standard deviation across the motion."""

    def sample(self, n: int, random: CropRandom) -> Params:
        """`angle` in radians and `length`: (n,)."""
        return {"angle": random.uniform(0.0, math.pi), "length": draw(random, self.length)}

    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """Convolve each crop with its own 9 x 9 kernel; the edge pixels repeat outwards."""
        n, channels, height, width = crops.shape
        length = params["length"] * (height / 64)
        offset = torch.arange(-4.0, 5.0, device=crops.device)
        cos, sin = params["angle"].cos()[:, None, None], params["angle"].sin()[:, None, None]
        along = offset * cos + offset[:, None] * sin
        across = offset[:, None] * cos - offset * sin
        exponent = (along / length[:, None, None]) ** 2 + (across / self.width) ** 2
        kernel = torch.exp(-0.5 * exponent)
        kernel = kernel / kernel.sum((1, 2), keepdim=True)
        padded = F.pad(crops, (4, 4, 4, 4), mode="replicate")
        stacked = padded.view(1, n * channels, height + 8, width + 8)
        kernels = kernel[:, None].repeat_interleave(channels, 0)
        return F.conv2d(stacked, kernels, groups=n * channels).view_as(crops)


class Sensor(Effect):
    """A small sensor patch: defocus, area sampling to few pixels, noise, sharpening, enlargement.

    Both resamplings are separable, so each is one matrix product an axis and a crop may have any
    resolution and any blur, each its own. Shrinking integrates a Gaussian-blurred picture over
    each sensor pixel exactly (differences of the error function), so nothing aliases.

    Example:
        >>> sensor = Sensor(pixels=(16, 16), noise=(0, 0), sharpening=(0, 0))
        >>> grey = torch.full((2, 3, 64, 64), 0.5)
        >>> seen = sensor(grey, CropRandom.from_seed(0, torch.arange(2)))
        >>> bool(torch.allclose(seen, grey, atol=1e-4))
        True
    """

    pixels: Annotated[Range, inside(1, 4096)] = (10.0, 64.0)
    """Side of the crop on the sensor in pixels, drawn evenly in its logarithm."""
    blur: Annotated[Range, inside(0, 100)] = (0.3, 1.1)
    """Standard deviation of the lens blur in sensor pixels."""
    noise: Annotated[Range, inside(0, 10)] = (0.0, 0.05)
    """Standard deviation of the noise at mid grey; half of its variance grows with the light."""
    chroma_noise: float = Field(default=0.5, ge=0.0, le=1.0)
    """Share of the noise that differs between the channels."""
    sharpening: Annotated[Range, inside(0, 10)] = (0.0, 0.8)
    """Unsharp masking in the camera: how much of the lost detail is added back."""
    cubic: Annotated[Range, inside(0, 1)] = (0.0, 1.0)
    """Share of the bicubic (against bilinear) kernel when the crop is enlarged."""

    def sample(self, n: int, random: CropRandom) -> Params:
        """`pixels`, `blur`, `noise`, `sharpening`, `cubic`: (n,); `noise_start`: (n, 2) int64."""
        return {
            "pixels": draw_log(random, self.pixels).round(),
            "blur": draw(random, self.blur),
            "noise": draw(random, self.noise),
            "sharpening": draw(random, self.sharpening),
            "cubic": draw(random, self.cubic),
            "noise_start": random.integers(0, _NOISE_BANK - 1, 2),
        }

    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """Return what the sensor saw, enlarged to the crop's size again; (N, 3, S, S) only."""
        n, _, size, _ = crops.shape
        pixels = params["pixels"].clamp(max=float(size))
        shrink = shrinking_matrix(pixels, params["blur"], size)
        enlarge = enlarging_matrix(pixels, params["cubic"], size)
        sharpen = params["sharpening"][:, None, None]
        # Unsharp mask along each axis on the sensor's grid: 1.5 x - 0.25 (left + right) at 0.5.
        side = F.pad(shrink, (0, 0, 1, 1), mode="replicate")
        shrink = shrink + sharpen * 0.5 * (shrink - 0.5 * (side[:, :-2] + side[:, 2:]))
        # (A X A')' costs two plain batched products: each acts on the last axis, then turns it.
        seen = along_last(along_last(crops, shrink).mT, shrink)  # (N, 3, W, H), turned
        level = params["noise"][:, None, None, None]
        spread = level * torch.sqrt((0.5 + seen).clamp(min=0.1))
        common, separate = params["noise_start"].unbind(1)
        plane = size * size
        bank = noise_bank(crops.device, 3 * plane)
        luma = bank.unfold(0, plane, 1)[common % (len(bank) - plane)]
        chroma = bank.unfold(0, 3 * plane, 1)[separate % (len(bank) - 3 * plane)]
        noise = torch.lerp(
            luma.view(n, 1, size, size), chroma.view(n, 3, size, size), self.chroma_noise
        )
        noisy = torch.addcmul(seen, spread, noise)
        return along_last(along_last(noisy, enlarge).mT, enlarge)


def along_last(pictures: Tensor, matrix: Tensor) -> Tensor:
    """Apply (N, S, S) matrices along the last axis of (N, C, S, S) pictures.

    Example:
        >>> swap = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
        >>> along_last(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), swap).tolist()
        [[[[2.0, 1.0], [4.0, 3.0]]]]
    """
    n, channels, size, _ = pictures.shape
    return torch.bmm(pictures.reshape(n, channels * size, size), matrix.mT).view(pictures.shape)


def shrinking_matrix(pixels: Tensor, blur: Tensor, size: int) -> Tensor:
    """(N, size, size) rows that average a blurred line over each of `pixels` sensor pixels.

    Row i < pixels holds the weights of sensor pixel i; further rows are zero. The weight of input
    pixel j is the mass that a Gaussian around j puts on sensor pixel i.

    Args:
        pixels: (N,) number of sensor pixels, 1..size.
        blur: (N,) standard deviation of the blur in sensor pixels.
        size: Input length.

    Example:
        >>> half = shrinking_matrix(torch.tensor([2.0]), torch.tensor([0.0]), 4)[0]
        >>> [[round(weight, 1) for weight in row] for row in half.tolist()]
        [[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    step = size / pixels[:, None, None]
    row = torch.arange(size, device=pixels.device)[:, None]
    centre = torch.arange(size, device=pixels.device) + 0.5
    sigma = (blur[:, None, None] * step).clamp(min=0.25) * math.sqrt(2.0)
    mass = torch.erf(((row + 1) * step - centre) / sigma) - torch.erf((row * step - centre) / sigma)
    mass = mass * (row < pixels[:, None, None])
    return mass / mass.sum(2, keepdim=True).clamp(min=1e-6)


def enlarging_matrix(pixels: Tensor, cubic: Tensor, size: int) -> Tensor:
    """(N, size, size) rows that interpolate `size` values from the first `pixels` inputs.

    Blends the bilinear kernel with Keys' bicubic one, a = -0.5 (Keys, "Cubic convolution
    interpolation for digital image processing", 1981). At the edges the weights of the inputs
    that there are add up to 1.

    Args:
        pixels: (N,) number of inputs that count, 1..size.
        cubic: (N,) share of the bicubic kernel, 0..1.
        size: Output length.

    Example:
        >>> twice = enlarging_matrix(torch.tensor([2.0]), torch.tensor([0.0]), 4)[0]
        >>> twice[:, :2].tolist()
        [[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    """
    last = pixels[:, None, None] - 1
    position = (torch.arange(size, device=pixels.device)[:, None] + 0.5) * (
        pixels[:, None, None] / size
    ) - 0.5
    column = torch.arange(size, device=pixels.device)
    distance = (position.clamp(min=0.0).minimum(last) - column).abs()
    bilinear = (1 - distance).clamp(min=0.0)
    near = (1.5 * distance - 2.5) * distance * distance + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    keys = torch.where(distance < 1, near, torch.where(distance < 2, far, 0.0))
    weights = torch.lerp(bilinear, keys, cubic[:, None, None]) * (column <= last)
    return weights / weights.sum(2, keepdim=True)


_NOISE_BANK = 1 << 18
_noise_banks: dict[torch.device, Tensor] = {}


def noise_bank(device: torch.device, reading: int) -> Tensor:
    """Fixed standard normal values, 2**18 or more; crops read it from places of their own.

    Args:
        device: Where the values live; they are the same everywhere.
        reading: How many values in a row one crop reads.

    Example:
        >>> len(noise_bank(torch.device("cpu"), 3 * 64 * 64))
        262144
    """
    length = _NOISE_BANK if reading < _NOISE_BANK else 2 * reading
    bank = _noise_banks.get(device)
    if bank is None or len(bank) < length:
        bank = CropRandom.from_seed(0, torch.arange(length)).normal().to(device)
        _noise_banks[device] = bank
    return bank[:length]
