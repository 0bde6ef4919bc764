"""Naive oracles and random material of the tests of known and unknown signs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from raresign.answers.fusion import Fusion
from raresign.fitting.rules_fit import HeldOut, UnknownCrops


def softmax(row: Any) -> list[float]:
    powers = [math.exp(v - max(row)) for v in row]
    return [v / sum(powers) for v in powers]


def crops(n: int, classes: int, seed: int) -> tuple[Any, Any, Any]:
    """Random logits (N, C), cosines (N, C) and labels (N,)."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, (n, classes))
    return logits, rng.uniform(-1, 1, (n, classes)), rng.integers(0, classes, n)


def naive_features(p: Any, cosine: Any, logits: Any) -> list[float]:
    """One crop's features, from sorted lists."""
    ranked = sorted(p, reverse=True)
    logs = [math.log(max(v, 1e-12)) for v in ranked]
    predicted = list(p).index(ranked[0])
    free = math.log(sum(math.exp(v) for v in logits))
    return [logs[0], logs[0] - logs[1], max(cosine), cosine[predicted], free]


def played_unknown(held: HeldOut, fusion: Fusion, families: Sequence[str]) -> UnknownCrops:
    """Crops of classes that play rare, each scored as if its own class had never been known."""
    scores = fusion.scores(held.logits, held.cosines, held.rare).astype(np.float64)
    rows = np.flatnonzero(held.plays_rare)
    features, shares = np.zeros((len(rows), 5)), np.zeros((len(rows), scores.shape[1]))
    for n, row in enumerate(rows):
        others = [c for c in range(scores.shape[1]) if c != held.labels[row]]
        shares[n, others] = softmax(scores[row, others])
        features[n] = naive_features(
            shares[n, others], held.cosines[row, others], held.logits[row, others]
        )
    return UnknownCrops(features, shares, tuple(families[label] for label in held.labels[rows]))
