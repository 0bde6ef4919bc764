"""Class-balanced batches as a pure function of the step: every class served equally often."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt

from raresign.errors import InputError
from raresign.seeds import mix_integers

Integers = npt.NDArray[np.int64]

_SERVINGS_IN_A_BLOCK = 64  # drawn at a time, so that small streams do not pay for a generator each


class EvenDraws:
    """An endless stream of servings of `take` numbers out of 0..count-1, evenly used.

    The stream is a row of random permutations cut into servings, so that after any number of
    servings the counts of two numbers differ by at most 1. A serving that straddles two
    permutations would hold a number twice; therefore the second permutation begins with numbers
    that the unfinished serving lacks. That chains the permutations, but only within a block of
    `take / gcd(count, take)` of them, after which servings and permutations end together: a block
    depends on its own number alone, which makes every serving a pure function of its number.
    If `take` exceeds `count`, a serving holds every number `take // count` times, the rest evenly.

    Memory: one block, at most `take * count` int32.

    Args:
        count: How many numbers there are, at least 1.
        take: Numbers a serving, at least 1.
        seed: Any integers; other seeds give other streams.
    """

    def __init__(self, count: int, take: int, seed: tuple[int, ...]) -> None:
        self.count, self.take = count, take
        self._whole, self._rest = divmod(take, count)
        self._seed = mix_integers(*seed)
        self._cached: tuple[int, npt.NDArray[np.int32]] | None = None
        aligned = count // math.gcd(count, self._rest)  # servings until both end together
        self._servings = aligned * math.ceil(_SERVINGS_IN_A_BLOCK / aligned)

    def serving(self, number: int) -> Integers:
        """(take,) int64: the numbers of serving `number` (0, 1, ...)."""
        return self.servings(number, number + 1).reshape(-1)

    def servings(self, start: int, stop: int) -> Integers:
        """(stop - start, take) int64: the servings `start` to `stop - 1`."""
        drawn = np.empty((stop - start, self.take), dtype=np.int64)
        drawn[:, self._rest :] = np.tile(np.arange(self.count), self._whole)
        done = start
        while self._rest and done < stop:
            block, first = divmod(done, self._servings)
            rows = self._block(block)[first : first + stop - done]
            drawn[done - start : done - start + len(rows), : self._rest] = rows
            done += len(rows)
        return drawn

    def _block(self, block: int) -> npt.NDArray[np.int32]:
        """A block's servings; the last one asked for is kept."""
        if self._cached is None or self._cached[0] != block:
            self._cached = block, self._draw(block)
        return self._cached[1]

    def _draw(self, block: int) -> npt.NDArray[np.int32]:
        """(servings, rest) int32: all servings of a block."""
        generator = np.random.default_rng((self._seed, block))
        cycles = self._servings * self._rest // self.count
        rows = np.tile(np.arange(self.count, dtype=np.int32), (cycles, 1))
        rows = generator.permuted(rows, axis=1, out=rows)
        for cycle in range(1, cycles):
            begun = cycle * self.count % self._rest  # numbers of the serving that is still open
            if begun:
                open_serving = rows[cycle - 1, self.count - begun :]
                head = _without(rows[cycle], open_serving)[: self._rest - begun]
                rows[cycle] = np.concatenate([head, _without(rows[cycle], head)])
        return rows.reshape(self._servings, self._rest)


def _without(row: npt.NDArray[np.int32], taken: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """The numbers of a permutation that are not `taken`, in their order."""
    keep = np.ones(len(row), dtype=bool)
    keep[taken] = False
    return row[keep[row]]


def batch_number(step: int, rank: int, world_size: int) -> int:
    """The number of the batch in the single-process stream: step * world_size + rank.

    Raises:
        ValueError: A negative step, or a rank that the world does not have.
    """
    if step < 0 or not 0 <= rank < world_size:
        raise ValueError(f"no batch for step {step}, rank {rank} of {world_size}")
    return step * world_size + rank


def index_by_class(labels: npt.ArrayLike) -> tuple[Integers, list[Integers]]:
    """Group items by label; label -1 (unknown) is left out.

    Args:
        labels: (N,) integers.

    Returns:
        The labels that occur, ascending, and for each the ascending indices of its items.

    Raises:
        InputError: Not one item has a known label.
    """
    known = np.asarray(labels)
    if known.ndim != 1 or (known.size and not np.issubdtype(known.dtype, np.integer)):
        raise InputError(
            f"labels of shape {known.shape} and type {known.dtype}", "give (N,) integers"
        )
    if not known.size or known.max() < 0:
        raise InputError(
            f"none of the {known.size} items has a known label", "check the class names of the data"
        )
    # NumPy sorts 16-bit integers by radix, an order of magnitude faster than 64-bit ones.
    if known.max() <= np.iinfo(np.int16).max and known.min() >= np.iinfo(np.int16).min:
        known = known.astype(np.int16)
    order = np.argsort(known, kind="stable")
    ordered = known[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=ordered[0] - 1))
    groups = np.split(order, starts[1:])
    classes = ordered[starts].astype(np.int64)
    first = int(np.searchsorted(classes, 0))
    return classes[first:], groups[first:]


