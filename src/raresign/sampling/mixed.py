"""The plan of a batch that mixes real crops with crops to be synthesised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raresign.errors import InputError
from raresign.sampling.balanced import Batches, EvenDraws, Integers, batch_number


@dataclass(frozen=True)
class MixedBatch:
    """What one batch is made of.

    Attributes:
        real_indices: (R,) int64 indices of real crops.
        synthetic_labels: (S,) int64 labels to synthesise.
        synthetic_numbers: (S,) int64 serial numbers, unique over all steps and ranks: the keys of
            the synthesiser's randomness.
    """

    real_indices: Integers
    synthetic_labels: Integers
    synthetic_numbers: Integers


class MixedPlan:
    """Fixed shares of real and synthetic crops in every batch, as a pure function of the step.

    The synthetic labels cycle evenly: after any number of batches the counts of two entries of
    `synthetic_labels` differ by at most 1. Rank r of w takes batch number step * w + r, so all
    ranks together see the single-process stream, and the serial number of a synthetic crop tells
    its label whatever the number of processes.

    Args:
        real: Sampler of the real crops with `batch_size == real_items`; None for none.
        synthetic_labels: Labels to synthesise, each once (an entry that is repeated counts twice).
        real_items: R, real crops a batch.
        synthetic_items: S, synthetic crops a batch.
        seed: Any integer.

    Raises:
        InputError: Shares that do not fit the sampler or the labels, or an empty batch.
    """

    def __init__(
        self,
        real: Batches | None,
        synthetic_labels: npt.ArrayLike,
        real_items: int,
        synthetic_items: int,
        seed: int,
    ) -> None:
        if real_items < 0 or synthetic_items < 0 or real_items + synthetic_items == 0:
            raise InputError(
                f"a batch of {real_items} real and {synthetic_items} synthetic crops",
                "give shares of at least 0 that are not both 0",
            )
        available = real.batch_size if real is not None else 0
        if available != real_items:
            raise InputError(
                f"{real_items} real crops a batch, but the real sampler serves {available}",
                "make both the same",
            )
        self._labels = np.array(synthetic_labels, dtype=np.int64)
        if synthetic_items and (not self._labels.size or self._labels.min() < 0):
            raise InputError(
                f"{synthetic_items} synthetic crops a batch of labels {self._labels.tolist()}",
                "name at least one class, and only known ones",
            )
        self._real, self._synthetic_items = real, synthetic_items
        self._draws = (
            EvenDraws(len(self._labels), synthetic_items, (seed,)) if synthetic_items else None
        )

    def plan(self, step: int, rank: int = 0, world_size: int = 1) -> MixedBatch:
        """The content of the batch of this step and rank."""
        number = batch_number(step, rank, world_size)
        none = np.empty(0, dtype=np.int64)
        first = number * self._synthetic_items
        return MixedBatch(
            self._real.batch(step, rank, world_size) if self._real else none,
            self._labels[self._draws.serving(number)] if self._draws else none,
            np.arange(first, first + self._synthetic_items, dtype=np.int64),
        )
