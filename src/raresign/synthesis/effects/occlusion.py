"""What stands before the sign or cuts it off: branches, posts and cables, the frame's edge."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from raresign.synthesis.effect import CropEffect, Params, Range, inside, quantile
from raresign.synthesis.fields import along, axes, band, brightest, per_crop, window
from raresign.synthesis.textures import TILE, look_up, ranked


class Branches(CropEffect):
    """Leafy or bare branches that hang into the crop from one side or from a corner."""

    draws: ClassVar[int] = 13
    probability: float = Field(default=0.06, ge=0.0, le=1.0)

    cover: Annotated[Range, inside(0, 0.9)] = (0.02, 0.12, 0.4)
    """Share of the crop that is hidden; bare branches hide a third of that."""
    bare: float = Field(default=0.3, ge=0.0, le=1.0)
    """Share of the branches that have no leaves."""
    leaf: Annotated[Range, inside(0.01, 1)] = (0.05, 0.18)
    """Length of a leaf as a share of the crop; bare twigs are thinner."""
    brightness: Annotated[Range, inside(0, 1)] = (0.08, 0.3, 0.7)
    """Of the leaves in the light, relative to the crop's brightest point; before the sky they are
    dark."""
    autumn: Annotated[Range, inside(0, 1)] = (0.0, 0.15, 1.0)
    """From green over yellow to brown."""

    def sample(self, u: Tensor) -> Params:
        """`is_bare` (0 or 1), the ranges, `turn`: (N,); `corner`, `sides`, `reach`: (N, 2)."""
        # One axis is the main one; from half of the time on, branches come along the other, too.
        second = (u[:, 5] * 2 - 1).clamp(min=0.0)
        main_is_x = (u[:, 6] < 0.5).to(u.dtype)
        reach = torch.stack([main_is_x, 1 - main_is_x], 1)
        reach = torch.maximum(reach, second[:, None])
        # From the left as from the right, but rather from above than from below.
        from_low = torch.stack([u[:, 7] < 0.5, u[:, 8] < 0.8], 1).to(u.dtype)
        return {
            "is_bare": (u[:, 0] < self.bare).to(u.dtype),
            **self.ranges(u[:, 1:]),
            "sides": from_low * 2 - 1,
            "reach": reach,
            "turn": u[:, 9] * (2 * math.pi),
            "light": u[:, 10],
            "corner": u[:, 11:13],
        }

    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """Foliage where its height exceeds a bar that rises with the way from the side."""
        bare = params["is_bare"]
        leaf = params["leaf"].clamp(min=1.5 / crops.shape[3])
        tiles = _LEAF / leaf
        places = window(crops, tiles, params["turn"], params["corner"])
        texture = look_up(foliage, places)
        kind = torch.where(per_crop(bare) > 0, texture[:, 2:], texture[:, :2])
        height, tone = kind[:, :1], kind[:, 1:]

        # Bare twigs get thicker, not denser, where the bar is low: at most a third of a place.
        most = per_crop(_FULL - (_FULL - _FULL_BARE) * bare)
        mean = per_crop(params["cover"] * (1 - bare * 2 / 3)) / most
        here = _ramp(self._way(crops, params), mean)
        steep = per_crop(_SHARP * leaf * crops.shape[3]).clamp(min=2.0)  # one pixel of soft edge
        share = here.mul_(most)
        # What a soft edge hides is less than what lies above the bar: solved for the bar.
        low, high = (share * (2 / steep)).sqrt_(), share + 0.5 / steep
        bar = torch.where(share * steep < 0.5, low, high)
        cover = bar.add_(height - 1).mul_(steep).clamp_(0.0, 1.0)

        dark, light = _foliage_colours(params)
        colour = torch.addcmul(per_crop(dark), per_crop(light - dark), tone).mul_(brightest(crops))
        return torch.lerp(crops, colour, cover)

    def _way(self, crops: Tensor, params: Params) -> Tensor:
        """(N, 1, H, W) way from the sides, evenly distributed over [0, 1] in the crop."""
        reach, sides = params["reach"].clamp(min=1e-4), params["sides"]
        ways = [
            (0.5 + 0.5 * per_crop(sides[:, k]) * axis) / per_crop(reach[:, k])
            for k, axis in enumerate(axes(crops))
        ]
        nearest = torch.minimum(*ways)
        # P(min(x / a, y / b) < m) = 1 - (1 - a m) (1 - b m) for even x and y.
        a, b = (per_crop(side) for side in reach.unbind(1))
        return 1 - (1 - a * nearest) * (1 - b * nearest)


_LEAF = 26.0 / TILE
"""Length of a leaf in the tile of `foliage`, in tiles."""
_FULL, _FULL_BARE = 0.95, 0.3
"""Share hidden right at the side: by leaves, by twigs."""
_SHARP = 0.25
"""One over the typical slope of the foliage's height, in leaf lengths."""
_SOFT = 0.6
"""Share of the crop over which the bar rises from low to high."""


