"""How strong each step of the peers' chains is: one set of numbers for all of them.

The ranges stand near those of the preset `road`, and what happens to a share of the crops only
happens to the same share in all chains, so that none is slower because it does more.
"""

from __future__ import annotations

from dataclasses import dataclass

from raresign.synthesis.preset import RoadPreset


@dataclass(frozen=True)
class Shares:
    """Shares of the crops to which a step happens; all other steps happen to each."""

    haze: float = 0.3
    gradient: float = 0.3
    motion: float = 0.3
    jpeg: float = 0.5

    @classmethod
    def of(cls, preset: RoadPreset) -> Shares:
        """The shares of a preset of ours."""
        return cls(
            haze=preset.haze.probability,
            gradient=preset.light_gradient.probability,
            motion=preset.motion_blur.probability,
            jpeg=preset.jpeg.probability,
        )


ROTATION = 8.0  # largest rotation in the plane, degrees
SHEAR = 4.0  # largest slant, degrees
SCALE = (0.8, 1.0)  # side of the sign as a share of the crop
SHIFT = 0.04  # largest offset of the sign as a share of the crop
PERSPECTIVE = 0.2  # largest displacement of a corner as a share of half the crop
SIGN_BRIGHTNESS = (0.3, 1.5)
SIGN_SATURATION = (0.35, 1.1)
SCENE_BRIGHTNESS = (0.4, 1.6)
HAZE_CONTRAST = (0.35, 1.0)
HAZE_BRIGHTNESS = (0.8, 1.3)
GRADIENT = (0.01, 0.2)  # brightness from edge to edge; 0.2 is the most that the libraries take
MOTION_LENGTH = (3, 9)  # side of the motion blur's kernel in pixels
BLUR = (0.3, 2.0)  # standard deviation of the defocus in crop pixels
BLUR_KERNEL = 7  # its width
PIXELS = (10, 64)  # side of the crop on the sensor
NOISE = 0.03  # standard deviation of the noise, colours in [0, 1]
JPEG_QUALITY = (30, 95)
