"""Shuffled batches as a pure function of the step: every item once an epoch, or tempered."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from raresign.errors import InputError
from raresign.sampling.balanced import EvenDraws, Integers, batch_number, index_by_class
from raresign.seeds import mix_integers


class ShuffledBatches:
    """An endless stream of shuffled epochs, cut into batches that may straddle two epochs.

    `power` tempers the class frequencies: class c with n_c items gets the share
    p_c = n_c^power / sum of n_j^power, so 1 is the natural distribution (every item exactly once an
    epoch), 0.5 the square root, 0 gives every class the same share. An epoch always has N draws, N
    the number of items with a known label. After e epochs class c was drawn
    round(e N F_c) - round(e N F_(c-1)) times, with F the running sum of p: within 1 of e N p_c, by
    arithmetic and not by chance. Inside a class the items take turns in random permutations that
    run on over the epochs, so their counts differ by at most 1 at every end of an epoch.

    A batch is a pure function of its number; rank r of w takes batch step * w + r.

    Args:
        labels: (N,) integers, -1 (left out) for unknown; or the number of items, without classes.
        batch_size: Items a batch.
        seed: Any integer.
        power: In [0, 1].

    Raises:
        InputError: No item, or a batch size or power out of range.
    """

    def __init__(
        self, labels: npt.ArrayLike | int, batch_size: int, seed: int, power: float = 1.0
    ) -> None:
        if batch_size < 1:
            raise InputError(f"batch_size is {batch_size}", "it must be at least 1")
        if not 0.0 <= power <= 1.0:
            raise InputError(f"power is {power}", "use 0 (balanced) to 1 (natural)")
        if isinstance(labels, int | np.integer):
            labels = np.zeros(max(labels, 0), dtype=np.int64)
        _, self._items = index_by_class(labels)
        sizes = np.array([len(items) for items in self._items], dtype=np.int64)
        self.batch_size = batch_size
        self._item_count = int(sizes.sum())
        self._running = np.cumsum(sizes.astype(np.float64) ** power)
        self._draws = [EvenDraws(int(n), 1, (seed, c)) for c, n in enumerate(sizes)]
        self._seed = mix_integers(seed, -1)
        self._epochs: dict[int, Integers] = {}

    def batch(self, step: int, rank: int = 0, world_size: int = 1) -> Integers:
        """(batch_size,) int64 indices into the labels."""
        slot = batch_number(step, rank, world_size) * self.batch_size
        parts, missing = [], self.batch_size
        while missing:
            epoch, offset = divmod(slot, self._item_count)
            parts.append(self._epoch(epoch)[offset : offset + missing])
            slot += len(parts[-1])
            missing -= len(parts[-1])
        return np.concatenate(parts)

    def _epoch(self, epoch: int) -> Integers:
        """(item_count,) int64: one epoch in its order; two epochs are kept, for the straddling."""
        if epoch not in self._epochs:
            before, after = self._drawn_after(epoch), self._drawn_after(epoch + 1)
            classes = zip(self._items, self._draws, before, after, strict=True)
            drawn = np.concatenate(
                [items[draws.servings(low, high)[:, 0]] for items, draws, low, high in classes]
            )
            order = np.random.default_rng((self._seed, epoch)).permutation(drawn)
            kept = {e: rows for e, rows in self._epochs.items() if abs(e - epoch) == 1}
            self._epochs = {**kept, epoch: order}
        return self._epochs[epoch]

    def _drawn_after(self, epochs: int) -> list[int]:
        """How often each class has been drawn after so many epochs."""
        # n^power >= 1 and sum of n^power <= N, so every class gets at least one draw an epoch on
        # average and its rounded running counts never fall.
        ends = np.floor(epochs * self._item_count * (self._running / self._running[-1]) + 0.5)
        counts: list[int] = np.diff(ends, prepend=0).astype(np.int64).tolist()
        return counts
