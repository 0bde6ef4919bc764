"""Adversarial refinement: synthetic crops are moved towards what the net errs on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def refine(crops: Tensor, loss_of: Callable[[Tensor], Tensor], steps: int, reach: float) -> Tensor:
    """Projected gradient ascent on the pixels (PGD; Madry et al. 2018; for icons Jin, Rinard 2021).

    x <- clip(x + (1.25 reach / steps) sign(d loss / d x)) within `reach` of the crop and [0, 1].

    Args:
        crops: (N, 3, S, S) floats in [0, 1].
        loss_of: Sum of the losses of such crops.
        steps: Gradient steps.
        reach: Largest change of a pixel, in [0, 1].

    Returns:
        (N, 3, S, S), without a graph.

    Example:
        >>> grey = torch.full((1, 3, 2, 2), 0.5)
        >>> refine(grey, lambda x: x.sum(), 4, 0.1).unique().tolist()
        [0.6000000238418579]
    """
    moved = crops.detach()
    for _ in range(steps):
        moved = moved.requires_grad_(True)
        (slope,) = torch.autograd.grad(loss_of(moved), moved)
        step = moved.detach() + slope.sign() * (1.25 * reach / steps)
        moved = torch.minimum(torch.maximum(step, crops - reach), crops + reach).clamp_(0, 1)
    return moved.detach()


@contextmanager
def frozen_statistics(net: nn.Module) -> Iterator[None]:
    """Batch normalisations use the batch's statistics, but their running ones stay as they are.

    Example:
        >>> norm = nn.BatchNorm1d(2)
        >>> with frozen_statistics(norm):
        ...     _ = norm(torch.rand(8, 2) + 5)
        >>> norm.running_mean.tolist()
        [0.0, 0.0]
    """
    norms = [
        module
        for module in net.modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.training
    ]
    kept = [norm.momentum for norm in norms]
    counted = [norm.num_batches_tracked for norm in norms]
    try:
        for norm in norms:
            norm.momentum = 0.0
            if norm.num_batches_tracked is not None:
                norm.num_batches_tracked = norm.num_batches_tracked.clone()
        yield
    finally:
        for norm, momentum, count in zip(norms, kept, counted, strict=True):
            norm.momentum = momentum
            norm.num_batches_tracked = count
