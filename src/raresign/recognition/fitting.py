"""What the fits of this package share: checks of scores and of crops, and the minimiser."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from raresign.errors import InputError


def check_scores(logits: Tensor, cosines: Tensor, rare: Tensor) -> None:
    """Refuse shapes that would broadcast into wrong scores without a word.

    Args:
        logits: Must be (N, C).
        cosines: Must be (N, C).
        rare: Must be (C,) bool.

    Raises:
        InputError: One of them is not.

    Example:
        >>> check_scores(torch.zeros(4, 2), torch.zeros(4, 2), torch.tensor([False, True]))
    """
    fits = logits.ndim == 2 and cosines.shape == logits.shape and rare.shape == logits.shape[1:]
    if not fits or rare.dtype != torch.bool:
        raise InputError(
            f"logits {tuple(logits.shape)}, cosines {tuple(cosines.shape)} and rare "
            f"{tuple(rare.shape)} of {rare.dtype}",
            "give (N, C), (N, C) and (C,) bool",
        )


def counted(logits: Tensor, labels: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
    """The labels and each crop's share of the loss, on the CPU.

    Args:
        logits: (N, C).
        labels: (N,) integers in [-1, C).
        weights: (N,) of at least 0; None for all alike.

    Returns:
        (N,) int64 labels and (N,) float64 shares that sum to 1; 0 where the label is -1.

    Raises:
        InputError: Shapes that do not belong together, values out of range, no crop that counts.

    Example:
        >>> counted(torch.zeros(3, 2), torch.tensor([1, -1, 0]), None)[1].tolist()
        [0.5, 0.0, 0.5]
    """
    n, classes = logits.shape
    given = torch.ones(n) if weights is None else weights
    if labels.shape != (n,) or given.shape != (n,):
        raise InputError(
            f"labels {tuple(labels.shape)} and weights {tuple(given.shape)} for {n} crops",
            "give one of each a crop",
        )
    labels, given = labels.to("cpu", torch.int64), given.detach().to("cpu", torch.float64)
    if n and not (labels.min() >= -1 and labels.max() < classes):
        raise InputError(
            f"labels from {int(labels.min())} to {int(labels.max())}", f"use -1 to {classes - 1}"
        )
    if not (given.isfinite() & (given >= 0)).all():
        raise InputError("a weight is below 0 or not finite", "use weights of at least 0")
    given = given * (labels >= 0)
    if not given.sum() > 0:
        raise InputError("no crop counts", "give crops with a label and a weight above 0")
    return labels, given / given.sum()


def minimise(loss: Callable[[Tensor], Tensor], start: Tensor) -> Tensor:
    """The minimum of a smooth convex function by L-BFGS with a line search.

    Source: J. Nocedal, S. J. Wright, "Numerical optimization", 2nd edition 2006, algorithms 7.5
    and 3.5.

    Args:
        loss: From a (P,) tensor to a scalar.
        start: (P,) floats, best float64.

    Returns:
        (P,) without a gradient.

    Example:
        >>> minimise(lambda x: (x - 3).square().sum(), torch.zeros(1)).tolist()
        [3.0]
    """
    if not start.numel():
        return start.detach()
    values = start.detach().clone().requires_grad_()
    search = torch.optim.LBFGS(
        [values],
        max_iter=300,
        tolerance_grad=1e-9,
        tolerance_change=1e-14,
        line_search_fn="strong_wolfe",
    )

    def closure() -> float:
        search.zero_grad()
        value = loss(values)
        value.backward()
        return float(value.detach())

    with torch.enable_grad():
        search.step(closure)
    return values.detach()
