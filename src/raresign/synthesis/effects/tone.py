"""The camera's tone curve."""

from __future__ import annotations

from typing import Annotated, ClassVar

from torch import Tensor

from raresign.synthesis.effect import CropEffect, Params, Range, inside, quantile_log


class ToneCurve(CropEffect):
    """Gamma of the camera's tone curve.

    Example:
        >>> import torch
        >>> curve = ToneCurve(gamma=(2, 2))
        >>> curve(torch.full((1, 3, 1, 1), 0.5), torch.rand(1, 1)).flatten().tolist()
        [0.25, 0.25, 0.25]
    """

    draws: ClassVar[int] = 1

    gamma: Annotated[Range, inside(0.05, 20)] = (0.7, 1.5)

    def sample(self, u: Tensor) -> Params:
        """`gamma`: (N,)."""
        return {"gamma": quantile_log(u[:, 0], self.gamma)}

    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """crop ** gamma on values clipped to [0, 1]."""
        return crops.clamp(1e-4, 1.0).pow_(params["gamma"][:, None, None, None])
