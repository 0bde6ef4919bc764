"""What a sign hangs on and beside: a larger board, a pole, a neighbour."""

from __future__ import annotations

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from raresign.synthesis.effect import (
    Effect,
    LogRange,
    Params,
    Range,
    Share,
    SignEffect,
    inside,
    quantile,
)
from raresign.synthesis.fields import band
from raresign.synthesis.painting import RUST, pixel_size, rescaled, split, tint

_FLUORESCENT = ((1.0, 0.82, 0.08), (0.82, 0.95, 0.15))
"""Temporary signs stand on yellow boards, crossings and schools on yellow-green ones."""
_PLAIN = ((1.0, 1.0, 1.0), (0.6, 0.61, 0.62), (0.42, 0.3, 0.2))
"""White, grey and brown boards."""


def sign_light(sign: Tensor) -> Tensor:
    """(N,) how brightly a sign's layer is lit: its highest value, at most 1.

    Nearly every sign has white or yellow on it, so this is about what its light makes of white;
    what hangs beside it stands in the same light.
    """
    return sign[:, :3].amax((1, 2, 3)).clamp(0, 1)


class Board(SignEffect):
    """A larger board behind the sign, in its plane.

    Example:
        >>> board = Board(margin=(5, 5), fluorescent=0, brightness=(1, 1))
        >>> params = board.sample(torch.zeros(1, Board.draws))  # the first plain board is white
        >>> plate = torch.rand(1, 8, 8, 2)
        >>> board.apply(torch.ones(1, 4, 8, 8) * 0.5, plate, params)[0, :, 4, 4].tolist()
        [0.75, 0.75, 0.75, 1.0]
    """

    draws: ClassVar[int] = 9

    probability: float = Field(default=0.1, ge=0.0, le=1.0)
    margin: Annotated[Range, inside(-1, 20)] = (0.03, 0.2, 1.0)
    """What shows of it on each side, in half plate widths."""
    fluorescent: float = Field(default=0.5, ge=0.0, le=1.0)
    """Share of yellow and yellow-green boards; the others are white, grey or brown."""
    brightness: Share = (0.7, 1.0)
    """Relative to a new board in the sign's light."""
    edge: Annotated[Range, inside(0, 1)] = (0.0, 0.0, 0.06)
    """Width of the line along its border, in half plate widths."""
    edge_brightness: Share = (0.0, 1.0)

    def sample(self, u: Tensor) -> Params:
        """`margin`: (N, 4), left, top, right, bottom; `colour`: (N, 3); others (N,)."""
        vivid = torch.tensor(_FLUORESCENT, device=u.device)
        plain = torch.tensor(_PLAIN, device=u.device)
        colour = torch.where(
            u[:, :1] < self.fluorescent,
            vivid[(u[:, 1] * len(vivid)).long()],
            plain[(u[:, 1] * len(plain)).long()],
        )
        return {
            "colour": colour,
            **self.ranges(u[:, 2:], "brightness", "edge", "edge_brightness"),
            "margin": quantile(u[:, 5:9], self.margin),
        }

    def apply(self, sign: Tensor, plate: Tensor, params: Params) -> Tensor:
        """See `SignEffect.apply`."""
        pixel = pixel_size(plate)
        left, top, right, bottom = (1 + params["margin"])[:, :, None, None].unbind(1)
        # Depth inside the board in pixels, along each axis.
        x, y = split(plate)
        deep_x = torch.minimum(x + left, right - x).div_(pixel[:, 0])
        deep_y = torch.minimum(y + top, bottom - y).div_(pixel[:, 1])
        edge = params["edge"][:, None, None]
        bare = 1 - sign[:, 3]
        bare.mul_((deep_x + 0.5).clamp_(0, 1)).mul_((deep_y + 0.5).clamp_(0, 1))
        inner = deep_x.sub_(edge / pixel[:, 0] - 0.5).clamp_(0, 1)
        inner.mul_(deep_y.sub_(edge / pixel[:, 1] - 0.5).clamp_(0, 1))

        light = sign_light(sign)[:, None]
        line = (params["edge_brightness"][:, None] * light)[:, :, None, None]
        face = (params["colour"] * params["brightness"][:, None] * light)[:, :, None, None]
        mounted = sign.clone()
        mounted[:, 3].add_(bare)
        mounted[:, :3].addcmul_((bare * inner)[:, None], face)
        mounted[:, :3].addcmul_(bare.mul_(1 - inner)[:, None], line)
        return mounted


