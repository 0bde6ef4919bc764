"""Background photos as one pixel buffer with mip levels; a crop is one gather."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from raresign.errors import InputError
from raresign.randomness import CropRandom


@dataclass(frozen=True)
class BackgroundAtlas:
    """Photos of any size and their half-size copies, down to `size`.

    Crops are cut at one of the levels, so a background shows at varying scale without being
    squashed or aliased.

    Args:
        pixels: (P,) int32, 0xBBGGRR, the pictures row by row, one after another.
        start: (L,) int64, first pixel of each picture.
        height, width: (L,) int64.
        usable: (U,) int64, the levels that are at least `size` wide and high; the level after
            each is its half.
        squashed: (B, 3, size, size) uint8, each whole photo squashed to a square, as the
            published system does.
        size: Side of the crops.

    Example:
        >>> from raresign.simulated.backgrounds import procedural_backgrounds
        >>> backgrounds = BackgroundAtlas.from_pictures(procedural_backgrounds(2, seed=0), 64)
        >>> backgrounds.crop(CropRandom.from_seed(0, torch.arange(5))).shape
        torch.Size([5, 3, 64, 64])
    """

    pixels: Tensor
    start: Tensor
    height: Tensor
    width: Tensor
    usable: Tensor
    squashed: Tensor
    size: int

    @classmethod
    def from_pictures(
        cls, pictures: Sequence[np.ndarray], size: int, device: torch.device | str = "cpu"
    ) -> BackgroundAtlas:
        """Build the levels of (H, W, 3) uint8 pictures; smaller ones than `size` are enlarged.

        Raises:
            InputError: No pictures.
        """
        if not len(pictures):
            raise InputError("no background pictures", "give at least one photo without signs")
        levels: list[np.ndarray] = []
        squashed: list[np.ndarray] = []
        usable: list[int] = []
        for picture in pictures:
            photo = Image.fromarray(picture)
            squashed.append(np.asarray(photo.resize((size, size), Image.Resampling.BOX)))
            enlarge = size / min(photo.size)
            if enlarge > 1:
                width, height = (max(size, round(side * enlarge)) for side in photo.size)
                photo = photo.resize((width, height), Image.Resampling.BICUBIC)
            while min(photo.size) >= size:
                usable.append(len(levels))
                levels.append(np.asarray(photo))
                photo = photo.reduce(2)
            levels.append(np.asarray(photo))  # for small canvases alone
        shapes = torch.tensor([level.shape[:2] for level in levels])
        count = shapes.prod(1)
        pixels = torch.from_numpy(np.concatenate([_packed(level) for level in levels]))
        stack = torch.from_numpy(np.stack(squashed)).permute(0, 3, 1, 2).contiguous()
        return cls(
            pixels.to(device),
            (count.cumsum(0) - count).to(device),
            shapes[:, 0].to(device),
            shapes[:, 1].to(device),
            torch.tensor(usable, device=device),
            stack.to(device),
            size,
        )

    def crop(self, random: CropRandom, canvas: int | None = None) -> Tensor:
        """A random place of a random level for each crop.

        Args:
            random: The draws of these crops.
            canvas: Side of the result, `size` if None. A canvas of half the size shows as much of
                the photo, at half the resolution.

        Returns:
            (N, 3, canvas, canvas) float32 in [0, 1].
        """
        side = canvas or self.size
        stream = random.stream("background")
        level = self.usable[stream.below(torch.full_like(random.keys, len(self.usable)))]
        if 2 * side <= self.size:
            level = level + 1  # its half, which always stands next
        top = stream.below(self.height[level] - side + 1)
        left = stream.below(self.width[level] - side + 1)
        steps = torch.arange(side, device=level.device)
        corner = self.start[level] + top * self.width[level] + left
        rows = corner[:, None] + steps * self.width[level][:, None]  # (N, side)
        drawn = self.pixels[rows[:, :, None] + steps]  # (N, side, side)
        crops = torch.empty(len(drawn), 3, side, side, device=drawn.device)
        for channel in range(3):
            crops[:, channel] = (drawn >> (8 * channel)) & 255
        return crops.mul_(1 / 255)


def _packed(picture: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 -> (H * W,) int32: a pixel is one read instead of three."""
    red, green, blue = picture.astype(np.int32).transpose(2, 0, 1)
    packed: np.ndarray = red | green << 8 | blue << 16
    return packed.ravel()