def _ramp(way: Tensor, mean: Tensor) -> Tensor:
    """Falls from 1 to 0 along an even way in [0, 1], so that its mean is as asked."""
    mean = mean.clamp(0.0, 1.0)
    # The ramp (end - way) / _SOFT, cut to [0, 1], integrated over the way and solved for its end.
    low = (2 * _SOFT * mean).sqrt()
    high = 1 + _SOFT - (2 * _SOFT * (1 - mean)).sqrt()
    middle = mean + _SOFT / 2
    end = torch.where(mean < _SOFT / 2, low, torch.where(mean > 1 - _SOFT / 2, high, middle))
    return (end - way).mul_(1 / _SOFT).clamp_(0.0, 1.0)


def _foliage_colours(params: Params) -> tuple[Tensor, Tensor]:
    """(N, 3) colours of foliage in its own shade and in the light."""
    green = params["light"].new_tensor([0.55, 0.9, 0.3])
    yellow = params["light"].new_tensor([1.0, 0.85, 0.25])
    brown = params["light"].new_tensor([0.75, 0.5, 0.3])
    bark = params["light"].new_tensor([0.6, 0.53, 0.47])
    autumn = params["autumn"][:, None]
    hue = torch.lerp(green, yellow, (2 * autumn).clamp(max=1.0))
    hue = torch.lerp(hue, brown, (2 * autumn - 1).clamp(min=0.0))
    hue = torch.where(params["is_bare"][:, None] > 0, bark, hue)
    light = hue * params["brightness"][:, None]
    return light * (0.2 + 0.4 * params["light"][:, None]), light


def foliage() -> Tensor:
    """(4, TILE, TILE) leaves and bare twigs: height and tone of each; they repeat without a seam.

    Heights are evenly distributed over [0, 1]: what lies above a bar of 1 - c covers a share c.
    Leaves that lie high are whole leaves; each shrinks as the bar rises.
    """
    rng = np.random.default_rng(4)
    layers = [*_leaves(rng), *_twigs(rng)]
    return torch.from_numpy(np.stack(layers).astype(np.float32))


