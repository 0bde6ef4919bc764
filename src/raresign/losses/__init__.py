"""Losses: cross-entropy with priors of two domains, and losses on the embedding."""

from __future__ import annotations

from raresign.losses.contrastive import (
    contrastive_loss,
    naive_contrastive_loss,
    reference_contrastive_loss,
)
from raresign.losses.prior import balanced_cross_entropy
from raresign.losses.supcon import supervised_contrastive_loss

__all__ = [
    "balanced_cross_entropy",
    "contrastive_loss",
    "naive_contrastive_loss",
    "reference_contrastive_loss",
    "supervised_contrastive_loss",
]
