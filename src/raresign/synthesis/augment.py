"""The road engine's pose, light and camera on real crops, in narrower ranges."""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from raresign.randomness import CropRandom
from raresign.synthesis.draws import CropDraws
from raresign.synthesis.effect import apply_colour, compose_colour
from raresign.synthesis.effects.colour import ColourCast, Exposure, Haze, Saturation
from raresign.synthesis.effects.geometry import Pose, warp
from raresign.synthesis.effects.occlusion import TightBox
from raresign.synthesis.effects.readout import Noise
from raresign.synthesis.effects.sensor import Sensor


class Augmentation(BaseModel):
    """Jitters real crops with the effects that synthetic crops pass through.

    Real and synthetic crops then share their low-level statistics, so the network cannot tell
    frequent from rare classes by the look of the picture.

    Example:
        >>> crops = torch.rand(2, 3, 64, 64)
        >>> Augmentation()(crops, CropRandom.from_seed(0, torch.arange(2))).shape
        torch.Size([2, 3, 64, 64])
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    pose: Pose = Pose(rotation=(-8, 8), tilt=(-20, 20), margin=(-0.12, 0.08))
    exposure: Exposure = Exposure(gain=(0.5, 1.6))
    colour_cast: ColourCast = ColourCast()
    haze: Haze = Haze(probability=0.25, contrast=(0.5, 1.0))
    saturation: Saturation = Saturation(amount=(0.5, 1.2))
    sensor: Sensor = Sensor(pixels=(16, 64), blur=(0.3, 0.6))
    noise: Noise = Noise(read=(0, 0.015), shot=(0, 0.02), colour=(0, 0.2))
    tight_box: TightBox = TightBox(probability=0.15, cut=(0.0, 0.03, 0.14))

    @torch.no_grad()
    def __call__(self, crops: Tensor, random: CropRandom) -> Tensor:
        """Return jittered crops, (N, 3, S, S) float32 in [0, 1]; row i depends on key i alone."""
        size = crops.shape[-1]
        draws = CropDraws({name: getattr(self, name) for name in type(self).model_fields}, random)
        crops = warp(crops, self.pose.matrix(draws.of("pose")[1]))
        names = ("exposure", "colour_cast", "haze", "saturation")
        crops = apply_colour(crops, compose_colour(draws.matrix(name) for name in names))
        lens = draws.of("sensor")[1]
        seen = draws.on_crops("noise", self.sensor.see(crops.clamp_(0, 1), lens, size))
        return draws.on_crops("tight_box", self.sensor.enlarge(seen, lens, size).clamp_(0, 1))
