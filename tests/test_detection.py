"""Detection figures against naive loops over pairs and thresholds; the bootstrap by simulation."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresign.errors import InputError
from raresign.evaluation import detection
from raresign.evaluation.detection import (
    accuracy_coverage,
    area_under_risk_coverage,
    auroc,
    auroc_estimate,
    fpr_at_tpr,
)

SCORE = st.sampled_from([-1.0, 0.0, 0.25, 0.5, 0.75, 1.0, 3.0])
SCORES = st.lists(SCORE, min_size=1, max_size=15)
ANSWERS = st.lists(st.tuples(SCORE, st.booleans()), min_size=1, max_size=20)


def naive_auroc(known: list[float], unknown: list[float]) -> float:
    wins = sum((a > b) + 0.5 * (a == b) for a in known for b in unknown)
    return wins / (len(known) * len(unknown))


@settings(max_examples=100, deadline=None)
@given(SCORES, SCORES)
def test_auroc_equals_the_share_of_pairs(known: list[float], unknown: list[float]) -> None:
    value = auroc(known, unknown)
    assert value == pytest.approx(naive_auroc(known, unknown))
    assert auroc(unknown, known) == pytest.approx(1 - value)
    assert auroc(np.exp(known), np.exp(unknown)) == pytest.approx(value)


@settings(max_examples=100, deadline=None)
@given(SCORES, SCORES, st.sampled_from([0.05, 0.5, 0.55, 0.9, 0.95, 1.0]))
def test_fpr_equals_a_scan_from_the_strictest_threshold(
    known: list[float], unknown: list[float], tpr: float
) -> None:
    for threshold in sorted(known, reverse=True):
        if sum(s >= threshold for s in known) / len(known) >= tpr:
            break
    expected = sum(s >= threshold for s in unknown) / len(unknown)
    assert fpr_at_tpr(known, unknown, tpr) == expected


def test_fpr_takes_no_crop_more_than_the_share_needs() -> None:
    # 0.07 * 100 is a hair above 7 in floats: 7 known crops suffice, down to the score 93.
    assert fpr_at_tpr(range(100), [92.5, 93.0], 0.07) == 0.5
    assert fpr_at_tpr(range(100), [4.5, 5.0]) == 0.5


def naive_curve(answers: list[tuple[float, bool]]) -> list[tuple[float, float]]:
    points = []
    for threshold in sorted({s for s, _ in answers}, reverse=True):
        taken = [right for s, right in answers if s >= threshold]
        points.append((len(taken) / len(answers), sum(taken) / len(taken)))
    return points


@settings(max_examples=100, deadline=None)
@given(ANSWERS, st.randoms())
def test_curve_and_area_equal_loops_whatever_the_order(
    answers: list[tuple[float, bool]], shuffler: Any
) -> None:
    points = naive_curve(answers)
    area = sum(
        1 - sum(r for s, r in answers if s >= own) / sum(s >= own for s, _ in answers)
        for own, _ in answers
    ) / len(answers)
    shuffler.shuffle(answers)
    score, correct = zip(*answers, strict=True)
    found = list(
        zip(*(values.tolist() for values in accuracy_coverage(score, correct)), strict=True)
    )
    assert found == points
    assert area_under_risk_coverage(score, correct) == pytest.approx(area)


def test_area_golden_values() -> None:
    # Risks 1, 1/2, 1/3 with the wrong answer first; 0, 0, 1/3 with it last.
    assert area_under_risk_coverage([3, 2, 1], [False, True, True]) == pytest.approx(11 / 18)
    assert area_under_risk_coverage([3, 2, 1], [True, True, False]) == pytest.approx(1 / 9)
    assert area_under_risk_coverage([1, 1, 1], [True, False, True]) == pytest.approx(1 / 3)


def test_nothing_counted_is_nan() -> None:
    assert math.isnan(auroc([], [1.0]))
    assert math.isnan(fpr_at_tpr([1.0], []))
    assert math.isnan(area_under_risk_coverage([], []))
    assert accuracy_coverage([], [])[0].shape == (0,)
    empty = auroc_estimate([1.0, 2.0], [])
    assert empty.n == 2
    assert math.isnan(empty.value + empty.low + empty.high)


@pytest.mark.parametrize("bad", [[math.nan, 1.0], [[1.0]], 1.0])
def test_wrong_scores_are_refused(bad: Any) -> None:
    for call in (auroc, fpr_at_tpr, auroc_estimate):
        with pytest.raises(InputError):
            call(bad, [1.0])
        with pytest.raises(InputError):
            call([1.0], bad)
    with pytest.raises(InputError):
        accuracy_coverage(bad, [True])
    with pytest.raises(InputError):
        accuracy_coverage([1.0], [True, False])
    with pytest.raises(InputError):
        fpr_at_tpr([1.0], [1.0], tpr=0.0)
    with pytest.raises(InputError):
        auroc_estimate([1.0, 2.0], [1.0], clusters_known=[0])


@settings(max_examples=4, deadline=None)
@given(SCORES, SCORES, st.integers(0, 99))
def test_estimate_holds_its_value_and_repeats(
    known: list[float], unknown: list[float], seed: int
) -> None:
    found = auroc_estimate(known, unknown, seed)
    assert found.value == pytest.approx(naive_auroc(known, unknown))
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high
    assert found.n == len(known) + len(unknown)
    assert found == auroc_estimate(known, unknown, seed)
    names = [f"sign {i}" for i in range(len(known))]
    assert found == auroc_estimate(known, unknown, seed, clusters_known=sorted(names))


WEIGHTED = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 4)), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(WEIGHTED, WEIGHTED)
def test_a_resample_counts_each_crop_as_often_as_it_was_drawn(
    known: list[tuple[int, int]], unknown: list[tuple[int, int]]
) -> None:
    repeated = [[float(s) for s, times in side for _ in range(times)] for side in (known, unknown)]
    (a, weight_a), (b, weight_b) = (np.array(side).T for side in (known, unknown))
    found = detection._area(a, weight_a.astype(float), b, weight_b.astype(float))
    assert found == pytest.approx(naive_auroc(*repeated))


def test_draws_centre_on_the_measured_value(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def keep(draws: Any) -> tuple[float, float]:
        seen.append(draws)
        return 0.0, 1.0

    monkeypatch.setattr(detection, "percentile_interval", keep)
    rng = np.random.default_rng(4)
    found = auroc_estimate(rng.normal(2, 1, 8), rng.normal(0, 1, 8))
    assert seen[0].mean() == pytest.approx(found.value, abs=0.02)


def test_large_samples_give_the_width_of_hanley_and_mcneil() -> None:
    """Their standard error of AUROC A with exponential scores: Q1 = A / (2 - A) and so on."""
    n, m, a = 900, 400, 0.8
    # Exponential scores with rates 1 and r: chance that the first is larger is r / (1 + r).
    rng = np.random.default_rng(0)
    found = auroc_estimate(rng.exponential(1, n), rng.exponential(1 / (a / (1 - a)), m))
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    error = math.sqrt((a * (1 - a) + (n - 1) * (q1 - a * a) + (m - 1) * (q2 - a * a)) / (n * m))
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(error, rel=0.12)


def test_copies_of_a_crop_in_one_cluster_do_not_narrow_the_interval() -> None:
    rng = np.random.default_rng(3)
    known, unknown = rng.normal(1.2, 1, 60), rng.normal(0, 1, 60)
    once = auroc_estimate(known, unknown)
    copied, ids = np.repeat(known, 9), np.repeat(np.arange(60), 9)
    other, others = np.repeat(unknown, 9), np.repeat(np.arange(60), 9)
    honest = auroc_estimate(copied, other, 0, ids, others)
    fooled = auroc_estimate(copied, other)
    assert (honest.low, honest.high) == pytest.approx((once.low, once.high))
    assert fooled.high - fooled.low < 0.5 * (once.high - once.low)


def test_interval_covers_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detection, "RESAMPLES", 200)
    rng = np.random.default_rng(5)
    truth, covered = 0.9, 0
    shift = NormalDist().inv_cdf(truth) * math.sqrt(2)
    for run in range(100):
        found = auroc_estimate(rng.normal(shift, 1, 30), rng.normal(0, 1, 20), run)
        covered += found.low <= truth <= found.high
    assert covered >= 92
