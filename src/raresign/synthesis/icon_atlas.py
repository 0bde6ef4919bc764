"""All icons of a catalogue as one tensor, ready to be picked by label on any device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from raresign.catalogue import SignCatalogue, load_icon
from raresign.randomness import CropRandom


@dataclass(frozen=True)
class IconAtlas:
    """Icons with premultiplied alpha, grouped by label.

    Args:
        icons: (M, 4, S, S) float32 in [0, 1], premultiplied RGBA.
        first: (C,) int64, row of each label's first icon.
        count: (C,) int64, how many icons each label has, at least 1.
        codes: (M,) class code of each icon.

    Example:
        >>> from raresign.embedded import render_sign
        >>> codes = ("3.24.n60", "4.1.1")
        >>> icons = IconAtlas.from_pictures([render_sign(code, 64) for code in codes], codes)
        >>> icons.icons.shape
        torch.Size([2, 4, 64, 64])
        >>> icons.pick(torch.tensor([1, 1, 0]), CropRandom.from_seed(0, torch.arange(3))).tolist()
        [1, 1, 0]
    """

    icons: Tensor
    first: Tensor
    count: Tensor
    codes: tuple[str, ...]

    @classmethod
    def from_catalogue(
        cls, catalogue: SignCatalogue, size: int, device: torch.device | str = "cpu"
    ) -> IconAtlas:
        """Read every icon once, trimmed and squashed to `size` pixels.

        Raises:
            InputError: An icon cannot be read.
        """
        pairs = [(path, sign.code) for sign in catalogue.classes for path in sign.icons]
        pictures = [load_icon(path, size) for path, _ in pairs]
        return cls.from_pictures(pictures, [code for _, code in pairs], device)

    @classmethod
    def from_pictures(
        cls,
        pictures: Sequence[np.ndarray],
        codes: Sequence[str],
        device: torch.device | str = "cpu",
    ) -> IconAtlas:
        """Take (S, S, 4) uint8 straight RGBA icons; label k is the k-th code, in their order.

        Args:
            pictures: The icons, all of one size, those of a class side by side.
            codes: The class code of each.
            device: Where the icons live.
        """
        straight = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
        alpha = straight[:, 3:]
        icons = torch.cat([straight[:, :3] * alpha, alpha], 1)
        count = torch.tensor([len(list(group)) for _, group in groupby(codes)])
        return cls(
            icons.contiguous().to(device),
            (count.cumsum(0) - count).to(device),
            count.to(device),
            tuple(codes),
        )

    def pick(self, labels: Tensor, random: CropRandom) -> Tensor:
        """(N,) int64 rows of `icons`: for each label ((N,) int64) one of its icons, evenly."""
        return self.first[labels] + random.stream("icon").below(self.count[labels])
