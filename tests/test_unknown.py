"""Unknown signs: features and thresholds against naive loops, the fit, the levels, the rule."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresign.errors import InputError
from raresign.recognition.unknown import (
    LEVELS,
    KnownScore,
    Levels,
    UnknownRule,
    energy,
    family_probabilities,
    fit_known_score,
    known_features,
    known_score,
    mask_class,
    max_cosine,
    max_probability,
    play_unknown,
    threshold_for_error,
)


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


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 8), st.integers(2, 6), st.integers(0, 999))
def test_features_and_baselines_equal_a_loop_over_crops(n: int, classes: int, seed: int) -> None:
    logits, cosines, _ = crops(n, classes, seed)
    p = np.array([softmax(row) for row in logits])
    expected = [naive_features(*row) for row in zip(p, cosines, logits, strict=True)]
    assert known_features(p, cosines, logits) == pytest.approx(np.array(expected))
    assert max_probability(p).tolist() == [max(row) for row in p]
    assert max_cosine(cosines).tolist() == [max(row) for row in cosines]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_energy_is_liu_s_formula_and_survives_large_logits(temperature: float) -> None:
    row = [1.0, -2.0, 0.5]
    expected = temperature * math.log(sum(math.exp(v / temperature) for v in row))
    assert energy([row], temperature)[0] == pytest.approx(expected)
    assert energy([[5000.0, -5000.0]], temperature)[0] == pytest.approx(5000.0)


def test_a_probability_that_underflows_stays_finite() -> None:
    features = known_features([[1.0, 0.0]], [[0.1, 0.2]], [[900.0, -900.0]])
    assert np.isfinite(features).all()
    assert features[0, 1] == pytest.approx(-math.log(1e-12))


@pytest.mark.parametrize("bad", [[[math.nan, 1.0]], [[1.0]], [0.5, 0.5]])
def test_features_refuse_wrong_tables(bad: Any) -> None:
    with pytest.raises(InputError):
        known_features(bad, bad, bad)
    with pytest.raises(InputError):
        known_features([[0.5, 0.5]], [[0.5, 0.5, 0.5]], [[0.5, 0.5]])


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


def test_known_score_is_of_the_features() -> None:
    logits, cosines, _ = crops(6, 4, 5)
    p = np.array([softmax(row) for row in logits])
    weights = KnownScore((0.1,) * 5, (2.0,) * 5, (1.0, -1.0, 0.5, 2.0, 0.1), 0.3)
    features = known_features(p, cosines, logits)
    expected = []
    for row in features:
        logit = 0.3 + sum(w * (v - 0.1) / 2 for w, v in zip(weights.coefficients, row, strict=True))
        expected.append(1 / (1 + math.exp(-logit)))
    assert known_score(p, cosines, logits, weights).tolist() == pytest.approx(expected)


def test_fit_refuses_one_kind_and_wrong_shapes() -> None:
    rows, known = clouds(5, 5, 1.0, seed=4)
    for bad_rows, bad_known, ridge in [
        (rows, np.ones(10, bool), 1e-3),
        (rows, known[:9], 1e-3),
        (rows[:, :4], known, 1e-3),
        (rows, known, 0.0),
    ]:
        with pytest.raises(InputError):
            fit_known_score(bad_rows, bad_known, ridge)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.integers(3, 6), st.integers(0, 999), st.booleans())
def test_play_unknown_equals_a_loop_over_crops(
    n: int, classes: int, seed: int, fused: bool
) -> None:
    logits, cosines, labels = crops(n, classes, seed)
    scores = 0.5 * logits + 3 * cosines if fused else logits
    chosen = [0, classes - 1]
    played = play_unknown(logits, cosines, labels, chosen, scores if fused else None)
    rows = [i for i in range(n) if labels[i] in chosen]
    assert played.rows.tolist() == rows
    assert played.features.shape == (len(rows), 5)
    for i, features, probabilities in zip(rows, played.features, played.probabilities, strict=True):
        others = [c for c in range(classes) if c != labels[i]]
        p = softmax(scores[i, others])
        assert features == pytest.approx(naive_features(p, cosines[i, others], logits[i, others]))
        assert probabilities[others] == pytest.approx(p)
        assert probabilities[labels[i]] == 0


def test_the_masked_class_leaves_no_trace_even_where_it_was_certain() -> None:
    logits, cosines, _ = crops(4, 5, 7)
    certain, near = logits.copy(), cosines.copy()
    certain[:, 2], near[:, 2] = 2000.0, 1.0
    one, two = (play_unknown(a, b, [2] * 4, [2]) for a, b in ((logits, cosines), (certain, near)))
    assert (one.features == two.features).all()
    assert two.probabilities.sum(axis=1) == pytest.approx(1)


def test_masking_drops_the_column_of_both_and_refuses_a_wrong_label() -> None:
    logits, cosines, _ = crops(3, 4, 8)
    a, b = mask_class(logits, cosines, 3)
    assert a.tolist() == logits[:, :3].tolist()
    assert b.tolist() == cosines[:, :3].tolist()
    for label in (-1, 4):
        with pytest.raises(InputError):
            mask_class(logits, cosines, label)
        with pytest.raises(InputError):
            play_unknown(logits, cosines, [0, 1, 2], [label])


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
    found = threshold_for_error(score, correct, accepted, weights if weighted else None)
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
    assert threshold_for_error(values, right, max(a, b)) == lenient


def test_threshold_out_of_reach_answers_no_crop_even_in_float32() -> None:
    score = np.array([0.7, 0.9, 0.9], dtype=np.float32)
    threshold = threshold_for_error(score, [True, False, True], 0.1)
    assert threshold > float(score.max())
    answers = Levels(threshold, 0.5, 0.5).answer(score, np.zeros(3), np.ones(3))
    assert answers.tolist() == [2, 2, 2]


def test_threshold_shares_that_are_just_met_count() -> None:
    # 0.29 * 100 is a hair below 29, 29 / 100 is not.
    assert threshold_for_error([0.5] * 100, [False] * 29 + [True] * 71, 0.29) == 0.5


def test_threshold_leaves_out_crops_of_weight_zero() -> None:
    assert threshold_for_error([0.9, 0.8, 0.1], [False, True, True], 0.0, [0, 1, 0]) == 0.8


@pytest.mark.parametrize(
    ("score", "correct", "accepted", "weights"),
    [
        ([], [], 0.1, None),
        ([0.1], [True, False], 0.1, None),
        ([math.nan], [True], 0.1, None),
        ([0.1], [True], 1.5, None),
        ([0.1], [True], math.nan, None),
        ([0.1], [True], 0.1, [-1.0]),
        ([0.1], [True], 0.1, [0.0]),
    ],
)
def test_threshold_refuses(score: Any, correct: Any, accepted: float, weights: Any) -> None:
    with pytest.raises(InputError):
        threshold_for_error(score, correct, accepted, weights)


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
    with pytest.raises(InputError):
        family_probabilities(p, [*families, "ring"])


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
    with pytest.raises(InputError):
        levels.answer([0.5], [0.5, 0.5], [0.5])


def a_rule() -> UnknownRule:
    rows, known = clouds(20, 20, 1.0, seed=6)
    return UnknownRule(fit_known_score(rows, known), Levels(0.91, 0.8, 0.5), 0.01)


def test_rule_survives_json_exactly() -> None:
    rule = a_rule()
    again = UnknownRule.from_dict(json.loads(json.dumps(rule.as_dict(), allow_nan=False)))
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
    plain = a_rule().as_dict()
    (plain[part] if part else plain)[key] = value
    with pytest.raises(InputError, match="save the run again"):
        UnknownRule.from_dict(plain)
    del (plain[part] if part else plain)[key]
    with pytest.raises(InputError, match="save the run again"):
        UnknownRule.from_dict(plain)
