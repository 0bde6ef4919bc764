"""The road engine's pose, light and camera on real crops, in narrower ranges."""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from raresign.randomness import CropRandom
from raresign.synthesis.camera import Sensor
from raresign.synthesis.colour import ColourCast, Exposure, Fading, Haze
from raresign.synthesis.effect import apply_colour, compose_colour
from raresign.synthesis.geometry import Pose


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
    fading: Fading = Fading(saturation=(0.5, 1.1), drift=0.04)
    exposure: Exposure = Exposure(gain=(0.5, 1.6))
    colour_cast: ColourCast = ColourCast()
    haze: Haze = Haze(probability=0.4, contrast=(0.5, 1.0))
    sensor: Sensor = Sensor(
        pixels=(16, 64), noise=(0.0, 0.03), blur=(0.3, 0.6), sharpening=(0.0, 0.3)
    )

    @torch.no_grad()
    def __call__(self, crops: Tensor, random: CropRandom) -> Tensor:
        """Return jittered crops, (N, 3, S, S) float32 in [0, 1]; row i depends on key i alone."""
        crops = self.pose(crops, random)
        surface = compose_colour(
            self.fading.drawn_matrix(random), self.exposure.drawn_matrix(random)
        )
        light = compose_colour(
            self.colour_cast.drawn_matrix(random), self.haze.drawn_matrix(random)
        )
        crops = apply_colour(crops, compose_colour(surface, light)).clamp_(0, 1)
        return self.sensor(crops, random).clamp_(0, 1)
