"""What befell a plate here and there: scratches, stickers, rust, bullet dents."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from raresign.synthesis.effect import (
    LogRange,
    Params,
    Share,
    SignEffect,
    WholeRange,
    inside,
    quantile,
)
from raresign.synthesis.fields import band
from raresign.synthesis.painting import (
    RUST,
    blotches,
    counted,
    grain_on,
    length,
    paint,
    paint_grey,
    pixel_size,
    pixel_softness,
    split,
    spread,
    tint,
    turned,
    within,
)


def _is_there(count: Tensor, k: int) -> Tensor:
    """(N, 1, 1): 1 for crops with more than k of them."""
    return (count > k).float()[:, None, None]


class Scratches(SignEffect):
    """Thin straight lines, bright or dark.

    Example:
        >>> plate = torch.stack(torch.meshgrid(*[torch.linspace(-1, 1, 16)] * 2, indexing="xy"), -1)
        >>> white = torch.ones(1, 4, 16, 16)
        >>> scratches = Scratches(count=(4, 4), brightness=(0, 0))
        >>> u = torch.full((1, Scratches.draws), 0.5)
        >>> bool(scratches.apply(white, plate[None], scratches.sample(u))[:, :3].min() < 0.9)
        True
    """

    most: ClassVar[int] = 4
    draws: ClassVar[int] = 2 + 6 * most

    probability: float = Field(default=0.08, ge=0.0, le=1.0)
    count: Annotated[WholeRange, inside(0, most)] = (1, 4)
    length: Annotated[LogRange, inside(0.01, 4)] = (0.1, 0.7)
    """In plate widths."""
    width: Annotated[LogRange, inside(0.0005, 0.5)] = (0.003, 0.02)
    """In plate widths."""
    opacity: Share = (0.3, 0.9)
    brightness: Share = (0.1, 0.35, 0.75, 1.0)

    def sample(self, u: Tensor) -> Params:
        """`count`, `opacity`: (N,); `x`, `y`, `angle` and the other fields: (N, most)."""
        each = u[:, 2:].view(len(u), 6, self.most)
        return {
            "count": counted(u[:, 0], *self.count),
            "opacity": quantile(u[:, 1], self.opacity),
            "x": each[:, 0] * 1.8 - 0.9,
            "y": each[:, 1] * 1.8 - 0.9,
            "angle": each[:, 2] * math.pi,
            **self.ranges(each[:, 3:], "length", "width", "brightness"),
        }

    def apply(self, sign: Tensor, plate: Tensor, params: Params) -> Tensor:
        """See `SignEffect.apply`."""
        pixel = pixel_size(plate).mean(1)
        reach, width, brightness = (
            params[name][:, :, None, None] for name in ("length", "width", "brightness")
        )
        x, y = split(plate)
        cover = torch.zeros_like(x)
        grey = torch.zeros_like(cover)
        for k in range(self.most):
            at = params["x"][:, k], params["y"][:, k]
            along, across = turned(x, y, at, params["angle"][:, k])
            # Half a length in half plate widths is a length in plate widths.
            line = band(across.abs_(), width[:, k], pixel)
            line.mul_(within(along.abs_().sub_(reach[:, k]), pixel))
            line.mul_(params["opacity"][:, None, None] * _is_there(params["count"], k))
            bare = 1 - line
            grey.mul_(bare).addcmul_(line, brightness[:, k])
            cover.mul_(bare).add_(line)
        return paint_grey(sign.clone(), cover, grey)


class Stickers(SignEffect):
    """Small opaque rectangles, some with round corners, of any colour.

    Example:
        >>> plate = torch.stack(torch.meshgrid(*[torch.linspace(-1, 1, 16)] * 2, indexing="xy"), -1)
        >>> black = torch.zeros(1, 4, 16, 16); black[:, 3] = 1
        >>> stickers = Stickers(count=(1, 1), size=(0.3, 0.3), slimness=(1, 1))
        >>> u = torch.full((1, Stickers.draws), 0.5)
        >>> stuck = stickers.apply(black, plate[None], stickers.sample(u))
        >>> 0.05 < (stuck[0, 0] > 0.25).float().mean().item() < 0.15
        True
    """

    most: ClassVar[int] = 3
    draws: ClassVar[int] = 1 + 10 * most

    probability: float = Field(default=0.06, ge=0.0, le=1.0)
    count: Annotated[WholeRange, inside(0, most)] = (1, 3)
    size: Annotated[LogRange, inside(0.005, 1)] = (0.06, 0.22)
    """Longer side in plate widths."""
    slimness: Annotated[LogRange, inside(1, 20)] = (1.0, 3.0)
    """Longer over shorter side."""
    roundness: Share = (0.0, 0.1, 1.0)
    """Of the corners: 0 square, 1 half circles."""
    vividness: Share = (0.0, 0.9)
    """Of the colours: 0 grey, 1 any colour."""

    def sample(self, u: Tensor) -> Params:
        """`count`: (N,); `x`, `y`, `angle` and the fields: (N, most); `colour`: (N, most * 3)."""
        n, k = len(u), self.most
        each = u[:, 1 : 1 + 7 * k].view(n, 7, k)
        params = self.ranges(each[:, 3:])
        colour = u[:, 1 + 7 * k :].view(n, k, 3)
        colour = torch.lerp(colour.mean(2, keepdim=True), colour, params["vividness"][:, :, None])
        return {
            "count": counted(u[:, 0], *self.count),
            "x": each[:, 0] * 1.7 - 0.85,
            "y": each[:, 1] * 1.7 - 0.85,
            # Most people stick them on straight, more or less.
            "angle": (each[:, 2] * 2 - 1) ** 3 * (math.pi / 2),
            **params,
            "colour": colour.flatten(1),
        }

    def apply(self, sign: Tensor, plate: Tensor, params: Params) -> Tensor:
        """See `SignEffect.apply`."""
        pixel = pixel_size(plate).mean(1)
        half_width = params["size"][:, :, None, None]
        half_height = half_width / params["slimness"][:, :, None, None]
        radius = half_height * params["roundness"][:, :, None, None]
        colours = params["colour"].view(len(sign), self.most, 3)
        x, y = split(plate)
        sign = sign.clone()
        for k in range(self.most):
            at = params["x"][:, k], params["y"][:, k]
            along, across = turned(x, y, at, params["angle"][:, k])
            # Distance to a box with round corners.
            along = along.abs_().sub_(half_width[:, k] - radius[:, k])
            across = across.abs_().sub_(half_height[:, k] - radius[:, k])
            inner = torch.maximum(along, across).clamp_(max=0)
            distance = length(along.clamp_(min=0), across.clamp_(min=0)).add_(inner)
            cover = within(distance.sub_(radius[:, k]), pixel).mul_(_is_there(params["count"], k))
            sign = paint(sign, cover, colours[:, k])
        return sign


class Rust(SignEffect):
    """Brown spots at bolts and chips with streaks running down from them, and rusty edges.

    Example:
        >>> plate = torch.stack(torch.meshgrid(*[torch.linspace(-1, 1, 32)] * 2, indexing="xy"), -1)
        >>> rust = Rust(count=(1, 1), edge=(0, 0), opacity=(1, 1))
        >>> params = rust.sample(torch.full((1, Rust.draws), 0.5))
        >>> red, _, blue, _ = rust.apply(torch.ones(1, 4, 32, 32), plate[None], params)[0]
        >>> bool((red - blue).max() > 0.1)
        True
    """

    most: ClassVar[int] = 3
    draws: ClassVar[int] = 6 + 4 * most

    probability: float = Field(default=0.08, ge=0.0, le=1.0)
    count: Annotated[WholeRange, inside(0, most)] = (0, 3)
    """Spots; the first two are bolts in the middle of the upper and the lower half."""
    size: Annotated[LogRange, inside(0.005, 1)] = (0.03, 0.12)
    """Radius of a spot in half plate widths."""
    streak: Annotated[LogRange, inside(0.01, 4)] = (0.1, 0.9)
    """How far it runs down, in half plate widths."""
    edge: Share = (0.0, 0.15, 0.7)
    """Share of the sign's very edge that is rusty."""
    opacity: Share = (0.4, 0.9)
    brightness: Share = (0.15, 0.4)

    def sample(self, u: Tensor) -> Params:
        """`x`, `y`, `size`, `streak`: (N, most); the other fields: (N,); `where`: (N, 2)."""
        each = u[:, 6:].view(len(u), 4, self.most)
        reach_x = torch.tensor([0.08, 0.08, 0.8], device=u.device)
        reach_y = torch.tensor([0.25, 0.25, 0.8], device=u.device)
        middle_y = torch.tensor([-0.5, 0.5, 0.0], device=u.device)
        return {
            "count": counted(u[:, 0], *self.count),
            **self.ranges(u[:, 1:], "edge", "opacity", "brightness"),
            "where": u[:, 4:6],
            "x": reach_x * (each[:, 0] * 2 - 1),
            "y": middle_y + reach_y * (each[:, 1] * 2 - 1),
            **self.ranges(each[:, 2:], "size", "streak"),
        }

    def apply(self, sign: Tensor, plate: Tensor, params: Params) -> Tensor:
        """See `SignEffect.apply`."""
        at_x, at_y, size, streak = (
            params[name][:, :, None, None] for name in ("x", "y", "size", "streak")
        )
        x, y = split(plate)
        # The edge is where the sign's surroundings are half empty.
        share = (1 - spread(sign[:, 3:])[:, 0]).mul_(2 * params["edge"][:, None, None])
        for k in range(self.most):
            aside = (x - at_x[:, k]).div_(size[:, k])
            below = y - at_y[:, k]
            # Round above its centre, drawn out below.
            down = torch.maximum(below / streak[:, k], below.div_(-size[:, k]))
            spot = aside.square_().addcmul_(down, down).neg_().add_(1)
            share = torch.maximum(share, spot.mul_(_is_there(params["count"], k)))
        # Blotches that are higher than wide: rust runs.
        width = torch.full_like(params["edge"], 0.18)
        noise = grain_on(plate, width, width * 3, params["where"])
        softness = pixel_softness(pixel_size(plate).mean(1), width).clamp_(min=0.4)
        cover = blotches(noise, share.clamp_(0, 1), softness)
        cover.mul_(params["opacity"][:, None, None])
        full = torch.ones_like(params["brightness"])
        return paint(sign.clone(), cover, tint(params["brightness"], full, RUST))


