"""Intervals: golden values, properties, and simulated tests in which the truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raresign.evaluation.intervals import (
    Estimate,
    bootstrap_means,
    macro_recall_interval,
    paired_difference_interval,
    percentile_interval,
    seeds_mean_interval,
    wilson_interval,
)

counts = st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


# Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3.
@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 0.8830, 1.0000),
    ],
)
def test_wilson_golden(hits: int, n: int, low: float, high: float) -> None:
    assert wilson_interval(hits, n) == pytest.approx((low, high), abs=5e-5)


@given(counts)
def test_wilson_contains_the_share_and_stays_in_range(case: tuple[int, int]) -> None:
    low, high = wilson_interval(*case)
    assert 0 <= low <= case[0] / case[1] <= high <= 1
    assert low < high


def test_nothing_counted_is_nan_not_an_error() -> None:
    assert all(math.isnan(x) for x in wilson_interval(0, 0))
    assert all(math.isnan(x) for x in macro_recall_interval([], [], 0))
    assert all(math.isnan(x) for x in macro_recall_interval([0, 0], [0, 0], 0))
    assert all(math.isnan(x) for x in paired_difference_interval(0, 0, 0, 0))
    assert all(math.isnan(x) for x in seeds_mean_interval([], [math.nan], 0))
    assert math.isnan(Estimate.of_share(0, 0).value)


@pytest.mark.parametrize("case", [(3, 2), (-1, 2), (1, 0)])
def test_wilson_refuses_impossible_counts(case: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="must"):
        wilson_interval(*case)


def test_counting_bootstrap_equals_drawing_crops_one_by_one() -> None:
    """Same distribution as the naive loop, not the same draws: mean and spread agree."""
    values = np.array([0.0, 0.0, 1.0, 1.0, 1.0, 1 / 3, 2 / 3] * 6)
    rng = np.random.default_rng(1)
    naive = np.array(
        [np.mean([values[rng.integers(len(values))] for _ in values]) for _ in range(2000)]
    )
    drawn = bootstrap_means(values, np.random.default_rng(2))
    assert drawn.mean() == pytest.approx(naive.mean(), abs=0.006)
    assert drawn.std() == pytest.approx(naive.std(), rel=0.08)
    assert percentile_interval(drawn) == pytest.approx(percentile_interval(naive), abs=0.025)


def test_weights_stand_for_repeated_values() -> None:
    repeated = bootstrap_means([0.0] * 30 + [1.0] * 70, np.random.default_rng(0))
    weighted = bootstrap_means([0.0, 1.0], np.random.default_rng(0), [30, 70])
    np.testing.assert_array_equal(repeated, weighted)


def test_macro_interval_equals_a_naive_loop_over_classes() -> None:
    hits, crops = [9, 30, 2, 0], [10, 60, 3, 4]
    pooled = (sum(hits) + 2) / (sum(crops) + 4)
    rng = np.random.default_rng(5)
    draws = []
    for _ in range(2000):
        recalls, centres = [], []
        for h, n in zip(hits, crops, strict=True):
            share = (h + pooled + 2 / 4) / (n + 1 + 4 / 4)
            recalls.append(sum(rng.random() < share for _ in range(n)) / n)
            centres.append(share - h / n)
        draws.append(np.mean(recalls) - np.mean(centres))
    naive = np.quantile(draws, [0.025, 0.975])
    assert macro_recall_interval(hits, crops, 0) == pytest.approx(tuple(naive), abs=0.02)


tables = st.lists(counts, min_size=1, max_size=12)


@given(tables, st.integers(0, 5))
def test_macro_interval_contains_the_macro_recall(table: list[tuple[int, int]], seed: int) -> None:
    hits, crops = zip(*table, strict=True)
    low, high = macro_recall_interval(hits, crops, seed)
    macro = sum(h / n for h, n in table) / len(table)
    assert 0 <= low <= macro + 1e-12
    assert macro - 1e-12 <= high <= 1
    assert low < high
    assert (low, high) == macro_recall_interval([*hits, 0], [*crops, 0], seed)


def test_macro_interval_depends_on_the_seed_alone() -> None:
    first = macro_recall_interval([50, 3], [90, 5], 1)
    assert first == macro_recall_interval([50, 3], [90, 5], 1)
    assert first != macro_recall_interval([50, 3], [90, 5], 2)


def test_macro_interval_covers_the_truth_with_tiny_classes() -> None:
    """The plain stratified bootstrap does not, which is why ours is not the plain one."""
    rng = np.random.default_rng(0)
    crops = np.array([1, 2, 3, 5, 5, 8, 10, 15, 20, 20] * 3)
    ours = plain = 0
    for trial in range(200):
        truth = rng.beta(9, 1, len(crops))
        hits = rng.binomial(crops, truth)
        low, high = macro_recall_interval(hits, crops, trial)
        ours += low <= truth.mean() <= high
        draws = (rng.binomial(crops, hits / crops, (500, len(crops))) / crops).mean(axis=1)
        low, high = percentile_interval(draws)
        plain += low <= truth.mean() <= high
    assert ours >= 0.92 * 200
    assert plain < 0.87 * 200


@given(counts.flatmap(lambda c: st.tuples(st.integers(0, c[0]), st.just(c[0]), st.just(c[1]))))
def test_paired_interval_contains_the_difference(case: tuple[int, int, int]) -> None:
    wins, both, n = case
    losses = both - wins
    low, high = paired_difference_interval(wins, losses, n, 0)
    assert -1 <= low <= (wins - losses) / n <= high <= 1
    assert low < high


def test_paired_interval_equals_a_naive_loop_over_pairs() -> None:
    wins, losses, n = 30, 12, 165
    differences = [1] * wins + [-1] * losses + [0] * (n - wins - losses)
    rng = np.random.default_rng(0)
    naive = [np.mean([differences[i] for i in rng.integers(n, size=n)]) for _ in range(2000)]
    expected = np.quantile(naive, [0.025, 0.975])
    assert paired_difference_interval(wins, losses, n, 0) == pytest.approx(expected, abs=0.015)


def test_no_disagreement_on_few_crops_is_not_certainty() -> None:
    few = paired_difference_interval(0, 0, 10, 0)
    many = paired_difference_interval(0, 0, 5000, 0)
    assert few[0] < -0.05 < 0.05 < few[1]
    assert -0.001 < many[0] <= 0 <= many[1] < 0.001


def test_more_seeds_and_more_crops_narrow_the_interval_over_seeds() -> None:
    def width(seeds: list[float], crops: int) -> float:
        low, high = seeds_mean_interval([0.0, 1.0, 1.0, 1.0] * crops, seeds, 0)
        return high - low

    assert (
        width([0.74, 0.76], 250)
        > width([0.74, 0.76] * 3, 250)
        > width([0.75], 250)
        > width([0.75], 1000)
    )
    # With huge crops only the seeds vary: Student's t with 3 degrees of freedom has 3.182.
    error = np.std([0.70, 0.74, 0.76, 0.80], ddof=1) / 2
    assert width([0.70, 0.74, 0.76, 0.80], 10**5) == pytest.approx(2 * 3.182 * error, rel=0.1)


def test_interval_over_seeds_covers_the_truth() -> None:
    rng = np.random.default_rng(0)
    inside = 0
    for trial in range(200):
        ease = rng.beta(2, 1, 165)
        shift = rng.normal(0, 0.02, 3)
        right = rng.random((3, 165)) < np.clip(ease + shift[:, None], 0, 1)
        low, high = seeds_mean_interval(right.mean(axis=0), right.mean(axis=1), trial)
        inside += low <= 2 / 3 <= high
    assert inside >= 0.93 * 200
