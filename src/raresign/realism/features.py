"""The feature space that distances are measured in: a pretrained backbone, or the statistics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from raresign.errors import InputError
from raresign.models.pretrained import load_weights
from raresign.realism.statistics import crop_statistics, in_batches

_BACKBONE = "mobilenetv2_100"


@dataclass(frozen=True)
class FeatureSpace:
    """Turns crops into vectors, all of about unit length in each column.

    Args:
        name: What the vectors are, for tables.
        backbone: In evaluation mode; None where no pretrained weights are installed.
        mean: Per channel, subtracted from crops in [0, 1].
        std: Per channel, what the difference is divided by.

    Example:
        >>> space = FeatureSpace("statistics", None, (0.0,) * 3, (1.0,) * 3)
        >>> space(np.zeros((2, 3, 32, 32), np.uint8)).shape[0]
        2
    """

    name: str
    backbone: nn.Module | None
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def best(cls) -> FeatureSpace:
        """MobileNetV2 with the weights of an installed package, else the statistics alone."""
        with torch.random.fork_rng(devices=[]):  # its first weights are overwritten anyway
            backbone: nn.Module = timm.create_model(_BACKBONE, num_classes=0)
        try:
            record = load_weights(backbone, _BACKBONE, "package")
        except InputError:
            return cls("statistics (no pretrained weights are installed)", None, (), ())
        backbone.eval()
        return cls(f"{_BACKBONE}, {record.source}", backbone, record.mean, record.std)

    @torch.no_grad()
    def __call__(self, crops: Tensor | NDArray[np.uint8]) -> NDArray[np.float64]:
        """(N, D) float64 features of (N, 3, S, S) crops, uint8 or float32 in [0, 1]."""
        if self.backbone is None:
            return crop_statistics(crops).values
        mean = torch.tensor(self.mean).view(1, 3, 1, 1)
        std = torch.tensor(self.std).view(1, 3, 1, 1)
        found = []
        for _, part in in_batches(crops):
            rows = ((part - mean) / std).contiguous(memory_format=torch.channels_last)
            found.append(self.backbone(rows).double().numpy())
        return np.concatenate(found)
