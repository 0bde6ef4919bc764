"""Cross-entropy that knows which classes real and synthetic crops can show, and how often."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from raresign.errors import InputError

FLOOR = 1e-6
"""Prior of a class that a domain never shows: its logarithm, -13.8, masks it and stays finite."""


def balanced_cross_entropy(
    logits: Tensor,
    labels: Tensor,
    prior: Tensor,
    domain: Tensor | None = None,
    label_smoothing: float = 0.0,
    floor: float = FLOOR,
) -> Tensor:
    """Cross-entropy of logits + log prior, the prior being that of the crop's own domain.

    L = - mean over crops of log softmax(z + log p_d)[y], d the crop's domain: the balanced softmax
    (Ren et al. 2020, "Balanced Meta-Softmax for Long-Tailed Visual Recognition"; the same as the
    logit-adjusted loss of Menon et al. 2021, "Long-tail learning via logit adjustment", tau = 1).
    The net then learns z without the prior: use the bare logits in evaluation. A class that a
    domain never shows is masked there, so real crops do not push the rare classes down.

    Smoothing: a crop's target is (1 - s) one-hot + s q, with q the domain's prior over the classes
    above `floor` and the crop's own label. It pulls the bare logits together as plain smoothing
    does, and gives nothing to classes that the domain cannot have. With an even prior all this is
    `F.cross_entropy`.

    Args:
        logits: (N, C) floats; computed in float32 or wider, also under autocast.
        labels: (N,) int64 in 0..C-1.
        prior: (N, C) per crop, or (2, C) per domain together with `domain`; at least 0. Only the
            ratios within a row matter, but `floor` is meant for rows that sum to 1.
        domain: (N,) booleans or 0 / 1: row of `prior` of each crop (0 real, 1 synthetic).
        label_smoothing: s in [0, 1).
        floor: In (0, 1). Smaller priors count as this, so no logarithm is infinite and a label
            that ought not to occur costs much, not everything.

    Returns:
        Scalar, the mean over the crops.

    Raises:
        InputError: Shapes that do not belong together, or smoothing or floor out of range.

    Example:
        >>> prior = torch.tensor([[0.8, 0.2, 0.0], [0.2, 0.2, 0.6]])
        >>> logits, labels = torch.zeros(2, 3), torch.tensor([1, 2])
        >>> loss = balanced_cross_entropy(logits, labels, prior, domain=torch.tensor([False, True]))
        >>> round(loss.item(), 4)  # -(ln 0.2 + ln 0.6) / 2
        1.0601
    """
    if logits.ndim != 2 or labels.shape != logits.shape[:1]:
        raise InputError(
            f"logits {tuple(logits.shape)} and labels {tuple(labels.shape)}",
            "give (N, C) and (N,)",
        )
    expected = (len(logits) if domain is None else 2, logits.shape[1])
    if prior.shape != expected or (domain is not None and domain.shape != labels.shape):
        raise InputError(
            f"prior {tuple(prior.shape)} for logits {tuple(logits.shape)} "
            f"and domain {None if domain is None else tuple(domain.shape)}",
            "give a prior (N, C), or a prior (2, C) and a domain (N,)",
        )
    if not 0.0 <= label_smoothing < 1.0:
        raise InputError(f"label_smoothing is {label_smoothing}", "use 0 to below 1")
    if not 0.0 < floor < 1.0:
        raise InputError(f"floor is {floor}", "use a small share above 0, such as 1e-6")
    wide = torch.promote_types(logits.dtype, torch.float32)
    floored = prior.to(wide).clamp_min(floor)
    rows = floored if domain is None else floored[domain.long()]
    log_p = F.log_softmax(logits.to(wide) + rows.log(), dim=1)
    loss = F.nll_loss(log_p, labels)
    if label_smoothing:
        # A label that occurs is possible, whatever the prior says: no row is empty.
        support = (rows > floor).scatter(1, labels[:, None], True)
        weights = rows * support
        smooth = -(weights * log_p).sum(1) / weights.sum(1)
        loss = (1 - label_smoothing) * loss + label_smoothing * smooth.mean()
    return loss
