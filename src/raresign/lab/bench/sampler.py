"""How long the balanced sampler takes to build its index and to make a batch."""

from __future__ import annotations

import statistics
import time

import numpy as np

from raresign.sampling.balanced import BalancedBatches

_ITEMS, _CLASSES = 284_896, 205  # 79,896 real + 205,000 synthetic crops of the reference


def bench_sampler(quick: bool = False) -> dict[str, float]:
    """Time the index of 284,896 labels in 205 classes and batches of 32 classes x 4 items.

    The reference decodes every image for its index: 611 items/s, 7 min 46 s.

    Args:
        quick: 7 builds and 500 batches instead of 21 and 5,000.

    Returns:
        `sampler.seconds` (median of the builds, with `_min` and `_max`),
        `sampler.batches_per_second`, and `sampler.far_seconds`: the first batch of a fresh sampler
        at step 100,000, as on resume.

    Example:
        >>> bench_sampler(quick=True)["sampler.seconds"] < 0.5
        True
    """
    labels = np.random.default_rng(0).integers(0, _CLASSES, _ITEMS)
    BalancedBatches(labels, 32, 4, seed=0)  # warm-up
    builds = []
    for _ in range(7 if quick else 21):
        start = time.perf_counter()
        batches = BalancedBatches(labels, 32, 4, seed=0)
        builds.append(time.perf_counter() - start)

    start = time.perf_counter()
    batches.batch(100_000)
    far = time.perf_counter() - start

    steps = 500 if quick else 5000
    start = time.perf_counter()
    for step in range(steps):
        batches.batch(step)
    return {
        "sampler.seconds": statistics.median(builds),
        "sampler.seconds_min": min(builds),
        "sampler.seconds_max": max(builds),
        "sampler.batches_per_second": steps / (time.perf_counter() - start),
        "sampler.far_seconds": far,
    }
