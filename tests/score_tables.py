"""Scores of five classes at random, two of them rare: what rules are fitted to in tests."""

from __future__ import annotations

import numpy as np

RARE = np.array([False, False, False, True, True])


def scores_of(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits and cosines that know nothing of each other."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 5)) * 3, rng.uniform(-1, 1, (n, 5))


def drawn(probabilities: np.ndarray, seed: int) -> np.ndarray:
    """A label for each row, drawn by its probabilities."""
    ends = probabilities.cumsum(axis=1)
    at = np.random.default_rng(seed + 1).random((len(ends), 1)) * ends[:, -1:]
    return np.asarray((at > ends).sum(axis=1))
