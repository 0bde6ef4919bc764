"""How everything is timed: warm-up, several runs in turn, median and spread."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping


def median_seconds(
    parts: Mapping[str, Callable[[], object]], runs: int, warmup: int = 1
) -> dict[str, tuple[float, float, float]]:
    """Time functions side by side: A B A B ..., so that a drifting machine hits all alike.

    Args:
        parts: Functions by name; each must finish its work before it returns.
        runs: Counted runs of each.
        warmup: Runs of each that are not counted.

    Returns:
        (median, fastest, slowest) seconds by name.

    Example:
        >>> sorted(median_seconds({"nothing": lambda: None}, runs=3))
        ['nothing']
    """
    for _ in range(warmup):
        for function in parts.values():
            function()
    times: dict[str, list[float]] = {name: [] for name in parts}
    for _ in range(runs):
        for name, function in parts.items():
            start = time.perf_counter()
            function()
            times[name].append(time.perf_counter() - start)
    return {name: (statistics.median(seen), min(seen), max(seen)) for name, seen in times.items()}
