"""A moving average of the weights that also works in a short training."""

from __future__ import annotations

from collections.abc import Callable

import torch
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor


def warm_average(decay: float) -> Callable[[list[Tensor], list[Tensor], Tensor | int], None]:
    """Average whose decay rises as (1 + n) / (10 + n) to `decay`, as TensorFlow's EMA does.

    The first updates thus count, and an average of few steps is not stuck at its start.

    Example:
        >>> average = [torch.zeros(1)]
        >>> warm_average(0.99)(average, [torch.ones(1)], 0)
        >>> round(average[0].item(), 3)
        0.9
    """

    @torch.no_grad()
    def update(averaged: list[Tensor], current: list[Tensor], count: Tensor | int) -> None:
        n = int(count)
        weight = 1 - min(decay, (1 + n) / (10 + n))
        if averaged[0].is_floating_point():
            torch._foreach_lerp_(averaged, current, weight)
        else:  # counters of batches seen
            torch._foreach_copy_(averaged, current)

    return update


class MovingAverage(WeightAveraging):
    """Lightning's weight averaging with a decay that warms up.

    Args:
        decay: Final decay in [0, 1).
    """

    def __init__(self, decay: float) -> None:
        super().__init__(multi_avg_fn=warm_average(decay))
