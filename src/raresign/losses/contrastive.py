"""Contrastive losses over all pairs of a batch: the published formula and a normalised one."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable


def _check(embedding: Tensor, labels: Tensor, margin: float) -> None:
    """Refuse shapes that would broadcast into a wrong loss without a word."""
    if embedding.ndim != 2 or labels.shape != embedding.shape[:1]:
        raise ValueError(
            f"expected embedding (N, D) and labels (N,), got {tuple(embedding.shape)} "
            f"and {tuple(labels.shape)}"
        )
    if not margin > 0:
        raise ValueError(f"the margin must be above 0, got {margin}")


def _pairs(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Boolean (N, N) masks of the ordered pairs i != j: same label, different label."""
    same = labels[:, None] == labels[None, :]
    return same.clone().fill_diagonal_(False), ~same


class _PairLoss(torch.autograd.Function):
    """a * sum of d^2 over positive pairs + b * sum of max(0, margin - d)^2 over negative pairs.

    |x - y|^2 = x.x + y.y - 2 x.y is one matrix product, hence fast, but cancels for near rows; in
    float64 what is left of float32 input after cancelling is exact enough (tests: 1e-5). With W the
    derivative by d^2, the gradient is 4 (rowsum(W) x - W x): one product where autograd takes two.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, positive: Tensor, negative: Tensor, a: Tensor, b: Tensor, margin: float
    ) -> Tensor:
        gram = x @ x.T
        norms = gram.diagonal()
        scale = norms[:, None] + norms[None, :]
        squared = scale - 2 * gram
        # Below this the difference is rounding noise, whose square root has no meaningful gradient.
        apart = squared > scale * (torch.finfo(x.dtype).eps * x.shape[1])
        distance = squared.where(apart, 0.0).sqrt()
        missing = (margin - distance).clamp_min(0) * negative
        ctx.save_for_backward(x, a * positive - b * (missing / distance).where(apart, 0.0))
        return a * (squared * positive).sum() + b * missing.square().sum()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, w = ctx.saved_tensors
        return 4 * gradient * (w.sum(1, keepdim=True) * x - w @ x), None, None, None, None, None


def _exact(embedding: Tensor) -> Tensor:
    """The embedding in float64 (float32 on Apple's GPUs, which have nothing wider)."""
    return embedding.to(torch.float32 if embedding.device.type == "mps" else torch.float64)


def reference_contrastive_loss(embedding: Tensor, labels: Tensor, margin: float = 2.0) -> Tensor:
    """The published system's contrastive loss, vectorised.

    L = 1 / (n (n - 1)) * sum over ordered pairs i != j of
    d_ij^2 if the labels agree, max(0, margin - d_ij)^2 if not, with d_ij = |e_i - e_j|
    (Hadsell, Chopra, LeCun 2006, without the factor 1/2). The original forgets the division in a
    batch without a positive pair; here it is always done. Where two embeddings coincide the
    gradient of the original is NaN; here it is 0.

    Args:
        embedding: (N, D) floats of any precision; computed in float64, also under autocast.
        labels: (N,) integers. All values are labels alike; -1 is not treated apart.
        margin: Distance from which a pair of different labels costs nothing, above 0.

    Returns:
        Scalar float32 (float64 for float64 input); 0 with a gradient of 0 for N < 2.

    Raises:
        ValueError: Shapes that do not belong together, or a margin not above 0.

    Example:
        >>> embedding = torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])
        >>> loss = reference_contrastive_loss(embedding, torch.tensor([7, 7, 8]))
        >>> round(loss.item(), 4)  # (2 * 5^2 + 2 * (2 - 1)^2 + 2 * 0) / 6
        8.6667
    """
    _check(embedding, labels, margin)
    with torch.autocast(embedding.device.type, enabled=False):
        x = _exact(embedding)
        positive, negative = _pairs(labels)
        share = x.new_tensor(1 / max(len(x) * (len(x) - 1), 1))
        loss: Tensor = _PairLoss.apply(  # type: ignore[no-untyped-call]
            x, positive, negative, share, share, margin
        )
        return loss.to(torch.promote_types(embedding.dtype, torch.float32))


def contrastive_loss(embedding: Tensor, labels: Tensor, margin: float = 1.0) -> Tensor:
    """Contrastive loss on L2-normalised embeddings, positives and negatives averaged apart.

    L = mean over positive pairs of d^2 + mean over negative pairs of max(0, margin - d)^2. In a
    batch of 32 classes x 4 items only 2.4 % of the pairs are positive; under a shared denominator,
    as in the reference, they vanish. Equal to pytorch-metric-learning's `ContrastiveLoss` with
    squared pair losses and a mean reducer (tested).

    Args:
        embedding, labels: See `reference_contrastive_loss`.
        margin: Distance in (0, 2] on the unit sphere from which different labels cost nothing;
            sqrt(2) is a right angle.

    Returns:
        Scalar float32 (float64 for float64 input). A kind of pair that the batch lacks adds 0.

    Raises:
        ValueError: Shapes that do not belong together, or a margin not above 0.

    Example:
        >>> embedding = torch.tensor([[2.0, 0.0], [0.0, 3.0], [5.0, 0.0]])
        >>> contrastive_loss(embedding, torch.tensor([0, 0, 1])).item()  # 2 + 1 / 2
        2.5
    """
    _check(embedding, labels, margin)
    with torch.autocast(embedding.device.type, enabled=False):
        # The eps keeps the gradient of an (almost) zero row finite.
        x = F.normalize(_exact(embedding), dim=1, eps=1e-6)
        positive, negative = _pairs(labels)
        a = 1 / positive.sum().clamp_min(1).to(x.dtype)
        b = 1 / negative.sum().clamp_min(1).to(x.dtype)
        loss: Tensor = _PairLoss.apply(  # type: ignore[no-untyped-call]
            x, positive, negative, a, b, margin
        )
        return loss.to(torch.promote_types(embedding.dtype, torch.float32))


def naive_contrastive_loss(embedding: Tensor, labels: Tensor, margin: float = 2.0) -> Tensor:
    """`reference_contrastive_loss` pair by pair, as the published system computes it.

    The oracle of the tests and the slow row of the benchmark; its gradient is NaN where two
    embeddings coincide.
    """
    n = len(labels)
    total = embedding.sum() * 0
    for i, j in permutations(range(n), 2):
        distance = (embedding[i] - embedding[j]).pow(2).sum().sqrt()
        if labels[i] == labels[j]:
            total = total + distance.pow(2)
        else:
            total = total + torch.clamp(margin - distance, min=0).pow(2)
    return total / max(n * (n - 1), 1)
