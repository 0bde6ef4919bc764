"""Several processes that train one net: which one this is, and sums over what each has of a batch.

Gradients are averaged over the processes (DDP), so a process's loss must be such that the mean over
the processes is the loss of the whole batch, even where the shares are uneven.
"""

from __future__ import annotations

import os
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd.function import once_differentiable

from raresign.errors import InputError


def is_first_process() -> bool:
    """Whether this process is alone or the first of those that train together.

    The first one speaks and writes the run folder, whoever started the others: `--devices` or
    `torchrun`.

    Example:
        >>> is_first_process()
        True
    """
    return int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0"))) == 0


def launched_processes() -> tuple[int, int] | None:
    """Processes a machine and machines that `torchrun` has started; None without it."""
    if not (dist.is_available() and dist.is_torchelastic_launched()):
        return None
    every, local = (int(os.environ[name]) for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE"))
    if every % local:
        raise InputError(
            f"torchrun started {local} of {every} processes on this machine",
            "start as many on every machine",
        )
    return local, every // local


class SharedBatch:
    """A batch that several processes have taken in parts.

    Args:
        rows: (n,) int64: where this process's crops stand in the whole batch.
        total: Crops of the whole batch.
        processes: How many processes there are.
    """

    def __init__(self, rows: Tensor, total: int, processes: int) -> None:
        self.rows, self.total, self.processes = rows, total, processes

    def part_of_mean(self, mean: Tensor) -> Tensor:
        """What stands for the mean over this process's crops, so that all together are right."""
        return mean * (len(self.rows) * self.processes / self.total)

    def part_of_mean_over(self, mean: Tensor, count: int) -> Tensor:
        """The same for a mean over `count` of this process's crops, which may be none."""
        counts = torch.tensor(float(count), device=mean.device)
        dist.all_reduce(counts)
        return mean * (count * self.processes / counts.clamp_min(1))

    def whole(self, part: Tensor) -> Tensor:
        """(N, ...) rows of all processes in the order of the batch, of this one's (n, ...)."""
        gathered: Tensor = _Whole.apply(part, self.rows, self.total)  # type: ignore[no-untyped-call]
        return gathered


class _Whole(torch.autograd.Function):
    """Rows of all processes; what each of them wants of a row's gradient is summed."""

    @staticmethod
    def forward(ctx: Any, part: Tensor, rows: Tensor, total: int) -> Tensor:
        whole = part.new_zeros((total, *part.shape[1:]))
        whole[rows] = part
        dist.all_reduce(whole)
        ctx.save_for_backward(rows)
        return whole

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (rows,) = ctx.saved_tensors
        gradient = gradient.contiguous().clone()
        dist.all_reduce(gradient)
        return gradient[rows], None, None
