"""What an effect is: ranges in the settings, `sample` draws values, `apply` uses them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import cache, reduce
from itertools import pairwise
from typing import Annotated, Any, ClassVar

import torch
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from torch import Tensor

Params = dict[str, Tensor]
"""What was drawn, by the name of its range; every tensor has one row for each crop."""


def _ordered(knots: tuple[float, ...]) -> tuple[float, ...]:
    if len(knots) < 2:
        raise ValueError(f"a range has a low and a high end, got {list(knots)}")
    if any(low > high for low, high in pairwise(knots)):
        shown = ", ".join(f"{knot:g}" for knot in knots)
        raise ValueError(f"a range goes from low to high, got [{shown}]")
    return knots


Range = Annotated[tuple[float, ...], AfterValidator(_ordered)]
"""Evenly spaced quantiles: [low, high] is uniform, [low, mid, high] has its median at mid."""
LogRange = Annotated[Range, "logarithmic"]
"""As `Range`, but linear in the logarithm between its knots, which are above 0."""
WholeRange = Annotated[tuple[int, int], AfterValidator(_ordered)]
"""A closed range of whole numbers."""


def inside(least: float, most: float) -> AfterValidator:
    """A range must lie in [least, most]; beyond, an effect has no meaning or divides by zero."""

    def check(knots: tuple[float, ...]) -> tuple[float, ...]:
        if not (least <= knots[0] and knots[-1] <= most):
            shown = ", ".join(f"{knot:g}" for knot in knots)
            raise ValueError(f"a range between {least:g} and {most:g}, got [{shown}]")
        return knots

    return AfterValidator(check)


Share = Annotated[Range, inside(0, 1)]
"""A range between nothing and all."""


def quantile(u: Tensor, knots: tuple[float, ...]) -> Tensor:
    """The values at these quantiles of a range, linear between its knots.

    Args:
        u: Any shape, float32 in [0, 1).
        knots: Two or more non-decreasing values, evenly spaced in probability.

    Example:
        >>> quantile(torch.tensor([0.0, 0.25, 0.75]), (0.0, 1.0, 5.0)).tolist()
        [0.0, 0.5, 3.0]
    """
    if len(knots) == 2:
        return knots[0] + (knots[1] - knots[0]) * u
    place = u * (len(knots) - 1)
    values = place.clamp(max=1.0).mul_(knots[1] - knots[0]).add_(knots[0])
    for k in range(1, len(knots) - 1):  # each piece adds its share of its rise
        if knots[k + 1] > knots[k]:
            values.add_((place - k).clamp_(0.0, 1.0), alpha=knots[k + 1] - knots[k])
    return values


def quantile_log(u: Tensor, knots: tuple[float, ...]) -> Tensor:
    """As `quantile`, but linear in the logarithm of positive knots."""
    return quantile(u, tuple(math.log(knot) for knot in knots)).exp()


class Effect(BaseModel, ABC):
    """One step from icon to crop.

    An effect holds ranges; `sample` turns uniform draws into one value of each range for every
    crop, and a pure function (`apply`, `matrix`) of pixels and values does the work. The values
    can be logged and replayed.

    Example:
        >>> from raresign.synthesis.effects.readout import ToneCurve
        >>> ToneCurve(gamma=(2, 4)).sample(torch.tensor([[0.0], [0.5]]))["gamma"].tolist()
        [2.0, 2.8284270763397217]
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    draws: ClassVar[int]
    """Uniform draws that `sample` reads for a crop."""

    probability: float = Field(default=1.0, ge=0.0, le=1.0)

    def sample(self, u: Tensor) -> Params:
        """Turn draws into values; here one draw into the value of each range, in their order.

        Args:
            u: (N, draws) float32 in [0, 1).

        Returns:
            The values under the names of their ranges, (N,) or (N, k) each.
        """
        return self.ranges(u)

    def ranges(self, u: Tensor, *names: str) -> Params:
        """The values of the named ranges, or of all: column k of `u` decides the k-th."""
        known = _ranges(type(self))
        return {
            name: (quantile_log if known[name] else quantile)(u[:, k], getattr(self, name))
            for k, name in enumerate(names or known)
        }


