"""JPEG: 8 x 8 blocks of cosines, quantised, at any quality and any place of the block grid."""

from __future__ import annotations

import math
from functools import cache
from typing import Annotated, ClassVar

import torch
from torch import Tensor

from raresign.synthesis.effect import CropEffect, Params, Range, constant, inside


def _steps(table: str) -> tuple[float, ...]:
    return tuple(float(step) for step in table.split())


# ITU-T T.81, annex K: the example tables that encoders scale with the quality.
_LUMA_STEPS = _steps("""
16 11 10 16 24 40 51 61  12 12 14 19 26 58 60 55  14 13 16 24 40 57 69 56  14 17 22 29 51 87 80 62
18 22 37 56 68 109 103 77  24 35 55 64 81 104 113 92  49 64 78 87 103 121 120 101
72 92 95 98 112 100 103 99
""")
_CHROMA_STEPS = _steps("""
17 18 24 47 99 99 99 99  18 21 26 66 99 99 99 99  24 26 56 99 99 99 99 99  47 66 99 99 99 99 99 99
99 99 99 99 99 99 99 99  99 99 99 99 99 99 99 99  99 99 99 99 99 99 99 99  99 99 99 99 99 99 99 99
""")
# ITU-T T.871: from RGB to luma and two colour differences.
_TO_YCC = (
    (0.299, 0.587, 0.114),
    (-0.168736, -0.331264, 0.5),
    (0.5, -0.418688, -0.081312),
)
_TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


class Jpeg(CropEffect):
    """What a JPEG or an intra-coded video frame does to a picture, colour at half resolution.

    A crop is cut out of a frame, so the grid of blocks begins anywhere in it.
    """

    draws: ClassVar[int] = 3

    quality: Annotated[Range, inside(1, 100)] = (25, 95)
    """The encoder's quality, as libjpeg counts it."""

    def sample(self, u: Tensor) -> Params:
        """`quality`: (N,); `phase`: (N, 2) whole 0..15, pixels of the first block cut off."""
        return self.ranges(u) | {"phase": (u[:, 1:3] * 16).floor()}

    def apply(self, crops: Tensor, params: Params) -> Tensor:
        """Encode and decode (N, 3, P, P), without the entropy coding, which loses nothing."""
        size = crops.shape[-1]
        to_ycc = constant(_TO_YCC, crops.device)
        ycc = torch.matmul(to_ycc, crops.flatten(2) * 255).view_as(crops)
        ycc[:, 0] -= 128
        quality = params["quality"]
        percent = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality).floor()[
            :, None, None
        ]
        phase = params["phase"].long()
        for channels, stride, steps in (((0,), 1, _LUMA_STEPS), ((1, 2), 2, _CHROMA_STEPS)):
            analyse, restore = _transforms(size, stride, crops.device)
            table = constant(steps, crops.device)
            columns, rows = (phase % (8 * stride)).unbind(1)
            blocks = analyse.shape[1] // 8
            step = ((table.view(8, 8) * percent + 50) / 100).floor().clamp(1, 255)
            step = step.tile(1, blocks, blocks)
            down, across = (analyse.index_select(0, start) for start in (rows, columns))
            up, back = (restore.index_select(0, start) for start in (rows, columns))
            for channel in channels:
                waves = down @ ycc[:, channel] @ across.mT
                waves = waves.div_(step).round_().mul_(step)
                ycc[:, channel] = up @ waves @ back.mT
        ycc[:, 0] += 128
        return (
            torch.matmul(constant(_TO_RGB, crops.device), ycc.flatten(2))
            .view_as(crops)
            .mul_(1 / 255)
            .clamp_(0, 1)
        )


@cache
def _transforms(size: int, stride: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """For each of 8 * stride phases: (L, size) into block cosines and (size, L) back again.

    The line is continued with its end values to whole blocks; `stride` samples are averaged to one
    before the cosines and interpolated linearly after them, as libjpeg does.
    """
    block = 8 * stride
    padded = math.ceil((size + block - 1) / block) * block
    k = torch.arange(8, dtype=torch.float64)
    cosines = torch.cos((2 * k + 1) * k[:, None] * math.pi / 16) / 2
    cosines[0] /= math.sqrt(2)
    dct = torch.block_diag(*[cosines] * (padded // block))  # (padded / stride, same)
    average = torch.eye(padded // stride, dtype=torch.float64).repeat_interleave(stride, 1) / stride
    kept = torch.arange(padded // stride)
    place = ((torch.arange(padded, dtype=torch.float64) + 0.5) / stride - 0.5)[:, None]
    between = (1 - (place.clamp(0, len(kept) - 1) - kept).abs()).clamp(min=0)
    analyse, restore = [], []
    for phase in range(block):
        source = (torch.arange(padded) - phase).clamp(0, size - 1)
        continued = torch.eye(size, dtype=torch.float64)[source]  # (padded, size)
        analyse.append(dct @ average @ continued)
        restore.append((between @ dct.T)[phase : phase + size])
    return torch.stack(analyse).float().to(device), torch.stack(restore).float().to(device)
