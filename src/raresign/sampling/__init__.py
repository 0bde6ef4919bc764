"""Samplers: which items a step trains on, as pure functions of the step."""

from __future__ import annotations

from raresign.sampling.balanced import (
    BalancedBatches,
    Batches,
    EvenDraws,
    index_by_class,
)
from raresign.sampling.mixed import MixedBatch, MixedPlan
from raresign.sampling.shuffled import ShuffledBatches

__all__ = [
    "BalancedBatches",
    "Batches",
    "EvenDraws",
    "MixedBatch",
    "MixedPlan",
    "ShuffledBatches",
    "index_by_class",
]
