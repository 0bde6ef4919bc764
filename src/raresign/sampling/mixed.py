"""The plan of a batch that mixes real crops with crops to be synthesised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from raresign.errors import InputError
from raresign.sampling.balanced import Batches, EvenDraws, Integers


@dataclass(frozen=True)
class MixedBatch:
    """What one batch is made of.

    Attributes:
        real_indices: (R,) int64 indices of real crops.
        synthetic_labels: (S,) int64 labels to synthesise.
        synthetic_numbers: (S,) int64 serial numbers, unique over all steps: the keys of the
            synthesiser's randomness.
        turns: (R + S,) int64, 0 to R + S - 1: in which order the crops, real ones first, are dealt
            out to processes; None for the order in which they stand.
    """

    real_indices: Integers
    synthetic_labels: Integers
    synthetic_numbers: Integers
    turns: Integers | None = None

    def dealt(self, rank: int, world_size: int, before: int = 0) -> npt.NDArray[np.bool_]:
        """(R + S,) bool: which crops process `rank` of `world_size` takes, as cards are dealt.

        No process has more than one crop more than another.

        Args:
            rank: From 0.
            world_size: How many processes there are.
            before: Crops that were dealt out before these.

        Example:
            >>> batch = MixedBatch(np.array([7, 8, 9]), np.array([0, 1]), np.array([5, 6]))
            >>> [batch.dealt(rank, 2).astype(int).tolist() for rank in (0, 1)]
            [[1, 0, 1, 0, 1], [0, 1, 0, 1, 0]]
        """
        if not 0 <= rank < world_size:
            raise ValueError(f"no share for rank {rank} of {world_size}")
        count = len(self.real_indices) + len(self.synthetic_labels)
        turns = np.arange(count) if self.turns is None else self.turns
        return np.asarray((turns + before) % world_size == rank)


class MixedPlan:
    """Fixed shares of real and synthetic crops in every batch, as a pure function of the step.

    The synthetic labels cycle evenly: after any number of batches the counts of two entries of
    `synthetic_labels` differ by at most 1. Processes share a batch (`MixedBatch.dealt`), so the
    serial number of a synthetic crop tells its label whatever their number.

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

    def plan(self, step: int) -> MixedBatch:
        """The content of the batch of this step."""
        if step < 0:
            raise ValueError(f"no batch for step {step}")
        none = np.empty(0, dtype=np.int64)
        first = step * self._synthetic_items
        return MixedBatch(
            self._real.batch(step) if self._real else none,
            self._labels[self._draws.serving(step)] if self._draws else none,
            np.arange(first, first + self._synthetic_items, dtype=np.int64),
        )
