"""Metric losses of pytorch-metric-learning behind one call: embedding, labels, domain."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from raresign.errors import InputError

METRIC_LOSSES = ("supcon", "proxy-anchor", "arcface", "subcenter-arcface")

_PAIR_LOSSES = ("supcon",)


class MetricLoss(nn.Module):
    """A loss of pytorch-metric-learning, computed in float32 outside autocast.

    Args:
        formula: Called as formula(embedding, labels, pairs), with pairs an `indices_tuple` or None.
        cross_domain: Restrict the positive pairs; see `metric_loss`.

    Raises:
        InputError: At the call, if the shapes do not belong together.

    Example:
        >>> from pytorch_metric_learning import losses
        >>> loss = MetricLoss(losses.SupConLoss(), cross_domain=True)
        >>> labels, domain = torch.tensor([0, 0, 1]), torch.tensor([False, False, True])
        >>> loss(torch.eye(3), labels, domain).item()  # no real crop has a synthetic partner
        0.0
    """

    def __init__(self, formula: nn.Module, cross_domain: bool = False) -> None:
        super().__init__()
        self.formula = formula
        self.cross_domain = cross_domain

    def forward(self, embedding: Tensor, labels: Tensor, domain: Tensor) -> Tensor:
        """Scalar float32 of embedding (N, E), labels (N,) int64, domain (N,) bool or int64."""
        if embedding.ndim != 2 or not labels.shape == domain.shape == embedding.shape[:1]:
            raise InputError(
                f"embedding {tuple(embedding.shape)}, labels {tuple(labels.shape)}, "
                f"domain {tuple(domain.shape)}",
                "give (N, E), (N,) and (N,)",
            )
        pairs = cross_domain_pairs(labels, domain) if self.cross_domain else None
        with torch.autocast(embedding.device.type, enabled=False):
            value: Tensor = self.formula(embedding.float(), labels, pairs)
            return value


def metric_loss(name: str, classes: int, embedding: int, cross_domain: bool = False) -> MetricLoss:
    """A metric loss by its name, with the settings of its paper or of the library.

    - `supcon`: Khosla et al. 2020, "Supervised Contrastive Learning", L_out at temperature 0.1;
      averaged over the anchors that have a positive. No parameters.
    - `proxy-anchor`: Kim et al. 2020, "Proxy Anchor Loss for Deep Metric Learning", margin 0.1,
      alpha 32. One learnt proxy a class, for which the paper takes 100 times the learning rate.
    - `arcface`: Deng et al. 2019, "ArcFace", margin 28.6 degrees (0.5 rad), scale 64. One learnt
      vector a class.
    - `subcenter-arcface`: Deng et al. 2020, "Sub-center ArcFace", the same with three vectors a
      class, of which the nearest counts: real and synthetic crops may part into own clusters.

    All compare directions only. Parameters are drawn from torch's generator (call
    `torch.manual_seed` before); put them into the optimiser.

    Args:
        name: One of `METRIC_LOSSES`.
        classes: Number of classes C; labels are 0..C-1.
        embedding: Length E of the embeddings.
        cross_domain: Positive pairs only between crops of one class and two domains, real and
            synthetic: what pulls an icon's crops to the photographs. Crops of one class and one
            domain are no pair at all; negatives are the crops of other classes, of all domains.
            For `supcon` only: the others compare with learnt vectors, not crops with crops.

    Returns:
        A module, called as loss(embedding (N, E), labels (N,), domain (N,)): scalar float32. The
        domain is whether a crop is synthetic, or, where there are more than two, a number: 0 real,
        1 synthetic, 2 an icon. A batch without a positive pair gives `supcon` 0, with a gradient
        of 0.

    Raises:
        InputError: Unknown name, a size below 1, or `cross_domain` where there are no pairs.

    Example:
        >>> loss = metric_loss("supcon", classes=2, embedding=2)
        >>> x, labels = torch.tensor([[1.0, 0], [1, 0], [0, 1]]), torch.tensor([0, 0, 1])
        >>> round(loss(x, labels, torch.zeros(3, dtype=torch.bool)).item() * 1e5, 2)  # ln(1+e^-10)
        4.54
    """
    if name not in METRIC_LOSSES:
        raise InputError(f"metric loss is '{name}'", f"use one of {', '.join(METRIC_LOSSES)}")
    if classes < 1 or embedding < 1:
        raise InputError(f"{classes} classes, embedding {embedding}", "both need at least 1")
    if cross_domain and name not in _PAIR_LOSSES:
        raise InputError(
            f"cross_domain with '{name}', which has no pairs of crops",
            f"use it with {', '.join(_PAIR_LOSSES)}, or leave it out",
        )
    # The library takes a second to import; only some trainings need it.
    from pytorch_metric_learning import losses

    from raresign.losses.open_cosine import OpenCosine

    sizes: dict[str, Any] = {"num_classes": classes, "embedding_size": embedding}
    formula: nn.Module
    if name == "supcon":
        formula = losses.SupConLoss()
    elif name == "proxy-anchor":
        formula = losses.ProxyAnchorLoss(**sizes)
    elif name == "arcface":
        formula = losses.ArcFaceLoss(**sizes, distance=OpenCosine())
    else:
        formula = losses.SubCenterArcFaceLoss(**sizes, distance=OpenCosine())
    return MetricLoss(formula, cross_domain)


def cross_domain_pairs(labels: Tensor, domain: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Ordered pairs: positive (same label, other domain) and negative (other label).

    Args:
        labels: (N,) integers.
        domain: (N,) booleans, is_synthetic, or integers, see `metric_loss`.

    Returns:
        Four int64 vectors, pytorch-metric-learning's `indices_tuple`: anchor and partner of the
        positive pairs, anchor and partner of the negative ones.

    Example:
        >>> pairs = cross_domain_pairs(torch.tensor([0, 0, 0]), torch.tensor([True, False, False]))
        >>> [indices.tolist() for indices in pairs]
        [[0, 0, 1, 2], [1, 2, 0, 0], [], []]
    """
    same = labels[:, None] == labels[None, :]
    other_domain = domain[:, None] != domain[None, :]
    positive, negative = (same & other_domain).nonzero(), (~same).nonzero()
    return positive[:, 0], positive[:, 1], negative[:, 0], negative[:, 1]
