"""Losses that the training adds to cross-entropy."""

from __future__ import annotations

from raresign.losses.contrastive import (
    contrastive_loss,
    naive_contrastive_loss,
    reference_contrastive_loss,
)

__all__ = ["contrastive_loss", "naive_contrastive_loss", "reference_contrastive_loss"]
