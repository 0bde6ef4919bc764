"""What an effect is: ranges in the settings, `sample` draws parameters, `apply` uses them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, TypeVar

import torch
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from torch import Tensor

from raresign.randomness import CropRandom

Params = dict[str, Tensor]


Bounds = TypeVar("Bounds", tuple[float, float], tuple[int, int])


def _ordered(bounds: Bounds) -> Bounds:
    if not bounds[0] <= bounds[1]:
        raise ValueError(f"a range goes from low to high, got [{bounds[0]}, {bounds[1]}]")
    return bounds


Range = Annotated[tuple[float, float], AfterValidator(_ordered)]
"""A closed range [low, high] in the YAML; low <= high."""

WholeRange = Annotated[tuple[int, int], AfterValidator(_ordered)]
"""A closed range of whole numbers."""


def inside(least: float, most: float) -> AfterValidator:
    """A range must lie in [least, most]; beyond, an effect has no meaning or divides by zero.

    Example:
        >>> from pydantic import TypeAdapter
        >>> TypeAdapter(Annotated[Range, inside(0, 1)]).validate_python([0.25, 0.5])
        (0.25, 0.5)
    """

    def check(bounds: Bounds) -> Bounds:
        if not (least <= bounds[0] and bounds[1] <= most):
            raise ValueError(
                f"a range between {least:g} and {most:g}, got [{bounds[0]:g}, {bounds[1]:g}]"
            )
        return bounds

    return AfterValidator(check)


class Effect(BaseModel, ABC):
    """One step from icon to crop.

    An effect holds ranges, `sample` draws one value of each a crop, and `apply` is a pure function
    of crops and parameters. Parameters are plain tensors: they can be logged and replayed.

    Example:
        >>> from raresign.synthesis.light import ToneCurve
        >>> effect = ToneCurve(gamma=(2, 2), probability=0.5)
        >>> random = CropRandom.from_seed(0, torch.arange(4))
        >>> effect.sample(4, random)["gamma"].tolist()
        [2.0, 2.0, 2.0, 2.0]
        >>> effect(torch.full((4, 3, 8, 8), 0.5), random)[:, 0, 0, 0].tolist()
        [0.5, 0.5, 0.25, 0.25]
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    probability: float = Field(default=1.0, ge=0.0, le=1.0)

    @abstractmethod
    def sample(self, n: int, random: CropRandom) -> Params:
        """Draw the parameters of `n` crops; every tensor has n rows.

        Args:
            n: Number of crops; equals `len(random)`.
            random: The draws of these crops.
        """

    @abstractmethod
    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """Return new crops of the same shape; row i depends on row i of `params` alone."""

    def __call__(self, crops: Tensor, random: CropRandom) -> Tensor:
        """Sample and apply, on the share of the crops that `probability` names.

        Args:
            crops: (N, C, H, W) float32.
            random: The draws of these crops; the effect uses a stream of its own.

        Returns:
            (N, C, H, W); row i depends on row i of `crops` and key i alone.
        """
        stream = random.stream(type(self).__name__)
        if self.probability >= 1.0:
            return self.apply(crops, self.sample(len(crops), stream))
        rows = stream.happens(self.probability).nonzero().squeeze(1)
        if not len(rows):
            return crops
        chosen = stream.take(rows)
        changed = self.apply(crops[rows], self.sample(len(rows), chosen))
        return crops.index_copy(0, rows, changed)


class ColourEffect(Effect):
    """An effect that is an affine map of each pixel's colour.

    Consecutive colour effects are multiplied into one matrix before a pixel is touched.

    Example:
        >>> from raresign.synthesis.colour import Exposure
        >>> random = CropRandom.from_seed(0, torch.arange(2))
        >>> Exposure(gain=(2, 2)).drawn_matrix(random).shape
        torch.Size([2, 3, 4])
    """

    @abstractmethod
    def matrix(self, params: Params) -> Tensor:
        """(N, 3, 4) float32: columns for red, green, blue and the constant (times alpha)."""

    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """Apply the matrix to (N, 3, H, W) colours or to (N, 4, H, W) premultiplied RGBA."""
        return apply_colour(crops, self.matrix(params))

    def __call__(self, crops: Tensor, random: CropRandom) -> Tensor:
        """See `Effect.__call__`; what `drawn_matrix` draws is what is applied."""
        return apply_colour(crops, self.drawn_matrix(random))

    def drawn_matrix(self, random: CropRandom) -> Tensor:
        """(N, 3, 4) for these crops; the identity where the effect does not happen."""
        stream = random.stream(type(self).__name__)
        n = len(random)
        happens = stream.happens(self.probability)
        matrix = self.matrix(self.sample(n, stream))
        return torch.where(happens[:, None, None], matrix, identity_colour(n, matrix))


def identity_colour(n: int, like: Tensor) -> Tensor:
    """(n, 3, 4) identity colour maps with the device and dtype of `like`.

    Example:
        >>> identity_colour(1, torch.zeros(1))[0, 2].tolist()
        [0.0, 0.0, 1.0, 0.0]
    """
    return torch.eye(3, 4, device=like.device, dtype=like.dtype).expand(n, 3, 4)


def compose_colour(first: Tensor, then: Tensor) -> Tensor:
    """(N, 3, 4) colour map that applies `first`, then `then`.

    Example:
        >>> double = torch.eye(3, 4)[None] * 2
        >>> compose_colour(double, double)[0, 0, 0].item()
        4.0
    """
    linear = then[:, :, :3] @ first
    linear[:, :, 3] += then[:, :, 3]
    return linear


def apply_colour(crops: Tensor, matrix: Tensor) -> Tensor:
    """Apply (N, 3, 4) colour maps to (N, 3 or 4, H, W) crops; a fourth channel is alpha, kept.

    Example:
        >>> half_red = torch.tensor([0.5, 0, 0, 0.5]).view(1, 4, 1, 1)  # premultiplied
        >>> lighter = torch.eye(3, 4)[None] * 0.5
        >>> lighter[:, :, 3] = 0.5
        >>> apply_colour(half_red, lighter).flatten().tolist()
        [0.5, 0.25, 0.25, 0.5]
    """
    n, channels, height, width = crops.shape
    flat = crops.flatten(2)
    if channels == 3:
        coloured = torch.baddbmm(matrix[:, :, 3:], matrix[:, :, :3], flat)
        return coloured.view(n, 3, height, width)
    alpha_row = torch.zeros(n, 1, 4, device=matrix.device, dtype=matrix.dtype)
    alpha_row[:, 0, 3] = 1.0
    return torch.bmm(torch.cat([matrix, alpha_row], 1), flat).view(n, 4, height, width)


def draw(random: CropRandom, bounds: tuple[float, float], *shape: int) -> Tensor:
    """(N, *shape) float32, uniform over a range.

    Example:
        >>> draw(CropRandom.from_seed(0, torch.arange(2)), (3.0, 3.0)).tolist()
        [3.0, 3.0]
    """
    return random.uniform(bounds[0], bounds[1], *shape)


def draw_log(random: CropRandom, bounds: tuple[float, float]) -> Tensor:
    """(N,) float32, uniform in the logarithm over a range of positive numbers.

    Example:
        >>> gains = draw_log(CropRandom.from_seed(0, torch.arange(100)), (0.5, 2.0))
        >>> 40 < int((gains < 1).sum()) < 60
        True
    """
    low, high = torch.tensor(bounds).log().tolist()
    return random.uniform(low, high).exp()
