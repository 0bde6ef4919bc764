"""Supervised contrast: crops of one class are pulled together, all others apart."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn

from raresign.errors import InputError


def supervised_contrastive_loss(embedding: Tensor, labels: Tensor) -> Tensor:
    """Loss of pytorch-metric-learning, computed in float32 outside autocast.

    Khosla et al. 2020, "Supervised Contrastive Learning", L_out at temperature 0.1, averaged over
    the anchors that have a positive. Only directions count.

    Args:
        embedding, labels: (N, E) floats and (N,) int64.

    Returns:
        Scalar float32; 0, with a gradient of 0, for a batch without a positive pair.

    Raises:
        InputError: The shapes do not belong together.

    Example:
        >>> x, labels = torch.tensor([[1.0, 0], [1, 0], [0, 1]]), torch.tensor([0, 0, 1])
        >>> round(supervised_contrastive_loss(x, labels).item() * 1e5, 2)  # ln(1 + e^-10)
        4.54
    """
    if embedding.ndim != 2 or labels.shape != embedding.shape[:1]:
        raise InputError(
            f"embedding {tuple(embedding.shape)}, labels {tuple(labels.shape)}",
            "give (N, E) and (N,)",
        )
    with torch.autocast(embedding.device.type, enabled=False):
        value: Tensor = _formula()(embedding.float(), labels)
        return value


@cache
def _formula() -> nn.Module:
    """The library's loss, imported late: it takes a second, and only some trainings need it."""
    from pytorch_metric_learning.losses import SupConLoss

    loss: nn.Module = SupConLoss()
    return loss
