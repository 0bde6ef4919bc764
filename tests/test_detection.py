"""Detection figures against naive loops over pairs and thresholds; the bootstrap by simulation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresign.errors import InputError
from raresign.evaluation.detection import (
    accuracy_coverage,
    area_under_risk_coverage,
    auroc,
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


def test_scores_that_are_not_finite_are_refused() -> None:
    bad = [math.nan, 1.0]
    for call in (auroc, fpr_at_tpr):
        with pytest.raises(InputError):
            call(bad, [1.0])
        with pytest.raises(InputError):
            call([1.0], bad)
    with pytest.raises(InputError):
        accuracy_coverage(bad, [True, True])
