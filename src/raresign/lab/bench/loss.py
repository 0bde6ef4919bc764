"""How many times faster our contrastive loss is than the reference's double loop."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from raresign.losses.contrastive import naive_contrastive_loss, reference_contrastive_loss

_CLASSES, _ITEMS, _WIDTH = 32, 4, 512  # the reference's metric batch: 128 x 512
_PATIENCE = 15.0  # seconds, after which no further pass is begun


def _measure(
    loss: Callable[[Tensor, Tensor], Tensor], x: Tensor, labels: Tensor, passes: int
) -> tuple[list[float], float, Tensor]:
    """Wall times of forward + backward passes, and the value and gradient of the last."""
    seconds = []
    for _ in range(passes):
        start = time.perf_counter()
        value = loss(x, labels)
        (gradient,) = torch.autograd.grad(value, x)
        seconds.append(time.perf_counter() - start)
        if sum(seconds) > _PATIENCE:
            break
    return seconds, float(value.detach()), gradient


def bench_loss(quick: bool = False) -> dict[str, float]:
    """Time the naive double loop and ours, forward + backward, on one 128 x 512 batch on the CPU.

    Both are warmed up and measured in the same run; the figures are medians, with the extremes
    beside them. Both run on one thread: the loop's tiny operations gain nothing from more, and on
    a busy machine lose so much (90 s a pass instead of 2.5) that it would flatter the ratio.
    `loss.difference` is the largest relative difference of the two results and gradients: a
    speed-up of something else would be worth nothing.

    Args:
        quick: At most 3 naive passes (2 to 5 s each) instead of 7, 50 of ours instead of 200.

    Returns:
        `loss.naive_seconds`, `loss.ours_seconds`, `loss.ratio` (naive over ours), each time also
        with `_min` and `_max`, `loss.threads` and `loss.difference`.

    Example:
        >>> figures = bench_loss(quick=True)  # doctest: +SKIP
        >>> figures["loss.ratio"] > 1000  # doctest: +SKIP
        True
    """
    generator = torch.Generator().manual_seed(0)
    # Norm about sqrt(2): distances about 2, so that negatives fall on both sides of the margin.
    x = torch.randn(_CLASSES * _ITEMS, _WIDTH, generator=generator)
    x = (x * (2 / _WIDTH) ** 0.5).requires_grad_()
    labels = torch.arange(_CLASSES).repeat_interleave(_ITEMS)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        _measure(naive_contrastive_loss, x[:16], labels[:16], 1)  # warm-up
        _measure(reference_contrastive_loss, x, labels, 10)
        naive, naive_value, naive_gradient = _measure(
            naive_contrastive_loss, x, labels, 3 if quick else 7
        )
        ours, value, gradient = _measure(
            reference_contrastive_loss, x, labels, 50 if quick else 200
        )
    finally:
        torch.set_num_threads(threads)

    figures: dict[str, float] = {"loss.threads": 1}
    for name, seconds in (("naive", naive), ("ours", ours)):
        figures[f"loss.{name}_seconds"] = statistics.median(seconds)
        figures[f"loss.{name}_seconds_min"] = min(seconds)
        figures[f"loss.{name}_seconds_max"] = max(seconds)
    figures["loss.ratio"] = figures["loss.naive_seconds"] / figures["loss.ours_seconds"]
    figures["loss.difference"] = max(
        abs(value / naive_value - 1),
        float((naive_gradient - gradient).abs().max() / naive_gradient.abs().max()),
    )
    return figures