class Dents(SignEffect):
    """Bullet dents: a dark hole, a ring of chipped enamel, the metal around it bent.

    Example:
        >>> plate = torch.stack(torch.meshgrid(*[torch.linspace(-1, 1, 32)] * 2, indexing="xy"), -1)
        >>> dents = Dents(count=(1, 1), radius=(0.3, 0.3))
        >>> params = dents.sample(torch.full((1, Dents.draws), 0.5))
        >>> dented = dents.apply(torch.ones(1, 4, 32, 32), plate[None], params)
        >>> bool(dented[0, 0, 15, 15] < 0.2)
        True
    """

    most: ClassVar[int] = 4
    draws: ClassVar[int] = 4 + 3 * most

    probability: float = Field(default=0.02, ge=0.0, le=1.0)
    count: Annotated[WholeRange, inside(0, most)] = (1, 4)
    radius: Annotated[LogRange, inside(0.002, 1)] = (0.02, 0.07)
    """Of the chipped ring in half plate widths."""
    relief: Share = (0.2, 0.8)
    """How bright and dark the bent metal gets."""
    brightness: Share = (0.3, 0.8)
    """Of the chipped ring."""
    rust: Share = (0.0, 1.0)
    """Its colour: 0 grey, 1 rust."""

    def sample(self, u: Tensor) -> Params:
        """`x`, `y`, `radius`: (N, most); the other fields: (N,)."""
        each = u[:, 4:].view(len(u), 3, self.most)
        return {
            "count": counted(u[:, 0], *self.count),
            **self.ranges(u[:, 1:], "relief", "brightness", "rust"),
            "x": each[:, 0] * 1.6 - 0.8,
            "y": each[:, 1] * 1.6 - 0.8,
            **self.ranges(each[:, 2:], "radius"),
        }

    def apply(self, sign: Tensor, plate: Tensor, params: Params) -> Tensor:
        """See `SignEffect.apply`."""
        pixel = pixel_size(plate).mean(1)
        at_x, at_y, radius = (params[name][:, :, None, None] for name in ("x", "y", "radius"))
        relief = params["relief"][:, None, None]
        x, y = split(plate)
        bent = torch.zeros_like(x)
        chipped, hole = torch.zeros_like(x), torch.zeros_like(x)
        for k in range(self.most):
            # What is smaller than a pixel fades by its area instead of its edges.
            seen = (2 * radius[:, k] / pixel).square().clamp(max=1) * _is_there(params["count"], k)
            blur = pixel / radius[:, k]
            down = (y - at_y[:, k]).div_(radius[:, k])
            away = length((x - at_x[:, k]).div_(radius[:, k]), down)
            hole.addcmul_(within(away - 0.4, blur), seen)
            chipped.addcmul_(within(away - 1, blur), seen)
            # Light from above: the upper slope is dark, the lower one bright.
            slope = away.div_(-2.5).add_(1).clamp_(min=0).mul_(down)
            bent.addcmul_(slope, seen * relief)
        bent.clamp_(-1, 1)
        dented = paint_grey(sign.clone(), bent.abs(), bent.clamp(min=0))
        ring = tint(params["brightness"], params["rust"], RUST)
        paint(dented, chipped.clamp_(max=1), ring)
        return paint(dented, hole.clamp_(max=1), torch.full_like(ring, 0.08))
