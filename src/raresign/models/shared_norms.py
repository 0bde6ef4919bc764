"""Batch normalisations that share their statistics over processes, so that a batch is one batch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, cast

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


@contextmanager
def shared_statistics(net: nn.Module) -> Iterator[None]:
    """In training, batch normalisations see the crops of all processes; weights and names stay.

    torch's own (`SyncBatchNorm`) refuses CPUs, and timm's layers hold an activation as well.

    Args:
        net: Changed in place until the end of the block. A process group must be there whenever it
            trains, and all processes must take the same steps.
    """
    norms: list[Any] = [
        part for part in net.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)
    ]
    kinds: list[Any] = [type(norm) for norm in norms]
    try:
        for norm, kind in zip(norms, kinds, strict=True):
            norm.__class__ = _shared(kind)
        yield
    finally:
        for norm, kind in zip(norms, kinds, strict=True):
            norm.__class__ = kind


class _SharedStatistics:
    """What is put before the class of a batch normalisation."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise by the statistics of all processes, then do what the layer does besides."""
        norm = cast(Any, self)
        if not norm.training:
            return cast(Tensor, super().forward(x))  # type: ignore[misc]
        y, mean, variance, count = _Normalised.apply(  # type: ignore[no-untyped-call]
            x, norm.weight, norm.bias, norm.eps
        )
        if norm.track_running_stats and norm.running_mean is not None:
            factor = norm.momentum
            if norm.num_batches_tracked is not None:
                norm.num_batches_tracked.add_(1)
                factor = 1 / float(norm.num_batches_tracked) if factor is None else factor
            with torch.no_grad():
                norm.running_mean.lerp_(mean, factor)
                norm.running_var.lerp_(variance * count / (count - 1).clamp_min(1), factor)
        for name in ("drop", "act"):  # of timm's layers
            y = getattr(norm, name, nn.Identity())(y)
        return cast(Tensor, y)


@cache
def _shared(kind: type[nn.Module]) -> type[nn.Module]:
    return type(f"Shared{kind.__name__}", (_SharedStatistics, kind), {})


class _Normalised(torch.autograd.Function):
    """Batch normalisation of (N, C, ...) values by mean and variance over all processes."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        variance, mean = torch.var_mean(x.float(), _but_channels(x), correction=0)
        own = torch.cat([mean, variance, mean.new_tensor([x.numel() / x.shape[1]])])
        every = [torch.empty_like(own) for _ in range(dist.get_world_size())]
        dist.all_gather(every, own)
        means, variances, counts = torch.stack(every).split([len(mean), len(mean), 1], 1)
        count = counts.sum()
        # Squares are not summed: a mean that is far from 0 would leave nothing of their digits.
        mean = (counts * means).sum(0) / count
        variance = (counts * (variances + (means - mean).square())).sum(0) / count
        y = F.batch_norm(x, mean, variance, weight, bias, False, 0.0, eps)
        ctx.save_for_backward(x, weight, mean, variance, count)
        ctx.eps = eps
        ctx.mark_non_differentiable(mean, variance, count)
        return y, mean, variance, count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
        x, weight, mean, variance, count = ctx.saved_tensors
        shape = (1, -1, *[1] * (x.ndim - 2))
        scale = (variance + ctx.eps).rsqrt()
        wide = gradient.float()
        unit = (x.float() - mean.view(shape)) * scale.view(shape)
        sums = torch.stack([wide.sum(_but_channels(x)), (wide * unit).sum(_but_channels(x))])
        for_bias, for_weight = sums.clone()
        dist.all_reduce(sums)
        shift, slope = (each.view(shape) for each in sums / count)
        factor = scale if weight is None else scale * weight
        back = (wide - shift - unit * slope) * factor.view(shape)
        if weight is None:
            return back.to(x.dtype), None, None, None
        return back.to(x.dtype), for_weight, for_bias, None


def _but_channels(x: Tensor) -> list[int]:
    return [axis for axis in range(x.ndim) if axis != 1]