class BalancedBatches:
    """Batches of `classes_per_batch` distinct classes with `items_per_class` items each.

    After any number of batches the servings of two classes differ by at most 1, and so do those of
    two items of one class; over `classes / gcd(classes, classes_per_batch)` batches all classes are
    served exactly equally often. A class with too few items repeats them evenly. Items with label
    -1 are left out: mark with -1 what is not to be drawn.

    A batch is a pure function of its number, so a run resumes by asking for step k, and rank r of w
    takes batch number step * w + r: all ranks together see the single-process stream.

    It is a `batch_sampler` of a torch DataLoader, too: every pass serves `len(self)` batches, about
    as many as hold all items once, and the next pass goes on where the last one ended.

    Args:
        labels: (N,) integers, -1 unknown.
        classes_per_batch: Distinct classes in a batch.
        items_per_class: Items of each of them.
        seed: Any integer.

    Raises:
        InputError: More classes a batch than there are, no item, or sizes below 1.

    Example:
        >>> labels = np.array([0, 0, 0, 1, 1, 2, -1])
        >>> batches = BalancedBatches(labels, classes_per_batch=2, items_per_class=2, seed=0)
        >>> [labels[batches.batch(step)].tolist() for step in range(3)]
        [[0, 0, 2, 2], [1, 1, 0, 0], [1, 1, 2, 2]]
        >>> len(batches), [labels[batch].tolist() for batch in batches]
        (2, [[0, 0, 2, 2], [1, 1, 0, 0]])
    """

    def __init__(
        self, labels: npt.ArrayLike, classes_per_batch: int, items_per_class: int, seed: int
    ) -> None:
        if classes_per_batch < 1 or items_per_class < 1:
            raise InputError(
                f"classes_per_batch {classes_per_batch}, items_per_class {items_per_class}",
                "both must be at least 1",
            )
        self.classes, self._items = index_by_class(labels)
        if classes_per_batch > len(self.classes):
            raise InputError(
                f"classes_per_batch is {classes_per_batch}, but only {len(self.classes)} classes "
                "have items",
                f"set it to at most {len(self.classes)}",
            )
        self.batch_size = classes_per_batch * items_per_class
        self._classes_per_batch, self._items_per_class = classes_per_batch, items_per_class
        self._seed = seed
        self._class_draws = EvenDraws(len(self.classes), classes_per_batch, (seed, 0))
        self._item_draws: dict[int, EvenDraws] = {}
        self._epoch = 0

    def __len__(self) -> int:
        """Batches a pass: as many as hold all known items once, rounded up."""
        return -(-sum(map(len, self._items)) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        """The batches of the next pass, as a torch DataLoader wants them."""
        epoch = self._epoch
        self._epoch += 1
        for step in range(epoch * len(self), (epoch + 1) * len(self)):
            yield self.batch(step).tolist()

    def set_epoch(self, epoch: int) -> None:
        """Which pass, from 0, the next one is: to go on after a break, or to repeat one."""
        if epoch < 0:
            raise InputError(f"pass {epoch}", "count from 0")
        self._epoch = epoch

    def batch(self, step: int, rank: int = 0, world_size: int = 1) -> Integers:
        """(classes_per_batch * items_per_class,) int64 indices into the labels, class by class."""
        number = batch_number(step, rank, world_size)
        served = []
        first = number * self._classes_per_batch
        for position, c in enumerate(self._class_draws.serving(number).tolist(), first):
            if c not in self._item_draws:
                size, seed = len(self._items[c]), (self._seed, 1, c)
                self._item_draws[c] = EvenDraws(size, self._items_per_class, seed)
            # Every permutation of the classes holds each once: its number counts the servings.
            serving = self._item_draws[c].serving(position // len(self.classes))
            served.append(self._items[c][serving])
        return np.concatenate(served)


class Batches(Protocol):
    """What all samplers of this package have in common."""

    batch_size: int

    def batch(self, step: int, rank: int = 0, world_size: int = 1) -> Integers:
        """(batch_size,) int64 indices of the items of this step and rank."""
        ...
