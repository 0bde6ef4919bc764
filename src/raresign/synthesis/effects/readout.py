"""What the camera's electronics do to the sensor's pixels: noise, demosaicing, sharpening."""

from __future__ import annotations

from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from raresign.randomness import CropRandom
from raresign.synthesis.effect import CropEffect, LogRange, Params, Range, Share, constant, inside
from raresign.synthesis.effects.colour import LUMA
from raresign.synthesis.fields import per_crop


class Noise(CropEffect):
    """Read noise, which is the same everywhere, and shot noise, which grows with the light.

    Their variances add up (EMVA Standard 1288, section 2). A share of the noise is coloured.
    """

    draws: ClassVar[int] = 5

    read: Annotated[Range, inside(0, 10)] = (0.0, 0.03)
    """Standard deviation in the dark."""
    shot: Annotated[Range, inside(0, 10)] = (0.0, 0.04)
    """Standard deviation that white adds."""
    colour: Share = (0.2, 0.8)
    """Share of the variance that differs between the channels."""

    def sample(self, u: Tensor) -> Params:
        """`read`, `shot`, `colour`: (N,); `place`: (N, 2) in [0, 1), where the noise is read."""
        return self.ranges(u) | {"place": u[:, 3:5]}

    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """Add noise of variance read^2 + shot^2 * value."""
        n, channels, height, width = crops.shape
        bank = noise_bank(crops.device, channels * height * width)
        lines = bank[: len(bank) // width * width].view(-1, width)  # whole lines are read fastest

        def read_bank(place: Tensor, planes: int) -> Tensor:
            count = planes * height
            first = (place * (len(lines) - count)).long()
            rows = first[:, None] + torch.arange(count, device=crops.device)
            return lines.index_select(0, rows.flatten()).view(n, planes, height, width)

        luma = read_bank(params["place"][:, 0], 1)
        chroma = read_bank(params["place"][:, 1], channels)
        read, shot, colour = (per_crop(params[name]) for name in ("read", "shot", "colour"))
        noise = (chroma * colour.sqrt()).add_(luma * (1 - colour).sqrt())
        spread = (crops.clamp(min=0) * (shot * shot)).add_(read * read).sqrt_()
        return crops + spread.mul_(noise)


class Demosaic(CropEffect):
    """Colour is measured at a half or a quarter of the pixels and interpolated: colours run."""

    draws: ClassVar[int] = 1

    softness: Share = (0.0, 1.0)
    """1 smooths the colour with the kernel [1 2 1] / 4 an axis; the luma stays."""

    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """Blend with the picture of smoothed colour and sharp luma."""
        lost = crops - smoothed(crops)
        luma = constant(LUMA, crops.device)[:, None, None]
        lost -= (lost * luma).sum(1, keepdim=True)
        return crops - lost.mul_(params["softness"][:, None, None, None])


class Sharpening(CropEffect):
    """The camera's unsharp mask: bright and dark halos along edges."""

    draws: ClassVar[int] = 1

    amount: Annotated[Range, inside(0, 10)] = (0.0, 1.0)
    """How much of the detail that [1 2 1] / 4 smooths away is added once more."""

    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """crop + amount * (crop - smoothed crop)."""
        detail = (crops - smoothed(crops)).mul_(params["amount"][:, None, None, None])
        return crops + detail


class ToneCurve(CropEffect):
    """Gamma of the camera's tone curve."""

    draws: ClassVar[int] = 1

    gamma: Annotated[LogRange, inside(0.05, 20)] = (0.7, 1.5)

    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """crop ** gamma on values clipped to [0, 1]."""
        return crops.clamp(1e-4, 1.0).pow_(per_crop(params["gamma"]))


def smoothed(crops: Tensor) -> Tensor:
    """(N, C, H, W) smoothed with [1 2 1] / 4 along both axes; the edge pixels repeat outwards."""
    wide = F.pad(crops, (1, 1, 0, 0), mode="replicate")
    across = (wide[..., :-2] + wide[..., 2:]).add_(crops, alpha=2)
    tall = F.pad(across, (0, 0, 1, 1), mode="replicate")
    return (tall[..., :-2, :] + tall[..., 2:, :]).add_(across, alpha=2).mul_(1 / 16)


_NOISE_BANK = 1 << 18
_noise_banks: dict[torch.device, Tensor] = {}


def noise_bank(device: torch.device, reading: int) -> Tensor:
    """Fixed standard normal values, 2**18 or more; crops read it from places of their own.

    Args:
        device: Where the values live; they are the same everywhere.
        reading: How many values in a row one crop reads.
    """
    length = _NOISE_BANK if 2 * reading < _NOISE_BANK else 2 * reading
    bank = _noise_banks.get(device)
    if bank is None or len(bank) < length:
        bank = CropRandom.from_seed(0, torch.arange(length)).normal().to(device)
        _noise_banks[device] = bank
    return bank[:length]
