"""How many times faster our contrastive loss is than the reference's double loop."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

from raresign.lab.bench.measure import spread
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

    Both run on one thread: the loop's tiny operations gain nothing from more, and on a busy machine
    lose so much (90 s a pass instead of 2.5) that it would flatter the ratio.

    Args:
        quick: At most 3 naive passes (2 to 5 s each) instead of 7, 50 of ours instead of 200.

    Returns:
        `loss.naive_seconds`, `loss.ours_seconds` (medians, with `_min` and `_max`), `loss.ratio`
        (naive over ours), `loss.threads`, and `loss.difference`: the largest relative difference of
        the two results and gradients.
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
        few, many = (3, 50) if quick else (7, 200)
        naive, naive_value, naive_gradient = _measure(naive_contrastive_loss, x, labels, few)
        ours, value, gradient = _measure(reference_contrastive_loss, x, labels, many)
    finally:
        torch.set_num_threads(threads)

    figures: dict[str, float] = {"loss.threads": 1}
    for name, seconds in (("naive", naive), ("ours", ours)):
        key = f"loss.{name}_seconds"
        figures |= zip((key, f"{key}_min", f"{key}_max"), spread(seconds), strict=True)
    figures["loss.ratio"] = figures["loss.naive_seconds"] / figures["loss.ours_seconds"]
    figures["loss.difference"] = max(
        abs(value / naive_value - 1),
        float((naive_gradient - gradient).abs().max() / naive_gradient.abs().max()),
    )
    return figures
