"""Light on the scene: gradient, cast shadows, the sun's reflection, backlight, headlights."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from raresign.synthesis.effect import CropEffect, Params, Range, inside, quantile
from raresign.synthesis.fields import along, axes, band, per_crop, window
from raresign.synthesis.textures import TILE, look_up, ranked, smooth_noise


class LightGradient(CropEffect):
    """One side of the crop is brighter than the other."""

    draws: ClassVar[int] = 2
    probability: float = Field(default=0.5, ge=0.0, le=1.0)

    strength: Annotated[Range, inside(0, 1)] = (0.0, 0.4)
    """Relative change of brightness from the centre over half a crop, along the gradient."""
    direction: Range = (0.0, 2 * math.pi)
    """Towards the light, in radians; 0 points right, pi / 2 down."""

    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """Multiply by 1 + slope . position, position in [-1, 1]; no light is less than none."""
        light = along(crops, params["direction"]).mul_(per_crop(params["strength"]))
        return crops * light.add_(1.0).clamp_(min=0.0)


class Shadow(CropEffect):
    """A cast shadow: leaves with spots of sun between them, or one or two bands (poles, edges).

    In the shade the sky's light remains, which is a little blue.
    """

    draws: ClassVar[int] = 10
    probability: float = Field(default=0.15, ge=0.0, le=1.0)

    leaves: float = Field(default=0.6, ge=0.0, le=1.0)
    """Share of the shadows that leaves cast; poles and edges cast the others."""
    ambient: Annotated[Range, inside(0, 1)] = (0.35, 0.8)
    """Brightness that remains in the shade."""
    penumbra: Annotated[Range, inside(0.005, 1)] = (0.02, 0.15)
    """Width of the soft edge as a share of the crop."""
    cover: Annotated[Range, inside(0, 1)] = (0.15, 0.8)
    """Share of the crop in the shade of leaves."""
    spot: Annotated[Range, inside(0.01, 1)] = (0.06, 0.25)
    """Width of a spot of sun between leaves as a share of the crop."""
    width: Annotated[Range, inside(0, 2)] = (0.08, 0.25, 1.0)
    """Width of a band as a share of the crop; wide ones show one edge."""

    def sample(self, u: Tensor) -> Params:
        """`leafy` (0 or 1), the ranges, `direction`, `place`, `gap`: (N,); `corner`: (N, 2)."""
        return {
            "leafy": (u[:, 0] < self.leaves).to(u.dtype),
            **self.ranges(u[:, 1:]),
            "direction": u[:, 6] * math.pi,
            "place": u[:, 7] * 2 - 1,  # of the bands' middle, in half crops
            # Between two bands; half of the time there is one.
            "gap": (u[:, 8] * 2 - 1).clamp(min=0.0),
            "corner": torch.stack([u[:, 9], u[:, 7]], 1),
        }

    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """Multiply by 1 - shade * (1 - ambient); blue keeps a bit more."""
        tiles = _SPOT / params["spot"]
        places = window(crops, tiles, params["direction"], params["corner"])
        depth = look_up(dapples, places)
        # Over a penumbra the depth changes by this much; the threshold runs from none to all.
        soft = per_crop(params["penumbra"] * tiles * _SLOPE).clamp(min=1e-3)
        threshold = per_crop(params["cover"]) * (1 + soft)
        leaves = depth.mul_(-1 / soft).add_(threshold / soft).clamp_(0.0, 1.0)

        from_middle = along(crops, params["direction"]).sub_(per_crop(params["place"])).abs_()
        apart = per_crop(params["gap"] + params["width"] * (params["gap"] > 0))
        bands = band(
            from_middle.sub_(apart).abs_(),
            per_crop(params["width"]),
            per_crop(params["penumbra"]) * 2,
        )

        shade = torch.where(per_crop(params["leafy"]) > 0, leaves, bands)
        sky = torch.tensor([1.0, 0.97, 0.88], device=crops.device)
        dark = sky * (1 - params["ambient"])[:, None]
        return torch.addcmul(crops, crops, shade * per_crop(dark), value=-1)


_SPOT = 0.06
"""Width of a spot in the tile of `dapples`, in tiles."""
_SLOPE = 13.0
"""How steep `dapples` is around its spots, per tile."""


def dapples() -> Tensor:
    """(1, TILE, TILE) how sunny a place under leaves is, evenly distributed over (0, 1).

    Smooth noise with round bright spots: a gap between leaves is a pinhole that shows the sun's
    disc (Minnaert, "Light and colour in the open air", section 1).
    """
    rng = np.random.default_rng(1)
    sunny = smooth_noise(rng, 2.5 * _SPOT).astype(np.float64)
    y, x = np.mgrid[:TILE, :TILE]
    for _ in range(130):
        radius = rng.uniform(0.35, 0.7) * _SPOT * TILE
        dx, dy = ((axis - rng.uniform(0, TILE) + TILE / 2) % TILE - TILE / 2 for axis in (x, y))
        sunny += rng.uniform(0.5, 1.0) * np.clip(1.5 - np.hypot(dx, dy) / radius, 0, 1)
    return torch.from_numpy(ranked(sunny))[None]


class Specular(CropEffect):
    """The sun's reflection on enamel: a soft elliptic spot that burns out to white."""

    draws: ClassVar[int] = 6
    probability: float = Field(default=0.06, ge=0.0, le=1.0)

    strength: Annotated[Range, inside(0, 1)] = (0.15, 0.5, 1.0)
    """From nothing to a spot whose middle is white."""
    size: Annotated[Range, inside(0.01, 2)] = (0.08, 0.18, 0.5)
    """Radius of the spot's longer side as a share of the crop."""
    stretch: Annotated[Range, inside(1, 20)] = (1.0, 3.0)
    """How much longer than wide the spot is: plates are bent."""
    where: Annotated[Range, inside(-2, 2)] = (-0.8, 0.8)
    """The spot's middle, x and y; [-1, 1] runs from edge to edge."""

    def sample(self, u: Tensor) -> Params:
        """`strength`, `size`, `stretch`, `direction`: (N,); `where`: (N, 2)."""
        return {
            **self.ranges(u, "strength", "size", "stretch"),
            "where": quantile(u[:, 3:5], self.where),
            "direction": u[:, 5] * math.pi,  # of the longer side
        }

    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """Towards white by 1 - exp(-energy): film-like saturation of a Gaussian spot."""
        long = params["direction"]
        wide = long + math.pi / 2
        x, y = params["where"].unbind(1)
        at_long, at_wide = (x * turn.cos() + y * turn.sin() for turn in (long, wide))
        radius = params["size"] * 2  # in half crops
        from_long = (along(crops, long) - per_crop(at_long)).div_(per_crop(radius))
        from_wide = (along(crops, wide) - per_crop(at_wide)).mul_(
            per_crop(params["stretch"] / radius)
        )
        spot = from_long.square_().addcmul_(from_wide, from_wide).neg_().exp_()
        cover = spot.mul_(per_crop(params["strength"] * -3)).expm1_().neg_()
        white = torch.tensor([1.0, 0.985, 0.95], device=crops.device).view(1, 3, 1, 1)
        return torch.lerp(crops, white, cover)


