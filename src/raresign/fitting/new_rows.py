"""Rows of a linear classifier for new classes, the net and all earlier rows kept as they are."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_HISTORY = 10
_SLACK = 1e-5  # of a logit; above what adding in float32 rounds off


def fit_rows(
    weight: Tensor,
    bias: Tensor,
    features: Tensor,
    labels: Tensor,
    new: int,
    *,
    ridge: float = 1e-3,
    steps: int = 100,
    guard: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Rows and biases of new classes that suit features of crops of new and earlier classes.

    Minimises, over the new rows and biases alone,

    L = mean over the classes present of the mean cross-entropy of their crops over all C + K logits
    + ridge / 2 * (sum of squares of the new rows and biases)

    by L-BFGS from `imprinted_rows` and the mean earlier bias. Per crop, the earlier logits enter
    only by their logsumexp, computed once: the rest is a softmax regression over K + 1 columns, the
    first of them fixed. It is strictly convex, so the result does not hang on the start.

    Args:
        weight: (C, E) rows of the earlier classes.
        bias: (C,) their biases.
        features: (M, E) what the rows multiply: the embedding after its ReLU.
        labels: (M,) integers in 0..C+new-1; the new classes are C..C+new-1. Crops of earlier
            classes hold the new rows back; without any, the new classes swallow the earlier ones.
        new: Number K of new classes, at least 1. Each needs a crop.
        ridge: Strength of the L2 penalty, above 0.
        steps: Most iterations of L-BFGS.
        guard: Share, in [0, 1], of the crops of earlier classes recognised before that may be lost
            to new classes, at least one: `guarded_bias` on these same crops is added to the new
            biases. At 0 nothing is added.

    Returns:
        Rows (K, E) and biases (K,), of the type and on the device of `weight`.

    Example:
        >>> weight, bias = torch.tensor([[4.0, 0.0]]), torch.zeros(1)
        >>> features = torch.tensor([[1.0, 0.1], [0.9, 0.0], [0.1, 1.0], [0.0, 0.8]])
        >>> rows, biases = fit_rows(weight, bias, features, torch.tensor([0, 0, 1, 1]), new=1)
        >>> logits = features @ torch.cat([weight, rows]).T + torch.cat([bias, biases])
        >>> logits.argmax(1).tolist()
        [0, 0, 1, 1]
    """
    earlier = len(weight)
    precision = torch.float64 if weight.dtype == torch.float64 else torch.float32
    # Gradients are wanted here even where the caller turned them off for the net.
    with torch.enable_grad(), torch.autocast(weight.device.type, enabled=False):
        w, b, x = (part.detach().to(precision) for part in (weight, bias, features))
        labels = labels.to(x.device)
        old = torch.addmm(b, x, w.T)
        rest = old.logsumexp(1, keepdim=True)
        target = (labels - earlier + 1).clamp_min(0)  # all earlier classes are column 0
        counts = torch.bincount(labels)
        share = (1 / (counts[labels] * counts.count_nonzero())).to(precision)
        rows = imprinted_rows(w, x, labels, new).requires_grad_()
        biases = b.mean().repeat(new).requires_grad_()
        optimiser = torch.optim.LBFGS(
            [rows, biases],
            max_iter=steps,
            max_eval=2 * steps,
            history_size=_HISTORY,
            tolerance_grad=1e-7,
            tolerance_change=1e-9,
            line_search_fn="strong_wolfe",
        )

        def closure() -> Tensor:
            optimiser.zero_grad()
            logits = torch.cat([rest, torch.addmm(biases, x, rows.T)], dim=1)
            fit = share @ F.cross_entropy(logits, target, reduction="none")
            loss: Tensor = fit + ridge / 2 * (rows.square().sum() + biases.square().sum())
            loss.backward()
            return loss

        optimiser.step(closure)
    fitted, offsets = rows.detach(), biases.detach()
    if guard:
        offsets = offsets + guarded_bias(old, torch.addmm(offsets, x, fitted.T), labels, guard)
    return fitted.to(weight.dtype), offsets.to(weight.dtype)


def imprinted_rows(weight: Tensor, features: Tensor, labels: Tensor, new: int) -> Tensor:
    """One row a new class: its normalised mean feature, as long as the earlier rows on average.

    Source: H. Qi, M. Brown, D. G. Lowe, "Low-shot learning with imprinted weights", CVPR 2018. As
    there, the features are normalised before they are averaged.

    Args:
        weight: (C, E) rows of the earlier classes.
        features: (M, E).
        labels: (M,) integers; the new classes are C..C+new-1, others are left out.
        new: Number K of new classes.

    Returns:
        (K, E); zeros for a class without crops.

    Example:
        >>> weight = torch.tensor([[2.0, 0.0]])
        >>> imprinted_rows(weight, torch.tensor([[0.0, 5.0], [1.0, 0.0]]), torch.tensor([1, 0]), 1)
        tensor([[0., 2.]])
    """
    chosen = labels >= len(weight)
    sums = features.new_zeros(new, features.shape[1])
    sums.index_add_(0, labels[chosen] - len(weight), F.normalize(features[chosen], dim=1))
    rows: Tensor = F.normalize(sums, dim=1) * weight.norm(dim=1).mean()
    return rows


def guarded_bias(old_logits: Tensor, new_logits: Tensor, labels: Tensor, most_lost: float) -> float:
    """The largest number <= 0 that, added to the new logits, keeps enough of the earlier crops.

    Only crops of earlier classes that were recognised before count; one is lost if a new logit
    exceeds all its earlier ones. Lost are exactly the crops whose margin, largest new less largest
    earlier logit, is above the number's negative: the answer is an order statistic of the margins,
    less a rounding slack of 1e-5.

    Args:
        old_logits: (M, C) of the earlier classes.
        new_logits: (M, K) of the new ones, K at least 1.
        labels: (M,) integers; crops with a label outside 0..C-1 are left out.
        most_lost: Share of the counted crops that may be lost, in [0, 1]; above 0 one of them may
            always be, or a single odd crop among few would decide.

    Returns:
        A finite number <= 0; 0 if no more are lost anyway.

    Example:
        >>> old = torch.tensor([[5.0, 0.0], [0.0, 5.0], [5.0, 0.0]])
        >>> new = torch.tensor([[4.0], [7.0], [9.0]])
        >>> round(guarded_bias(old, new, torch.tensor([0, 1, 1]), most_lost=0.0), 3)
        -2.0
    """
    best, called = old_logits.double().max(dim=1)
    margin = (new_logits.double().amax(dim=1) - best)[called == labels.to(called.device)]
    allowed = math.floor(most_lost * len(margin) + 1e-9)  # 0.29 * 100 is a little below 29
    allowed = max(allowed, 1) if most_lost else 0
    if allowed >= len(margin):
        return 0.0
    # The first margin that must not win, counted from the largest.
    critical = float(margin.kthvalue(len(margin) - allowed).values)
    return min(0.0, -critical - _SLACK * max(1.0, abs(critical))) if critical > 0 else 0.0
