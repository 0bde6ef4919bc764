"""Losses: cross-entropy with priors of two domains, and losses on the embedding."""

from __future__ import annotations

from raresign.losses.contrastive import (
    contrastive_loss,
    naive_contrastive_loss,
    reference_contrastive_loss,
)
from raresign.losses.distillation import distillation_loss
from raresign.losses.metric import MetricLoss, metric_loss
from raresign.losses.prior import balanced_cross_entropy

__all__ = [
    "MetricLoss",
    "balanced_cross_entropy",
    "contrastive_loss",
    "distillation_loss",
    "metric_loss",
    "naive_contrastive_loss",
    "reference_contrastive_loss",
]