class Pole(SignEffect):
    """The post that the sign is fixed to: it goes down behind the sign, and sometimes up.

    Example:
        >>> plate = torch.stack(torch.meshgrid(*[torch.linspace(-2, 2, 16)] * 2, indexing="xy"), -1)
        >>> pole = Pole(width=(1, 1), offset=(0, 0), above=0)
        >>> params = pole.sample(torch.rand(1, Pole.draws))
        >>> bare = pole.apply(torch.zeros(1, 4, 16, 16), plate[None], params)[0, 3]
        >>> bare[2, 8].item(), bare[14, 8].item()
        (0.0, 1.0)
    """

    draws: ClassVar[int] = 8

    probability: float = Field(default=0.3, ge=0.0, le=1.0)
    width: Annotated[Range, inside(0.01, 4)] = (0.1, 0.3)
    """In half plate widths."""
    offset: Annotated[Range, inside(-5, 5)] = (-0.2, 0.2)
    """Of its middle from the sign's, in half plate widths."""
    above: float = Field(default=0.35, ge=0.0, le=1.0)
    """Share of poles that go on above the sign."""
    brightness: Share = (0.15, 0.9)
    """Relative to white in the sign's light."""
    rust: Share = (0.0, 0.0, 0.6)
    """Its colour: 0 grey, 1 rust or wood, which is darker."""
    roundness: Share = (0.0, 0.7)
    """How much darker the sides of a round post are than its middle."""
    striped: float = Field(default=0.06, ge=0.0, le=1.0)
    """Share of poles with black and white stripes."""

    def sample(self, u: Tensor) -> Params:
        """(N,) each; `above`, `striped`: 0 or 1; `stripe`: length of one in half plate widths."""
        return {
            **self.ranges(u, "width", "offset"),
            "above": (u[:, 2] < self.above).float(),
            **self.ranges(u[:, 3:], "brightness", "rust", "roundness"),
            "striped": (u[:, 6] < self.striped).float(),
            "stripe": 0.3 + 0.5 * u[:, 7],
        }

    def apply(self, sign: Tensor, plate: Tensor, params: Params) -> Tensor:
        """See `SignEffect.apply`."""
        width, offset, above, roundness, striped, stripe = (
            params[name][:, None, None]
            for name in ("width", "offset", "above", "roundness", "striped", "stripe")
        )
        x, y = split(plate)
        pixel = pixel_size(plate)
        aside = (x - offset).abs_()
        bare = band(aside, width / 2, pixel[:, 0]).mul_(1 - sign[:, 3])
        # A short post ends behind the middle of the sign.
        bare.mul_((y / pixel[:, 1] + 0.5).clamp_(0, 1).clamp_(min=above))
        shade = aside.mul_(2 / width).square_().clamp_(max=1).mul_(-roundness).add_(1)
        # Triangle wave, steep enough for edges of a pixel.
        phase = y.div_(2 * stripe).frac_().abs_().sub_(0.5).abs_().sub_(0.25)
        white = phase.mul_(2 * stripe / pixel[:, 1]).add_(0.5).clamp_(0, 1)
        shade.mul_(white.mul_(striped).add_(1 - striped).clamp_(min=0.1)).mul_(bare)

        rust = params["rust"] * (1 - params["striped"])
        colour = tint(params["brightness"] * (1 - 0.6 * rust), rust, RUST)
        colour = (colour * sign_light(sign)[:, None])[:, :, None, None]
        mounted = sign.clone()
        mounted[:, 3].add_(bare)
        mounted[:, :3].addcmul_(shade[:, None], colour)
        return mounted


class Neighbour(Effect):
    """Another sign or plate that touches this one: below, above or beside it.

    The engine renders the neighbour's icon where `neighbour_plate` says and hands the picture to
    `apply`.

    Example:
        >>> below = Neighbour(gap=(0, 0), scale=(1, 1), slide=(0, 0), beside=0, above=0)
        >>> params = below.sample(torch.zeros(1, Neighbour.draws))
        >>> lower_edge = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2)
        >>> below.neighbour_plate(lower_edge, params).flatten().tolist()
        [0.0, -1.0]
    """

    draws: ClassVar[int] = 7

    probability: float = Field(default=0.15, ge=0.0, le=1.0)
    gap: Annotated[Range, inside(-1, 10)] = (0.0, 0.2)
    """Between the two, in half plate widths."""
    scale: Annotated[LogRange, inside(0.1, 5)] = (0.8, 1.15)
    """Width of the neighbour in widths of the sign."""
    aspect: Annotated[LogRange, inside(0.2, 5)] = (1.0, 1.0, 1.0, 2.0)
    """Its width over its height."""
    slide: Annotated[Range, inside(-3, 3)] = (-0.08, 0.08)
    """Offset along the common side, in half plate widths."""
    beside: float = Field(default=0.2, ge=0.0, le=1.0)
    """Share of neighbours that hang left or right, half of them each."""
    above: float = Field(default=0.5, ge=0.0, le=1.0)
    """Share of the others that hang above, not below."""

    def sample(self, u: Tensor) -> Params:
        """`gap`, `scale`, `aspect`, `slide`, `which` in [0, 1): (N,); `direction`: (N, 2)."""
        level = u[:, 0] < self.beside
        first = torch.where(level, u[:, 1] < 0.5, u[:, 1] < self.above)
        sense = 1 - 2 * first.float()
        return {
            "direction": torch.stack([sense * level, sense * ~level], 1),
            **self.ranges(u[:, 2:]),
            "which": u[:, 6],
        }

    def neighbour_plate(self, plate: Tensor, params: Params) -> Tensor:
        """(N, H, W, 2) which point of the neighbour each pixel shows; its icon covers [-1, 1]."""
        direction = params["direction"]
        half = torch.stack([params["scale"], params["scale"] / params["aspect"]], 1)
        reach = 1 + params["gap"][:, None] + half
        middle = direction * reach + direction.flip(1).abs() * params["slide"][:, None]
        return rescaled(plate, 1 / half, -middle / half)

    def apply(self, sign: Tensor, pictures: Tensor) -> Tensor:
        """Lay the neighbour, lit as the sign is, under the sign's layer.

        Args:
            sign: (N, 4, H, W) float32 RGBA, premultiplied; not changed.
            pictures: (N, 4, H, W) premultiplied icons at `neighbour_plate`, not lit yet.
        """
        bare = 1 - sign[:, 3:]
        both = sign.clone()
        both[:, 3:].addcmul_(pictures[:, 3:], bare)
        both[:, :3].addcmul_(pictures[:, :3], bare.mul_(sign_light(sign)[:, None, None, None]))
        return both
