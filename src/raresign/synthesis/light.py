"""Light that varies over the crop: a smooth gradient and a tone curve."""

from __future__ import annotations

import math
from typing import Annotated

import torch
from torch import Tensor

from raresign.randomness import CropRandom
from raresign.synthesis.effect import Effect, Params, Range, draw, draw_log, inside


class LightGradient(Effect):
    """One side of the crop is brighter than the other.

    Example:
        >>> random = CropRandom.from_seed(0, torch.arange(1))
        >>> lit = LightGradient(strength=(0.3, 0.3))(torch.ones(1, 3, 9, 9), random)
        >>> round(lit[0, 0, 4, 4].item(), 4), lit.max().item() > 1.3
        (1.0, True)
    """

    strength: Annotated[Range, inside(0, 1)] = (0.0, 0.4)
    """Relative change of brightness from the centre over half a crop, along the gradient."""

    def sample(self, n: int, random: CropRandom) -> Params:
        """`slope`: (n, 2), brightness change along x and y over half a crop."""
        angle = random.uniform(0.0, 2 * math.pi)
        direction = torch.stack([angle.cos(), angle.sin()], 1)
        return {"slope": direction * draw(random, self.strength)[:, None]}

    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """Multiply by 1 + slope . position, position in [-1, 1]."""
        height, width = crops.shape[2:]
        x = torch.linspace(-1, 1, width, device=crops.device)
        y = torch.linspace(-1, 1, height, device=crops.device)
        slope = params["slope"][:, :, None, None]
        light = 1.0 + slope[:, :1] * x + slope[:, 1:] * y[:, None]
        return crops * light


class ToneCurve(Effect):
    """Gamma of the camera's tone curve.

    Example:
        >>> random = CropRandom.from_seed(0, torch.arange(1))
        >>> ToneCurve(gamma=(2, 2))(torch.full((1, 3, 1, 1), 0.5), random).flatten().tolist()
        [0.25, 0.25, 0.25]
    """

    gamma: Annotated[Range, inside(0.05, 20)] = (0.7, 1.5)

    def sample(self, n: int, random: CropRandom) -> Params:
        """`gamma`: (n,)."""
        return {"gamma": draw_log(random, self.gamma)}

    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """crop ** gamma on values clipped to [0, 1]."""
        return crops.clamp(1e-4, 1.0) ** params["gamma"][:, None, None, None]
