"""Several seeds of one recipe: mean, spread and an interval over crops and seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from raresign.errors import InputError
from raresign.evaluation.compare import rows_of
from raresign.evaluation.intervals import seeds_mean_interval
from raresign.evaluation.metrics import json_ready
from raresign.evaluation.predictions import GROUPS, Group, Predictions


@dataclass(frozen=True)
class SeedSummary:
    """Recall of one group over several seeds of training.

    Args:
        mean: Mean recall.
        spread: Sample standard deviation over the seeds (S - 1), NaN with one seed.
        low: Lower end of the 95 % interval of the mean over seeds and crops.
        high: Upper end.
        n: Seeds.
        crops: Crops of the group.
    """

    mean: float
    spread: float
    low: float
    high: float
    n: int
    crops: int

    def as_dict(self) -> dict[str, Any]:
        """The same as a dict, ready for JSON: None for NaN."""
        return json_ready(self)


def seeds_interval(runs: Sequence[Predictions], seed: int = 0) -> dict[Group, SeedSummary]:
    """Mean recall over seeds, crops paired between the seeds.

    The interval is that of `seeds_mean_interval`.

    Args:
        runs: Predictions of the same crops, one a seed, the rows in any order.
        seed: Seed of the bootstrap.

    Returns:
        A summary for "all", "rare" and "freq" (micro recall).

    Raises:
        InputError: No runs, or their crops or labels differ.

    Example:
        >>> facts = ("3.1", "3.2"), ("freq", "rare"), ("red ring", "red ring")
        >>> one = Predictions(("x.png", "y.png"), [0, 1], [[0.9, 0.1], [0.2, 0.8]], *facts)
        >>> two = Predictions(("x.png", "y.png"), [0, 1], [[0.9, 0.1], [0.9, 0.1]], *facts)
        >>> seeds_interval([one, two])["all"].mean
        0.75
    """
    if not runs:
        raise InputError("no runs to aggregate", "give the predictions of at least one seed")
    first = runs[0]
    correct = np.stack(
        [run.correct[rows_of(first, run, "run 0", f"run {i}")] for i, run in enumerate(runs)]
    )  # (S, N)
    summaries: dict[Group, SeedSummary] = {}
    for name in GROUPS:
        hits = correct[:, first.of_group(name)]
        recalls = hits.mean(axis=1).tolist() if hits.size else [math.nan] * len(runs)
        low, high = seeds_mean_interval(hits.mean(axis=0), recalls, seed)
        spread = float(np.std(recalls, ddof=1)) if len(runs) > 1 else math.nan
        mean = float(np.mean(recalls))
        summaries[name] = SeedSummary(mean, spread, low, high, len(runs), hits.shape[1])
    return summaries