class Backlight(CropEffect):
    """The sun stands behind: the face is in its own shade, a veil of flare rises from one side."""

    draws: ClassVar[int] = 4
    probability: float = Field(default=0.06, ge=0.0, le=1.0)

    light: Annotated[Range, inside(0, 1)] = (0.2, 0.7)
    """Brightness that remains."""
    veil: Annotated[Range, inside(0, 1)] = (0.05, 0.35, 0.75)
    """How much of the picture the veil replaces on the sun's side."""
    reach: Annotated[Range, inside(0.05, 20)] = (0.2, 0.45, 1.2)
    """Over this share of the crop the veil falls to 1 / e."""
    direction: Range = (-math.pi, 0.0)
    """Towards the sun, in radians; 0 points right, -pi / 2 up."""

    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """light * (1 - veil) * crop + veil * colour of the flare."""
        direction = params["direction"]
        corner = direction.cos().abs() + direction.sin().abs()  # the point next to the sun
        fall = per_crop(1 / (2 * params["reach"]))
        veil = (along(crops, direction) - per_crop(corner)).mul_(fall).exp_()
        veil.mul_(per_crop(params["veil"]))
        flare = veil * torch.tensor([1.0, 0.97, 0.9], device=crops.device).view(1, 3, 1, 1)
        light = per_crop(params["light"])
        return flare.addcmul_(crops, light - light * veil)


class Night(CropEffect):
    """Night: what the headlights do not reach is almost black.

    The beam lights a spot around or below the sign; a lamp is warm (halogen) or cool (LED). What is
    dull by day drowns first: the plate throws the light back, its surroundings do not.
    """

    draws: ClassVar[int] = 7
    probability: float = Field(default=0.04, ge=0.0, le=1.0)

    ambient: Annotated[Range, inside(0, 1)] = (0.02, 0.05, 0.18)
    """Brightness outside the beam."""
    beam: Annotated[Range, inside(0, 10)] = (0.35, 0.7, 1.2)
    """Brightness that the beam adds in its middle."""
    spread: Annotated[Range, inside(0.05, 20)] = (0.2, 0.35, 0.7)
    """Standard deviation of the beam as a share of the crop."""
    sideways: Annotated[Range, inside(-5, 5)] = (-0.4, 0.4)
    """Where the beam's middle stands, x; [-1, 1] runs from edge to edge."""
    height: Annotated[Range, inside(-5, 5)] = (-0.3, 0.1, 0.8)
    """Where the beam's middle stands, y, down."""
    warmth: Annotated[Range, inside(-3, 3)] = (-0.12, 0.2)
    """Natural logarithm of the red gain; blue takes the inverse."""
    crush: Annotated[Range, inside(0, 1)] = (0.2, 0.9)
    """How far dull colours drown: 1 squares the crop before it is lit."""

    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """Square in part, then multiply by (ambient + Gaussian beam) * lamp colour."""
        x, y = axes(crops)
        sharp = per_crop(1 / (2 * math.sqrt(2) * params["spread"]))  # a crop is 2 wide
        across = ((x - per_crop(params["sideways"])) * sharp).square_().neg_().exp_()
        down = ((y - per_crop(params["height"])) * sharp).square_().neg_().exp_()
        down.mul_(per_crop(params["beam"]))
        light = torch.addcmul(per_crop(params["ambient"]), across, down)  # (N, 1, H, W)
        warmth = params["warmth"].exp()
        lamp = torch.stack([warmth, torch.ones_like(warmth), 1 / warmth], 1)
        crush = per_crop(params["crush"])
        crushed = torch.addcmul(1 - crush, crops, crush).mul_(crops)
        return crushed.mul_(light).mul_(per_crop(lamp))
