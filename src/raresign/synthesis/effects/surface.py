"""What covers a whole plate: dirt, peeling film, and the glare of its retroreflective film."""

from __future__ import annotations

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from raresign.synthesis.effect import (
    LogRange,
    Params,
    Range,
    Share,
    SignEffect,
    inside,
    quantile,
)
from raresign.synthesis.effects.colour import LUMA
from raresign.synthesis.painting import (
    blotches,
    grain_on,
    paint,
    pixel_size,
    pixel_softness,
    spread,
    tint,
)

_EARTH = (0.5, 0.38, 0.24)
"""Dry mud: only the ratios count."""


class Dirt(SignEffect):
    """Dust and mud in blotches, more of it at the lower edge.

    Example:
        >>> white, plate = torch.ones(1, 4, 8, 8), torch.rand(1, 8, 8, 2)
        >>> mud = Dirt(coverage=(1, 1), lower_edge=(0, 0), opacity=(1, 1), brightness=(0.2, 0.2),
        ...            brown=(0, 0))
        >>> dirty = mud.apply(white, plate, mud.sample(torch.rand(1, Dirt.draws)))
        >>> round(dirty[:, :3].mean().item(), 3), dirty[:, 3].mean().item()
        (0.2, 1.0)
    """

    draws: ClassVar[int] = 9

    probability: float = Field(default=0.3, ge=0.0, le=1.0)
    coverage: Share = (0.0, 0.25, 0.9)
    """Share of the plate that is dirty, halfway up."""
    lower_edge: Share = (0.0, 0.25, 0.7)
    """How much larger the share is at the lower edge, and smaller at the upper one."""
    opacity: Share = (0.1, 0.35, 0.8)
    brightness: Share = (0.12, 0.3, 0.6)
    brown: Share = (0.0, 1.0)
    """Its colour: 0 grey, 1 dry mud."""
    size: Annotated[LogRange, inside(0.01, 10)] = (0.25, 1.0)
    """Of the largest blotches, in plate widths."""
    softness: Share = (0.15, 0.8)
    """Of their edges: 0 splashes, 1 a veil of dust."""

    def sample(self, u: Tensor) -> Params:
        """The ranges: (N,) each; `where`: (N, 2) in [0, 1), the place in the texture."""
        return self.ranges(u) | {"where": u[:, 7:9]}

    def apply(self, sign: Tensor, plate: Tensor, params: Params) -> Tensor:
        """See `SignEffect.apply`."""
        noise = grain_on(plate, params["size"], params["size"], params["where"])
        y = plate[..., 1].clamp(-1, 1)
        coverage, slope = params["coverage"][:, None, None], params["lower_edge"][:, None, None]
        share = torch.addcmul(coverage, y, slope).clamp_(0, 1)
        jagged = pixel_softness(pixel_size(plate).mean(1), params["size"])
        cover = blotches(noise, share, torch.maximum(params["softness"][:, None, None], jagged))
        cover.mul_(params["opacity"][:, None, None])
        return paint(sign.clone(), cover, tint(params["brightness"], params["brown"], _EARTH))


class Peeling(SignEffect):
    """The film has come off in patches and shows the grey metal below.

    Example:
        >>> black = torch.zeros(1, 4, 8, 8); black[:, 3] = 1
        >>> bare = Peeling(coverage=(1, 1), brightness=(0.5, 0.5))
        >>> params = bare.sample(torch.rand(1, Peeling.draws))
        >>> bare.apply(black, torch.rand(1, 8, 8, 2), params)[0, :, 4, 4].tolist()
        [0.5, 0.5, 0.5, 1.0]
    """

    draws: ClassVar[int] = 5

    probability: float = Field(default=0.05, ge=0.0, le=1.0)
    coverage: Share = (0.01, 0.04, 0.15)
    """Share of the plate that is bare."""
    size: Annotated[LogRange, inside(0.01, 10)] = (0.2, 0.8)
    """Of the largest patches, in plate widths."""
    brightness: Share = (0.3, 0.85)
    """Of the metal."""

    def sample(self, u: Tensor) -> Params:
        """The ranges: (N,) each; `where`: (N, 2) in [0, 1), the place in the texture."""
        return self.ranges(u) | {"where": u[:, 3:5]}

    def apply(self, sign: Tensor, plate: Tensor, params: Params) -> Tensor:
        """See `SignEffect.apply`."""
        noise = grain_on(plate, params["size"], params["size"], params["where"])
        sharp = pixel_softness(pixel_size(plate).mean(1), params["size"])
        cover = blotches(noise, params["coverage"][:, None, None], sharp)
        return paint(sign.clone(), cover, params["brightness"][:, None].expand(-1, 3))


class Glare(SignEffect):
    """Headlights come back from the retroreflective film: white and yellow blaze, black does not.

    A colour returns about the luma of its square, as sheeting does (ASTM D4956 asks of white,
    yellow, red and blue film of type I: 70, 50, 14 and 4 cd/lx/m2); what is returned adds to
    the colour until it clips, and a part of it blooms over the plate.

    Example:
        >>> signs = torch.tensor([0.6, 0.3, 0.0]).view(3, 1, 1, 1).repeat(1, 4, 8, 8)
        >>> signs[:, 3] = 1
        >>> glare = Glare(strength=(1, 1), bloom=(0, 0))
        >>> params = glare.sample(torch.full((3, Glare.draws), 0.5))
        >>> lit = glare.apply(signs, torch.zeros(3, 8, 8, 2), params)[:, 0, 0, 0]
        >>> bool(lit[0] / 0.6 > lit[1] / 0.3 > 1), lit[2].item()
        (True, 0.0)
    """

    draws: ClassVar[int] = 5

    probability: float = Field(default=0.05, ge=0.0, le=1.0)
    strength: Annotated[Range, inside(0, 20)] = (0.5, 1.2, 3.0)
    """Light returned by white film in the hot spot, as a multiple of its light by day."""
    bloom: Share = (0.05, 0.5)
    """Share of the returned light that spreads over the plate."""
    spot: Annotated[LogRange, inside(0.05, 20)] = (0.4, 2.5)
    """Radius of the hot spot, where half of the light is left, in half plate widths."""
    where: Annotated[Range, inside(-3, 3)] = (-0.8, 0.8)
    """Centre of the hot spot on the plate."""

    def sample(self, u: Tensor) -> Params:
        """`strength`, `bloom`, `spot`: (N,); `where`: (N, 2)."""
        return self.ranges(u, "strength", "bloom", "spot") | {
            "where": quantile(u[:, 3:5], self.where)
        }

    def apply(self, sign: Tensor, plate: Tensor, params: Params) -> Tensor:
        """See `SignEffect.apply`."""
        alpha = sign[:, 3:]
        x, y = params["where"][:, :, None, None].unbind(1)
        off = (plate[..., 0] - x).square_().add_((plate[..., 1] - y).square_())
        off.div_(params["spot"].square()[:, None, None]).add_(1)
        returned = torch.zeros_like(off)
        for channel, weight in enumerate(LUMA):
            returned.addcmul_(sign[:, channel], sign[:, channel], value=weight)
        returned = returned.mul_(params["strength"][:, None, None]).div_(off)[:, None]
        bloom = params["bloom"][:, None, None, None]
        veil = spread(returned, times=2).mul_(bloom * alpha)
        lit = sign.clone()
        colours = lit[:, :3]
        torch.minimum(colours.mul_(returned.mul_(1 - bloom).add_(1)).add_(veil), alpha, out=colours)
        return lit
