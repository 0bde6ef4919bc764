"""How long the balanced sampler takes to build its index and to make a batch."""

from __future__ import annotations

import time

import numpy as np

from raresign.lab.bench.measure import median_seconds
from raresign.sampling.balanced import BalancedBatches

_ITEMS, _CLASSES = 284_896, 205  # 79,896 real + 205,000 synthetic crops of the published system


def bench_sampler(quick: bool = False) -> dict[str, float]:
    """Time the index of 284,896 labels in 205 classes and batches of 32 classes x 4 items.

    The published system decodes every image for its index: 611 items/s, 7 min 46 s.

    Args:
        quick: 7 builds and 500 batches instead of 21 and 5,000.

    Returns:
        `sampler.seconds` (median of the builds, with `_min` and `_max`),
        `sampler.batches_per_second`, and `sampler.far_seconds`: the first batch of a fresh sampler
        at step 100,000, as on resume.
    """
    labels = np.random.default_rng(0).integers(0, _CLASSES, _ITEMS)
    build = {"build": lambda: BalancedBatches(labels, 32, 4, seed=0)}
    median, fastest, slowest = median_seconds(build, 7 if quick else 21)["build"]

    batches = build["build"]()
    start = time.perf_counter()
    batches.batch(100_000)
    far = time.perf_counter() - start

    steps = 500 if quick else 5000
    start = time.perf_counter()
    for step in range(steps):
        batches.batch(step)
    return {
        "sampler.seconds": median,
        "sampler.seconds_min": fastest,
        "sampler.seconds_max": slowest,
        "sampler.batches_per_second": steps / (time.perf_counter() - start),
        "sampler.far_seconds": far,
    }