@cache
def _ranges(effect: type[Effect]) -> dict[str, bool]:
    """The ranges among an effect's fields, in order, and whether they are logarithmic."""
    fields = effect.model_fields.items()
    return {
        name: "logarithmic" in field.metadata
        for name, field in fields
        if field.annotation == tuple[float, ...]
    }


class CropEffect(Effect):
    """An effect on opaque pictures."""

    @abstractmethod
    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """New crops of the same shape; row i depends on row i of `params` alone.

        Args:
            crops: (N, 3, H, W) float32; not changed.
            params: What `sample` returned.
        """

    def __call__(self, crops: Tensor, u: Tensor) -> Tensor:
        """Sample and apply to every crop, whatever the probability."""
        return self.apply(crops, self.sample(u))


class SignEffect(Effect):
    """An effect on the sign's layer that moves with its plate: dirt, stickers, boards.

    The layer lies where the sign stands in the crop; `plate` says which point of the plate each
    pixel shows, so that textures stick to the plate, whatever its pose.
    """

    @abstractmethod
    def apply(self, sign: Tensor, plate: Tensor, params: Params) -> Tensor:
        """A new layer of the same shape; row i depends on row i of `params` alone.

        Args:
            sign: (N, 4, H, W) float32 RGBA, premultiplied; not changed.
            plate: (N, H, W, 2) plate coordinates (x right, y down) of each pixel: the icon covers
                [-1, 1] from edge to edge, the plane goes on beyond.
            params: What `sample` returned.
        """


class ColourEffect(Effect):
    """An effect that is an affine map of each pixel's colour.

    Consecutive colour effects are multiplied into one matrix before a pixel is touched.
    """

    @abstractmethod
    def matrix(self, params: Params) -> Tensor:
        """(N, 3, 4) float32: columns for red, green, blue and the constant (times alpha)."""

    def __call__(self, crops: Tensor, u: Tensor) -> Tensor:
        """Sample and apply to (N, 3, H, W) colours or (N, 4, H, W) premultiplied RGBA."""
        return apply_colour(crops, self.matrix(self.sample(u)))


@cache
def constant(values: tuple[Any, ...], device: torch.device) -> Tensor:
    """A float32 tensor of (nested) tuples of numbers, made once a device; never change it."""
    return torch.tensor(values, dtype=torch.float32, device=device)


def identity_colour(n: int, like: Tensor) -> Tensor:
    """(n, 3, 4) identity colour maps with the device and dtype of `like`."""
    rows = ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0))
    return constant(rows, like.device).to(like.dtype).expand(n, 3, 4)


def compose_colour(maps: Iterable[Tensor]) -> Tensor:
    """(N, 3, 4) colour map that applies all of these, first to last; there is at least one."""

    def both(first: Tensor, second: Tensor) -> Tensor:
        whole = second[:, :, :3] @ first
        whole[:, :, 3] += second[:, :, 3]
        return whole

    return reduce(both, maps)


def apply_colour(crops: Tensor, matrix: Tensor) -> Tensor:
    """Apply (N, 3, 4) colour maps to (N, 3 or 4, H, W) crops; a fourth channel is alpha, kept."""
    n, channels, height, width = crops.shape
    flat = crops.flatten(2)
    if channels == 3:
        coloured = torch.baddbmm(matrix[:, :, 3:], matrix[:, :, :3], flat)
        return coloured.view(n, 3, height, width)
    alpha_row = torch.zeros(n, 1, 4, device=matrix.device, dtype=matrix.dtype)
    alpha_row[:, 0, 3] = 1.0
    return torch.bmm(torch.cat([matrix, alpha_row], 1), flat).view(n, 4, height, width)


def over(top: Tensor, bottom: Tensor) -> Tensor:
    """Lay a premultiplied RGBA layer over another one, or over opaque colours.

    (Porter and Duff, "Compositing digital images", 1984.)

    Args:
        top: (N, 4, H, W) premultiplied.
        bottom: (N, 4, H, W) premultiplied or (N, 3, H, W) opaque.
    """
    return torch.addcmul(top[:, : bottom.shape[1]], bottom, 1 - top[:, 3:])
