"""Scores of what is known: features and baselines against naive loops, and the fit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from known_oracles import crops, naive_features, softmax
from raresign.answers.known_score import KnownScore, energy, known_features
from raresign.fitting.known_score_fit import fit_known_score


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 8), st.integers(2, 6), st.integers(0, 999))
def test_features_and_baselines_equal_a_loop_over_crops(n: int, classes: int, seed: int) -> None:
    logits, cosines, _ = crops(n, classes, seed)
    p = np.array([softmax(row) for row in logits])
    expected = [naive_features(*row) for row in zip(p, cosines, logits, strict=True)]
    assert known_features(p, cosines, logits) == pytest.approx(np.array(expected))


def test_energy_survives_large_logits() -> None:
    assert energy([[5000.0, -5000.0]])[0] == pytest.approx(5000.0)


def test_a_probability_that_underflows_stays_finite() -> None:
    features = known_features([[1.0, 0.0]], [[0.1, 0.2]], [[900.0, -900.0]])
    assert np.isfinite(features).all()
    assert features[0, 1] == pytest.approx(-math.log(1e-12))


def clouds(n: int, m: int, gap: float, seed: int) -> tuple[Any, Any]:
    """Known rows, shifted up in two of five features of unlike units, and which are known."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(0, 1, (n + m, 5))
    rows[:n, [0, 3]] += gap
    return rows * [1, 100, 1, 0.01, 1] + [0, 5, 0, -3, 1], np.arange(n + m) < n


def objective(score: KnownScore, rows: Any, known: Any, ridge: float) -> float:
    """The documented loss, crop by crop."""
    p = score.of(rows)
    losses = [-math.log(v if k else 1 - v) for v, k in zip(p, known, strict=True)]
    halves = [np.mean([x for x, k in zip(losses, known, strict=True) if k == w]) for w in (0, 1)]
    return float(np.mean(halves)) + ridge / 2 * sum(w * w for w in score.coefficients)


def test_fit_is_the_minimum_of_the_balanced_ridge_loss() -> None:
    rows, known = clouds(300, 40, 1.0, seed=1)
    score = fit_known_score(rows, known, ridge=0.01)
    best = objective(score, rows, known, 0.01)
    for place in range(6):
        for step in (-1e-3, 1e-3):
            w = [*score.coefficients, score.intercept]
            w[place] += step
            moved = KnownScore(score.mean, score.scale, tuple(w[:5]), w[5])
            assert objective(moved, rows, known, 0.01) > best
    # The optimum of a free intercept: both kinds are as probable as they weigh, half each.
    p = score.of(rows)
    assert (p[known].mean() + p[~known].mean()) / 2 == pytest.approx(0.5, abs=1e-6)


def test_fit_does_not_depend_on_units_and_leaves_a_constant_feature_alone() -> None:
    rows, known = clouds(80, 80, 1.5, seed=2)
    rows[:, 2] = 0.1
    scaled = rows * [3, 0.1, 7, 1000, 2] - [1, 2, 3, 4, 5]
    one, two = fit_known_score(rows, known), fit_known_score(scaled, known)
    assert one.of(rows) == pytest.approx(two.of(scaled), abs=1e-6)
    assert one.coefficients[2] == pytest.approx(0, abs=1e-9)
    assert one.coefficients[0] > 0.3
    assert one.coefficients[3] > 0.3


def test_separable_crops_give_finite_scores_in_range() -> None:
    rows, known = clouds(30, 30, 50.0, seed=3)
    score = fit_known_score(rows, known)
    p = score.of(rows)
    assert np.isfinite(score.coefficients).all()
    assert p[known].min() > 0.9 > 0.1 > p[~known].max()
    assert ((score.of(rows * 1e9) >= 0) & (score.of(rows * 1e9) <= 1)).all()


def test_score_is_the_sigmoid_of_the_standardised_features() -> None:
    logits, cosines, _ = crops(6, 4, 5)
    p = np.array([softmax(row) for row in logits])
    weights = KnownScore((0.1,) * 5, (2.0,) * 5, (1.0, -1.0, 0.5, 2.0, 0.1), 0.3)
    features = known_features(p, cosines, logits)
    expected = []
    for row in features:
        logit = 0.3 + sum(w * (v - 0.1) / 2 for w, v in zip(weights.coefficients, row, strict=True))
        expected.append(1 / (1 + math.exp(-logit)))
    assert weights.of(features).tolist() == pytest.approx(expected)
