"""All icons of a catalogue, with mip levels, in one picture that any crop reads from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from raresign.errors import InputError
from raresign.randomness import CropRandom
from raresign.signs.catalogue.pictures import load_pictures
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.catalogue.turned_icons import turned_icons
from raresign.synthesis.effect import constant

_FINE_ICONS = 1000
"""With more icons than this the level of twice the crop's size is left out, to save memory."""
_FINE_SIDE = 256
"""Icons need no finer level than this."""
_TALLEST = 8192
"""Texels down; in a taller picture a float32 coordinate would miss its texel by too much."""


@dataclass(frozen=True)
class IconAtlas:
    """Icons with premultiplied alpha, each at several sizes, in one picture.

    Each icon stands in a cell with a transparent border of one texel. Reading is one bilinear
    look-up a pixel; the level is chosen so that an icon is hardly ever enlarged and never shrunk
    by more than two.

    Args:
        picture: (1, 4, H, W) float32 in [0, 1], premultiplied RGBA, channels last in memory.
        sides: Side of the icons at each level in texels, largest first.
        corner: (L, M, 2) float32, x and y of each icon's first texel.
        size: Side of the crops in pixels.
        first: (C,) int64, row of each label's first icon.
        count: (C,) int64, how many icons each label has, at least 1.
        codes: (M,) class code of each icon.
        sources: (M,) which of its class's icons it is; a turned one bears the number of its own.

    Example:
        >>> from raresign.signs.countries.drawn_sign import render_sign
        >>> codes = ("3.24.n60", "4.1.1")
        >>> atlas = IconAtlas.from_pictures([render_sign(code, 128) for code in codes], codes, 64)
        >>> atlas.sides
        (128, 64, 32, 16, 8)
        >>> atlas.icon(1, 32).shape
        torch.Size([4, 32, 32])
    """

    picture: Tensor
    sides: tuple[int, ...]
    corner: Tensor
    size: int
    first: Tensor
    count: Tensor
    codes: tuple[str, ...]
    sources: tuple[int, ...]

    @classmethod
    def from_catalogue(
        cls, catalogue: SignCatalogue, size: int, device: torch.device | str = "cpu"
    ) -> IconAtlas:
        """Draw every icon once, trimmed and squashed to a square; see also `turned_icons`.

        Args:
            catalogue: The classes; several icons a class are variants of one sign.
            size: Side of the crops in pixels.
            device: Where the atlas lives.

        Raises:
            InputError: An icon cannot be read.
        """
        side = finest_side(size, sum(len(sign.icons) for sign in catalogue.classes))
        rows = [
            (picture, sign.code, number)
            for sign, variants in zip(
                catalogue.classes, load_pictures(catalogue.classes, side), strict=True
            )
            for number, icon in enumerate(variants)
            for picture in (icon, *turned_icons(icon))
        ]
        pictures, codes, sources = zip(*rows, strict=True)
        return replace(cls.from_pictures(pictures, codes, size, device), sources=sources)

    @classmethod
    def from_pictures(
        cls,
        pictures: Sequence[np.ndarray],
        codes: Sequence[str],
        size: int,
        device: torch.device | str = "cpu",
    ) -> IconAtlas:
        """Take (S, S, 4) uint8 straight RGBA icons; label k is the k-th code, in their order.

        Args:
            pictures: The icons, all of one size (`finest_side` tells a good one), those of a
                class side by side.
            codes: The class code of each.
            size: Side of the crops in pixels.
            device: Where the atlas lives.

        Raises:
            InputError: No picture, one that is not such a square, of another size than the first,
                or of another type, or as many codes as there are not pictures.
        """
        _check_pictures(pictures, codes)
        finest = len(pictures[0])
        sides = [finest]
        while sides[-1] // 2 >= max(4, min(finest, size // 8)):
            sides.append(sides[-1] // 2)
        # An icon's levels lie together, the small ones in a row below the finest.
        left = [0, *(sum(side + 2 for side in sides[1:level]) for level in range(1, len(sides)))]
        width = max(finest + 2, sum(side + 2 for side in sides[1:]))
        height = finest + 2 + (sides[1] + 2 if len(sides) > 1 else 0)
        down = max(1, min(len(pictures), _TALLEST // height))  # icons in a column
        columns = -(-len(pictures) // down)
        blocks = torch.zeros(columns * down, height, width, 4)
        corner = torch.zeros(len(sides), len(pictures), 2)
        for row, straight in enumerate(pictures):
            icon = torch.from_numpy(np.array(straight)).float() / 255
            icon[..., :3] *= icon[..., 3:]
            for level, side in enumerate(sides):
                if level:
                    icon = _halved(icon, side)
                x, y = left[level] + 1, (finest + 3 if level else 1)
                blocks[row, y : y + side, x : x + side] = icon
                column, place = divmod(row, down)
                corner[level, row] = torch.tensor(
                    [float(column * width + x), float(place * height + y)]
                )
        picture = blocks.view(columns, down * height, width, 4).transpose(0, 1)
        picture = picture.reshape(1, down * height, columns * width, 4)
        count = torch.tensor([len(list(group)) for _, group in groupby(codes)])
        return cls(
            picture.to(device).permute(0, 3, 1, 2),
            tuple(sides),
            corner.to(device),
            size,
            (count.cumsum(0) - count).to(device),
            count.to(device),
            tuple(codes),
            tuple(number for _, group in groupby(codes) for number, _ in enumerate(group)),
        )

    def icon(self, row: int, side: int) -> Tensor:
        """(4, side, side) premultiplied RGBA of one icon; `side` is one of `sides`."""
        level = self.sides.index(side)
        x, y = (int(value) for value in self.corner[level, row])
        return self.picture[0, :, y : y + side, x : x + side]

    def pick(self, labels: Tensor, random: CropRandom) -> Tensor:
        """(N,) int64 rows of the icons: for each label ((N,) int64) one of its icons.

        Half of the time the first one, a class's main design, otherwise one of the others, evenly.
        """
        others = self.count[labels] - 1
        draw = random.stream("icon").below(2 * others.clamp(min=1))
        return self.first[labels] + torch.minimum((draw - others + 1).clamp(min=0), others)

    def look_up(self, rows: Tensor, plate: Tensor, footprint: Tensor) -> Tensor:
        """The icons as seen through plate coordinates; transparent beyond their edges.

        Args:
            rows: (N,) int64.
            plate: (N, H, W, 2), an icon covers [-1, 1].
            footprint: (N,) plate units that one crop unit covers; decides the mip level.

        Returns:
            (N, 4, H, W) premultiplied RGBA.
        """
        sides = constant(self.sides, rows.device)
        # The smallest level that still has 0.9 texels for each pixel of the crop.
        wanted = 0.9 * plate.shape[1] / footprint.clamp(min=1e-3)
        level = ((sides >= wanted[:, None]).sum(1) - 1).clamp(min=0)
        half = sides[level][:, None] / 2
        height, width = self.picture.shape[2:]
        scale = constant((2 / width, 2 / height), rows.device)
        middle = (self.corner[level, rows] + half) * scale - 1  # (N, 2)
        # Half a texel beyond the icon lies the middle of its transparent border.
        stretch, reach = half * scale, (half + 0.5) * scale
        low, high = middle - reach, middle + reach
        stretch, middle, low, high = (
            value[:, :, None, None] for value in (stretch, middle, low, high)
        )
        # On planes, as broadcasting over a last axis of two is slow.
        place = (plate.permute(0, 3, 1, 2) * stretch).add_(middle).clamp_(low, high)
        return F.grid_sample(
            self.picture.expand(len(rows), -1, -1, -1),
            place.permute(0, 2, 3, 1),
            align_corners=False,
        )


def finest_side(size: int, icons: int) -> int:
    """The side at which icons should be drawn for crops of `size` pixels."""
    return size if icons > _FINE_ICONS else max(size, min(2 * size, _FINE_SIDE))


def _check_pictures(pictures: Sequence[np.ndarray], codes: Sequence[str]) -> None:
    """Refuse icons that do not fit into cells of one size."""
    if not len(pictures) or len(pictures) != len(codes):
        raise InputError(
            f"{len(pictures)} icons and {len(codes)} class codes", "give a code an icon, at least 1"
        )
    side = len(pictures[0])
    for picture, code in zip(pictures, codes, strict=True):
        if picture.shape != (side, side, 4) or not side or picture.dtype != np.uint8:
            raise InputError(
                f"the icon of '{code}' has the shape {picture.shape} and the type {picture.dtype}",
                f"squash all icons to one square, ({side or 128}, {side or 128}, 4) uint8, as "
                "load_icon(path, size) does",
            )


def _halved(icon: Tensor, side: int) -> Tensor:
    """(H, W, 4) premultiplied -> (side, side, 4) by area averages."""
    planes = icon.permute(2, 0, 1)[None]
    return F.adaptive_avg_pool2d(planes, side)[0].permute(1, 2, 0)
