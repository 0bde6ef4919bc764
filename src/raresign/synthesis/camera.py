"""Lens and sensor: motion blur, then defocus, few pixels, noise and sharpening."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from raresign.randomness import CropRandom
from raresign.synthesis.effect import Effect, Params, Range, draw, draw_log


class MotionBlur(Effect):
    """The camera moves while the shutter is open: a Gaussian streak of any angle."""

    length: Range = (0.6, 3.0)
    """Standard deviation along the motion, in crop pixels of a 64 px crop."""
    width: float = 0.4
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
        >>> sensor = Sensor(pixels=(16, 16), noise=(0, 0), blur=(0, 0))
        >>> grey = torch.full((2, 3, 64, 64), 0.5)
        >>> seen = sensor(grey, CropRandom.from_seed(0, torch.arange(2)))
        >>> bool(torch.allclose(seen, grey, atol=1e-4))
        True
    """

    pixels: Range = (10.0, 64.0)
    """Side of the crop on the sensor in pixels, drawn evenly in its logarithm."""
    blur: Range = (0.3, 1.1)
    """Standard deviation of the lens blur in sensor pixels."""
    noise: Range = (0.0, 0.05)
    """Standard deviation of the noise at mid grey; half of its variance grows with the light."""
    chroma_noise: float = 0.5
    """Share of the noise that differs between the channels."""
    sharpening: Range = (0.0, 0.8)
    """Unsharp masking in the camera: how much of the lost detail is added back."""
    cubic: Range = (0.0, 1.0)
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
        bank = noise_bank(crops.device)
        common, separate = params["noise_start"].unbind(1)
        plane = size * size
        luma = bank.unfold(0, plane, 1)[common % (_NOISE_BANK - plane)]
        chroma = bank.unfold(0, 3 * plane, 1)[separate % (_NOISE_BANK - 3 * plane)]
        noise = torch.lerp(
            luma.view(n, 1, size, size), chroma.view(n, 3, size, size), self.chroma_noise
        )
        noisy = torch.addcmul(seen, spread, noise)
        return along_last(along_last(noisy, enlarge).mT, enlarge)


def along_last(pictures: Tensor, matrix: Tensor) -> Tensor:
    """Apply (N, S, S) matrices along the last axis of (N, C, S, S) pictures."""
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
    interpolation for digital image processing", 1981). Edge values repeat outwards.
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


def noise_bank(device: torch.device) -> Tensor:
    """(2**18,) fixed standard normal values; crops read it from places of their own."""
    if device not in _noise_banks:
        keys = CropRandom.from_seed(0, torch.arange(_NOISE_BANK))
        _noise_banks[device] = keys.normal().to(device)
    return _noise_banks[device]
