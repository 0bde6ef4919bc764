"""All icons of a catalogue as one tensor, ready to be picked by label on any device."""

from __future__ import annotations

from dataclasses import dataclass

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
        pictures, codes, counts = [], [], []
        for sign in catalogue.classes:
            counts.append(len(sign.icons))
            for path in sign.icons:
                pictures.append(load_icon(path, size))
                codes.append(sign.code)
        straight = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
        alpha = straight[:, 3:]
        icons = torch.cat([straight[:, :3] * alpha, alpha], 1)
        count = torch.tensor(counts)
        return cls(
            icons.contiguous().to(device),
            (count.cumsum(0) - count).to(device),
            count.to(device),
            tuple(codes),
        )

    def pick(self, labels: Tensor, random: CropRandom) -> Tensor:
        """(N,) rows of `icons`: for each label one of its icons, evenly."""
        return self.first[labels] + random.stream("icon").below(self.count[labels])
