"""All cores for a chain that works crop after crop: a pool of processes, as data loaders have."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from typing import Any

import torch

from raresign.lab.bench.peers.chain import Chain

_chains: dict[str, Chain] = {}  # in a worker: every chain by its name


class AllCores:
    """As many processes as there are cores, each with every chain on one thread.

    Processes, not threads: the libraries spend most of a small crop's time in Python, which runs on
    one core at a time. Starting them is not part of any timed work.

    Args:
        chains: By name, what makes each chain; called once in every worker.
    """

    parts = 2
    """Pieces of work for each process, so that one that lags does not hold up the rest."""

    def __init__(self, chains: Mapping[str, Callable[[], Chain]]) -> None:
        self.workers = usable_cores()
        # Forked workers share the photos and the imported libraries; macOS's libraries forbid it.
        way = "fork" if sys.platform == "linux" else "spawn"
        self._pool = ProcessPoolExecutor(
            self.workers, multiprocessing.get_context(way), _start, (dict(chains),)
        )
        self._pool.submit(usable_cores).result()  # they start now, not within a timed call

    def make(self, name: str, first: int, count: int) -> list[Any]:
        """The crops `first` to `first + count - 1` of the chain `name`, in parts, in order."""
        pieces = self.workers * self.parts
        edges = [first + count * k // pieces for k in range(pieces + 1)]
        jobs = [
            self._pool.submit(_work, name, low, high - low)
            for low, high in pairwise(edges)
            if high > low
        ]
        return [job.result() for job in jobs]

    def __enter__(self) -> AllCores:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)


def usable_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _start(chains: dict[str, Callable[[], Chain]]) -> None:
    """Make the chains in a new worker."""
    torch.set_num_threads(1)
    _chains.update({name: make() for name, make in chains.items()})


def _work(name: str, first: int, count: int) -> Any:
    return _chains[name].make(first, count)
