"""Unknown signs: who plays unknown, thresholds against naive scans, the levels, the rule."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresign.answers.unknown_rule import LEVELS, Levels, UnknownRule, family_probabilities
from raresign.fitting.known_score_fit import fit_known_score
from raresign.fitting.thresholds import threshold_for_error


def naive_threshold(score: Any, correct: Any, accepted: float, weights: Any) -> float:
    """Every score as the threshold, each counted from scratch."""
    fits = []
    for threshold in score:
        total = sum(w for s, w in zip(score, weights, strict=True) if s >= threshold)
        wrong = sum(
            w for s, c, w in zip(score, correct, weights, strict=True) if s >= threshold and not c
        )
        if wrong / total <= accepted:
            fits.append(threshold)
    return min(fits) if fits else math.nextafter(max(score), math.inf)


ROWS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.9, 1.0]), st.booleans(), st.integers(1, 4)),
    min_size=1,
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(ROWS, st.sampled_from([0.0, 0.05, 0.1, 0.25, 1 / 3, 0.5, 1.0]), st.booleans())
def test_threshold_equals_a_naive_scan(
    rows: list[tuple[float, bool, int]], accepted: float, weighted: bool
) -> None:
    score, correct, counts = zip(*rows, strict=True)
    weights = counts if weighted else (1,) * len(rows)
    found = threshold_for_error(score, correct, accepted, weights)
    assert found == naive_threshold(score, correct, accepted, weights)


@settings(max_examples=80, deadline=None)
@given(ROWS, st.floats(0, 1), st.floats(0, 1))
def test_threshold_falls_with_the_accepted_error_and_counts_as_repetition(
    rows: list[tuple[float, bool, int]], a: float, b: float
) -> None:
    score, correct, counts = zip(*rows, strict=True)
    strict, lenient = (threshold_for_error(score, correct, e, counts) for e in sorted((a, b)))
    assert lenient <= strict
    repeated = [(s, c) for s, c, n in rows for _ in range(n)]
    values, right = zip(*repeated, strict=True)
    assert threshold_for_error(values, right, max(a, b), [1] * len(values)) == lenient


def test_threshold_out_of_reach_answers_no_crop_even_in_float32() -> None:
    score = np.array([0.7, 0.9, 0.9], dtype=np.float32)
    threshold = threshold_for_error(score, [True, False, True], 0.1, [1] * 3)
    assert threshold > float(score.max())
    answers = Levels(threshold, 0.5, 0.5).answer(score, np.zeros(3), np.ones(3))
    assert answers.tolist() == [2, 2, 2]


def test_threshold_shares_that_are_just_met_count() -> None:
    # 0.29 * 100 is a hair below 29, 29 / 100 is not.
    right = [False] * 29 + [True] * 71
    assert threshold_for_error([0.5] * 100, right, 0.29, [1] * 100) == 0.5


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["ring", "disc", "plate"]), min_size=1, max_size=9))
def test_families_add_up(families: list[str]) -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(len(families)), 4)
    sums, names = family_probabilities(p, families)
    assert sorted(names) == sorted(set(families))
    for row, total in zip(p, sums, strict=True):
        for name, value in zip(names, total, strict=True):
            own = [v for v, family in zip(row, families, strict=True) if family == name]
            assert value == pytest.approx(sum(own))


def naive_level(levels: Levels, known: float, family: float, sign: float) -> str:
    if not sign >= levels.sign_threshold:
        return "none"
    if known >= levels.class_threshold:
        return "class"
    return "family" if family >= levels.family_threshold else "sign"


def test_levels_equal_the_rule_read_aloud_at_and_around_each_threshold() -> None:
    levels = Levels(0.9, 0.6, 0.3)
    grid = [0.0, 0.3, 0.6, 0.9, 1.0, math.nan, 0.2999, 0.5999, 0.8999]
    points = [(a, b, c) for a in grid for b in grid for c in grid]
    numbers = levels.answer(*np.array(points).T)
    assert numbers.dtype == np.int8
    assert [LEVELS[i] for i in numbers] == [naive_level(levels, *point) for point in points]


def a_rule() -> UnknownRule:
    features = np.random.default_rng(6).normal(size=(40, 5))
    return UnknownRule(fit_known_score(features, np.arange(40) < 20), Levels(0.91, 0.8, 0.5), 0.01)


def test_rule_survives_json_exactly() -> None:
    rule = a_rule()
    again = UnknownRule.from_dict(json.loads(json.dumps(asdict(rule), allow_nan=False)))
    assert again == rule


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("score", "mean", [1.0] * 4),
        ("score", "scale", [0.0] * 5),
        ("score", "coefficients", "wrong"),
        ("score", "intercept", None),
        ("levels", "sign_threshold", math.inf),
        ("levels", "class_threshold", "high"),
        (None, "accepted_error", 1.5),
        (None, "score", 3),
    ],
)
def test_rule_refuses_a_damaged_file(part: str | None, key: str, value: Any) -> None:
    plain = asdict(a_rule())
    (plain[part] if part else plain)[key] = value
    with pytest.raises((KeyError, TypeError, ValueError)):
        UnknownRule.from_dict(plain)
    del (plain[part] if part else plain)[key]
    with pytest.raises((KeyError, TypeError, ValueError)):
        UnknownRule.from_dict(plain)