def _leaves(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Height and tone of ellipses that lie one above the other, with a lighter half each."""
    height = np.full((TILE, TILE), -9.0)
    tone = np.zeros((TILE, TILE))
    reach = round(_LEAF * TILE)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    for level in np.sort(rng.uniform(0, 1.5, 520)):
        row, column = rng.integers(0, TILE, 2)
        angle, length = rng.uniform(0, 2 * math.pi), reach / 2 * rng.uniform(0.7, 1.3)
        lengthwise = (x * math.cos(angle) + y * math.sin(angle)) / length
        across = (y * math.cos(angle) - x * math.sin(angle)) / (length * rng.uniform(0.35, 0.6))
        here = level - lengthwise**2 - across**2
        where = np.ix_((row + y[:, 0]) % TILE, (column + x[0]) % TILE)
        above = here > height[where]
        half = rng.uniform(0.1, 1.0) + 0.15 * np.tanh(6 * across) - 0.2 * lengthwise**2
        tone[where] = np.where(above, half, tone[where])
        height[where] = np.where(above, here, height[where])
    return ranked(height), tone.clip(0, 1)


def _twigs(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Height and tone of crooked forking lines, thinner from fork to fork."""
    distance = np.full((TILE, TILE), 99.0)
    y, x = np.mgrid[-40:41, -40:41]
    step = 18  # texels
    tips = [(*rng.uniform(0, TILE, 2), rng.normal(0, 0.7), 3.2) for _ in range(7)]
    while tips:
        column, row, angle, thick = tips.pop()
        for _ in range(4):
            angle += rng.normal(0, 0.25)
            ahead = np.array([math.cos(angle), math.sin(angle)])
            middle = np.array([column, row]) + step / 2 * ahead
            texel = np.floor(middle).astype(int)
            dx, dy = x + texel[0] - middle[0], y + texel[1] - middle[1]
            on = (dx * ahead[0] + dy * ahead[1]).clip(-step / 2, step / 2)
            gap = np.hypot(dx - on * ahead[0], dy - on * ahead[1])
            where = np.ix_((texel[1] + y[:, 0]) % TILE, (texel[0] + x[0]) % TILE)
            distance[where] = np.minimum(distance[where], gap / thick)
            column, row = middle + step / 2 * ahead
        if thick > 1.2:
            tips += [
                (column, row, angle + side * rng.uniform(0.3, 0.9), thick * 0.68)
                for side in (-1, 1)
            ]
    return ranked(-distance), (1.1 - 0.5 * distance).clip(0, 1)


class Post(CropEffect):
    """A lamp post, pole or cable in front of the sign, round and lit from one side."""

    draws: ClassVar[int] = 7
    probability: float = Field(default=0.04, ge=0.0, le=1.0)

    width: Annotated[Range, inside(0, 1)] = (0.03, 0.08, 0.3)
    """Width of a post as a share of the crop."""
    place: Annotated[Range, inside(-2, 2)] = (-1.1, -0.6, 0.6, 1.1)
    """Where its middle crosses the crop's middle row; [-1, 1] runs from edge to edge."""
    lean: Annotated[Range, inside(-1.6, 1.6)] = (-0.12, 0.12)
    """Radians from the upright."""
    brightness: Annotated[Range, inside(0, 1)] = (0.05, 0.35, 0.8)
    """On its lit side, relative to the crop's brightest point."""
    cables: float = Field(default=0.25, ge=0.0, le=1.0)
    """Share that are cables: of any direction, a fifth as wide, and dark."""

    def sample(self, u: Tensor) -> Params:
        """The ranges and `lit` (the lit side, -1 to 1): (N,)."""
        cable = u[:, 0] < self.cables
        params = self.ranges(u[:, 1:], "width", "place", "lean", "brightness")
        for field, cable_has in (
            ("width", params["width"] * 0.2),
            ("lean", (u[:, 6] - 0.5) * math.pi),
            ("brightness", params["brightness"] * 0.4),
        ):
            params[field] = torch.where(cable, cable_has, params[field])
        return params | {"lit": u[:, 5] * 2 - 1}

    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """Lay a shaded cylinder over the crop; a cable thinner than a pixel is faint."""
        width = per_crop(params["width"])
        middle = per_crop(params["place"] * params["lean"].cos())
        from_middle = along(crops, params["lean"]).sub_(middle)
        pixel = 2 / crops.shape[3]
        cover = band(from_middle.abs(), width, pixel)
        across = from_middle.div_(width.clamp(min=pixel / 2))
        from_lit = across.sub_(per_crop(params["lit"])).square_()
        tone = from_lit.mul_(-0.2).add_(1.0).clamp_(min=0.2)
        grey = torch.tensor([0.97, 1.0, 1.0], device=crops.device) * params["brightness"][:, None]
        return torch.lerp(crops, tone * (per_crop(grey) * brightest(crops)), cover)


class FrameEdge(CropEffect):
    """The sign leaves the video frame: beyond it, the crop is black or repeats the frame's edge."""

    draws: ClassVar[int] = 3
    probability: float = Field(default=0.02, ge=0.0, le=1.0)

    cut: Annotated[Range, inside(0, 1)] = (0.02, 0.1, 0.35)
    """Share of the crop beyond the frame."""
    black: float = Field(default=0.5, ge=0.0, le=1.0)
    """Share of the edges that are black beyond; the others repeat the last row or column."""

    def sample(self, u: Tensor) -> Params:
        """`cut`, `side` (0 left, 1 right, 2 top, 3 bottom), `is_black` (0 or 1): (N,)."""
        return {
            "cut": quantile(u[:, 0], self.cut),
            "side": (u[:, 1] * 4).floor(),
            "is_black": (u[:, 2] < self.black).to(u.dtype),
        }

    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """Clamp each pixel's place to the frame, then blacken what was clamped."""
        sides = torch.arange(4, device=crops.device)
        seen, off = _cut_at(crops, params["cut"][:, None] * (params["side"][:, None] == sides))
        off &= (params["is_black"] > 0)[:, None, None]
        return seen.masked_fill_(off[:, None], 0.0)


class TightBox(CropEffect):
    """The detector's box was smaller than the sign; framed anew, the crop's edge pixels go on."""

    draws: ClassVar[int] = 4
    probability: float = Field(default=0.0, ge=0.0, le=1.0)

    cut: Annotated[Range, inside(0, 0.45)] = (0.0, 0.04, 0.15)
    """Share of the crop that is lost at each side, each drawn apart."""

    def sample(self, u: Tensor) -> Params:
        """`cut`: (N, 4), left, right, top and bottom."""
        return {"cut": quantile(u, self.cut)}

    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """Clamp each pixel's place to what is left."""
        return _cut_at(crops, params["cut"])[0]


def _cut_at(crops: Tensor, cuts: Tensor) -> tuple[Tensor, Tensor]:
    """Crops whose last rows and columns within the cuts go on beyond them, and where they do.

    Args:
        crops: (N, C, H, W).
        cuts: (N, 4) shares of the crop: left, right, top and bottom.

    Returns:
        Such crops and (N, H, W) bool.
    """
    n, channels, height, width = crops.shape
    left, right, top, bottom = (cuts[:, side, None] for side in range(4))
    columns, off_x = _between(left, right, width)
    rows, off_y = _between(top, bottom, height)
    places = (rows[:, :, None] * width + columns[:, None, :]).view(n, 1, -1)
    seen = crops.flatten(2).gather(2, places.expand(-1, channels, -1)).view_as(crops)
    return seen, off_y[:, :, None] | off_x[:, None, :]


def _between(low: Tensor, high: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """(N, size) places, none in the first `low` and the last `high` share, and which were moved."""
    steps = torch.arange(size, device=low.device)
    first, last = ((share * size).round().long().clamp(max=size - 1) for share in (low, high))
    places = torch.minimum(torch.maximum(steps, first), size - 1 - last)
    return places, places != steps
