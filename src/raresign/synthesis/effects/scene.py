"""What stands behind and beside the sign: photos, plain colours, textures, other signs."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from raresign.synthesis.effect import (
    Effect,
    LogRange,
    Params,
    Range,
    apply_colour,
    constant,
    identity_colour,
    inside,
    over,
)
from raresign.synthesis.effects.colour import LUMA
from raresign.synthesis.icon_atlas import IconAtlas
from raresign.synthesis.textures import grain, look_up


class Background(Effect):
    """Crops of the photos, a share of them a plain colour or a two-coloured texture instead.

    Contrast and brightness belong to the same crop of background, whatever it shows.
    """

    draws: ClassVar[int] = 13

    probability: float = Field(default=1.0, ge=1.0, le=1.0)
    """Something stands behind every sign."""
    flat: float = Field(default=0.12, ge=0.0, le=1.0)
    """Share on one plain colour: a temporary board, a wall, the sky."""
    textured: float = Field(default=0.1, ge=0.0, le=1.0)
    """Share on a made texture: foliage against the sky, a facade, asphalt, snow."""
    gain: Annotated[LogRange, inside(1e-3, 1e3)] = (0.4, 1.6)
    """Its brightness in relation to the sign's, linear in the logarithm."""
    contrast: Annotated[Range, inside(0, 10)] = (0.7, 2.0)
    """Contrast about its own mean colour."""
    roughness: Annotated[Range, inside(0.01, 1)] = (0.05, 0.4)
    """Side of the crop in tiles of the texture."""

    def sample(self, u: Tensor) -> Params:
        """`kind`, `gain`, `contrast`, `roughness`: (N,); `place`: (N, 2); `colours`: (N, 2, 3)."""
        # More often pale than vivid: a grey, and a share of a random colour.
        grey, vividness = u[:, 6:8, None], u[:, 8:9, None] ** 2
        hue = torch.stack([u[:, 9:12], u[:, [10, 12, 9]]], 1)
        return {
            "kind": u[:, 0],
            **self.ranges(u[:, 1:]),
            "place": u[:, 4:6],
            "colours": torch.lerp(grey.expand_as(hue), hue, vividness),
        }

    def scene(self, photos: Tensor, params: Params) -> Tensor:
        """The backgrounds of crops, from (N, 3, S, S) crops of photos, which are overwritten."""
        scene = photos
        size = scene.shape[-1]
        kind = params["kind"]
        flat = (kind < self.flat).nonzero().squeeze(1)
        colours = params["colours"][..., None, None]
        scene[flat] = colours[flat, 0]
        woven = ((kind >= self.flat) & (kind < self.flat + self.textured)).nonzero().squeeze(1)
        if len(woven):
            steps = torch.arange(size, device=scene.device) / size
            across = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), 2)
            scale = params["roughness"][woven, None, None, None]
            places = across * scale + params["place"][woven, None, None]
            share = look_up(grain, places)
            edge = ((share - 0.5) * 4 + 0.5).clamp_(0, 1)  # most of it is one colour or the other
            scene[woven] = torch.lerp(colours[woven, 0], colours[woven, 1], edge)
        contrast = params["contrast"]
        matrix = identity_colour(len(contrast), contrast) * contrast[:, None, None]
        matrix[:, :, 3] = (1 - contrast)[:, None] * scene.mean((2, 3))
        matrix = matrix * params["gain"][:, None, None]
        return apply_colour(scene, matrix).clamp_(min=0)


class OtherSign(Effect):
    """Another sign of the catalogue somewhere in the crop, behind the sign or before it.

    A network that sees other signs behind a sign cannot take "some part of a sign is visible" for
    its class (the "sign kinds mixed" of Jin and Rinard, NeurIPS 2021).
    """

    draws: ClassVar[int] = 5

    scale: Annotated[Range, inside(0.05, 4)] = (0.5, 1.2)
    """Its size in relation to the crop's."""
    distance: Annotated[Range, inside(0, 4)] = (0.5, 1.4)
    """From the middle of the crop to its own, in half crops."""
    direction: Annotated[Range, inside(-10, 10)] = (0.0, 2 * math.pi)
    """Radians, clockwise from the right."""
    rotation: Annotated[Range, inside(-180, 180)] = (-8.0, 8.0)

    def sample(self, u: Tensor) -> Params:
        """`scale`, `distance`, `direction`, `rotation`, `which` in [0, 1): (N,)."""
        return self.ranges(u) | {"which": u[:, 4]}

    def look_up(self, icons: IconAtlas, params: Params, size: int) -> Tensor:
        """(N, 4, size, size) premultiplied: the other sign alone."""
        rows = (params["which"] * len(icons.codes)).long()
        steps = (torch.arange(size, device=rows.device) * 2 + 1) / size - 1
        across = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), 2)
        direction, turn = params["direction"], params["rotation"] * (math.pi / 180)
        middle = torch.stack([direction.cos(), direction.sin()], 1) * params["distance"][:, None]
        cos, sin = turn.cos(), turn.sin()
        unturn = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)
        scale = params["scale"]
        plate = (across - middle[:, None, None]).flatten(1, 2) @ (unturn / scale[:, None, None])
        plate = plate.view(len(rows), size, size, 2)
        return icons.look_up(rows, plate, 1 / scale)


def with_other_sign(effect: OtherSign, crops: Tensor, icons: IconAtlas, params: Params) -> Tensor:
    """The (N, 3, S, S) crops with another sign laid over them, as dark as they are."""
    layer = effect.look_up(icons, params, crops.shape[-1])
    luma = constant(LUMA, crops.device)
    light = (crops.mean((2, 3)) @ luma).clamp(0.25, 1.0)[:, None, None, None]
    layer[:, :3] *= (light * 1.5).clamp(max=1.0)
    return over(layer, crops)
