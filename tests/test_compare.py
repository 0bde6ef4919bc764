"""Paired comparisons: exact p values, pairing by path, verdicts, and several seeds."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresign.errors import InputError
from raresign.evaluation.compare import compare_predictions, mcnemar
from raresign.evaluation.intervals import paired_difference_interval, seeds_mean_interval
from raresign.evaluation.predictions import Predictions
from raresign.evaluation.seed_interval import seeds_interval

CODES, TYPES, FAMILIES = ("1.1", "1.2", "1.3"), ("freq", "rare", "freq"), ("a", "a", "b")


def answered(labels: Any, right: Any, **changed: Any) -> Predictions:
    """Predictions that are right exactly where `right` says so."""
    labels = np.asarray(labels)
    answers = np.where(right, labels, (labels + 1) % 3)
    fields: dict[str, Any] = {
        "paths": tuple(f"{i}.png" for i in range(len(labels))),
        "labels": labels,
        "probabilities": np.eye(3)[answers] * 0.7 + 0.1,
        "codes": CODES,
        "types": TYPES,
        "families": FAMILIES,
    }
    return Predictions(**{**fields, **changed})


def reordered(p: Predictions, order: Any) -> Predictions:
    paths = tuple(p.paths[i] for i in order)
    return Predictions(paths, p.labels[order], p.probabilities[order], CODES, TYPES, FAMILIES)


# Binomial tests against one half, by hand and from R (mcnemar.exact of exact2x2; Agresti's
# approval ratings 86 / 150; the table 59 / 121).
@pytest.mark.parametrize(
    ("b", "c", "p"),
    [
        (0, 0, 1.0),
        (4, 4, 1.0),
        (0, 1, 1.0),
        (0, 5, 0.0625),
        (0, 6, 0.03125),
        (1, 9, 0.021484375),
        (5, 15, 0.04138946533203125),
        (59, 121, 4.434e-06),
        (86, 150, 3.716e-05),
    ],
)
def test_mcnemar_golden(b: int, c: int, p: float) -> None:
    assert mcnemar(b, c) == pytest.approx(p, rel=2e-4)
    assert mcnemar(c, b) == mcnemar(b, c)


def test_mcnemar_refuses_negative_counts() -> None:
    with pytest.raises(ValueError, match="must"):
        mcnemar(-1, 3)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(0, 10_000))
def test_comparison_against_a_loop(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(-1, 3, n)
    right_a, right_b = rng.random(n) < 0.7, rng.random(n) < 0.5
    a, b = answered(labels, right_a), answered(labels, right_b)
    result = compare_predictions(a, reordered(b, rng.permutation(n)), seed=9)
    assert result.unlabelled == int((labels < 0).sum())
    for name in ("all", "rare", "freq"):
        group = result.group(name)
        rows = [
            i for i in range(n) if labels[i] >= 0 and (name == "all" or TYPES[labels[i]] == name)
        ]
        only_a = sum(bool(right_a[i] and not right_b[i]) for i in rows)
        only_b = sum(bool(right_b[i] and not right_a[i]) for i in rows)
        assert (group.crops, group.only_a, group.only_b) == (len(rows), only_a, only_b)
        if not rows:
            assert math.isnan(group.difference)
            assert math.isnan(group.p)
            kind = "labelled" if name == "all" else name
            assert group.verdict == f"no {kind} crops to compare"
            continue
        assert group.recall_a == pytest.approx(np.mean([right_a[i] for i in rows]))
        assert group.recall_b == pytest.approx(np.mean([right_b[i] for i in rows]))
        assert group.difference == pytest.approx(group.recall_a - group.recall_b)
        assert group.p == mcnemar(only_a, only_b)
        expected = paired_difference_interval(only_a, only_b, len(rows), 9)
        assert (group.low, group.high) == expected
    json.dumps(result.as_dict(), allow_nan=False)


def test_verdicts() -> None:
    labels = np.array([1] * 165 + [0] * 300)
    weak, strong = np.ones(465, bool), np.ones(465, bool)
    weak[:25] = False  # 25 rare crops that only the strong run knows, 5 the other way round
    strong[25:30] = False
    a, b = answered(labels, strong), answered(labels, weak)
    forward, backward = compare_predictions(a, b), compare_predictions(b, a)
    assert forward.rare.verdict.startswith("A is better on rare: +12.1 points [")
    assert backward.rare.verdict.startswith("B is better on rare: +12.1 points [")
    assert "p < 0.001 (165 crops)" in forward.rare.verdict
    assert backward.rare.difference == -forward.rare.difference
    assert forward.freq.verdict.startswith("no difference shown on freq: +0.0 points [-0")
    assert forward.verdict.splitlines() == [
        forward.all.verdict,
        forward.rare.verdict,
        forward.freq.verdict,
    ]
    assert compare_predictions(a, a).rare.verdict.startswith("no difference shown on rare")
    # 16 against 6: the interval leaves 0 out, the exact test says p = 0.052. Both must agree.
    strong[:], weak[:] = True, True
    weak[:16], strong[16:22] = False, False
    near = compare_predictions(answered(labels, strong), answered(labels, weak)).rare
    assert near.low > 0
    assert near.p == pytest.approx(0.0525, abs=1e-4)
    assert near.verdict.startswith("no difference shown on rare: +6.1 points")


def test_the_verdict_seldom_errs_where_there_is_no_difference() -> None:
    rng = np.random.default_rng(0)
    false_alarms = 0
    for trial in range(300):
        right = rng.random((2, 165)) < 0.6
        labels = np.ones(165, int)
        result = compare_predictions(answered(labels, right[0]), answered(labels, right[1]), trial)
        false_alarms += "better" in result.rare.verdict
    assert false_alarms <= 0.07 * 300


def test_crops_that_do_not_match_are_counted() -> None:
    a = answered([0, 1, 2], True)
    b = answered([0, 1], True, paths=("0.png", "other.png"))
    message = r"2 of 3 stand only in A, 1 of 2 only in B, such as 1\.png"
    with pytest.raises(InputError, match=message):
        compare_predictions(a, b)


def test_labels_and_types_must_agree() -> None:
    a = answered([0, 1, 2], True)
    with pytest.raises(InputError, match=r"1 of 3 .* 1\.png is 1\.2 \(rare\) in A and 1\.3 \(fre"):
        compare_predictions(a, answered([0, 2, 2], True))
    with pytest.raises(InputError, match=r"2\.png is 1\.3 \(freq\) in A and unknown in B"):
        compare_predictions(a, answered([0, 1, -1], True))
    with pytest.raises(InputError, match=r"1\.1 \(freq\) in A and 1\.1 \(rare\) in B"):
        compare_predictions(a, answered([0, 1, 2], True, types=("rare", "rare", "freq")))


def test_a_catalogue_in_another_order_is_the_same_catalogue() -> None:
    a = answered([0, 1, 2], [True, True, False])
    turned = Predictions(
        a.paths, 2 - a.labels, a.probabilities[:, ::-1], CODES[::-1], TYPES[::-1], FAMILIES[::-1]
    )
    result = compare_predictions(a, turned)
    assert (result.all.only_a, result.all.only_b) == (0, 0)


def test_a_frame_with_several_signs_is_paired_in_order() -> None:
    paths = ("f.png", "f.png", "g.png")
    a = answered([0, 1, 2], [True, False, True], paths=paths)
    b = answered([2, 0, 1], [True, True, True], paths=("g.png", "f.png", "f.png"))
    result = compare_predictions(a, b)
    assert (result.all.only_a, result.all.only_b, result.rare.only_b) == (0, 1, 1)


def test_no_crops_at_all() -> None:
    empty = answered(np.zeros(0, int), True)
    assert compare_predictions(empty, empty).all.verdict == "no labelled crops to compare"
    assert math.isnan(seeds_interval([empty, empty])["all"].mean)


def test_seeds_against_loops() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(-1, 3, 90)
    right = rng.random((4, 90)) < 0.7
    runs = [reordered(answered(labels, row), rng.permutation(90)) for row in right]
    by_crops = seeds_interval(runs, seed=2)
    for name in ("all", "rare", "freq"):
        rows = [
            i for i in range(90) if labels[i] >= 0 and (name == "all" or TYPES[labels[i]] == name)
        ]
        recalls = [sum(bool(row[i]) for i in rows) / len(rows) for row in right]
        mean = sum(recalls) / 4
        spread = math.sqrt(sum((recall - mean) ** 2 for recall in recalls) / 3)
        summary = by_crops[name]
        assert summary.mean == pytest.approx(mean)
        assert summary.spread == pytest.approx(spread)
        assert (summary.n, summary.crops) == (4, len(rows))
        assert 0 <= summary.low < mean < summary.high <= 1
        crop_means = [sum(bool(row[i]) for row in right) / 4 for i in rows]
        expected = seeds_mean_interval(crop_means, recalls, 2)
        assert (by_crops[name].low, by_crops[name].high) == pytest.approx(expected, abs=0.02)


def test_one_seed_has_no_spread_and_rubbish_is_refused() -> None:
    run = answered([0, 1, 2, 1], [True, False, True, True])
    summary = seeds_interval([run])["rare"]
    assert math.isnan(summary.spread)
    assert summary.as_dict()["spread"] is None
    assert 0 <= summary.low < 0.5 < summary.high <= 1
    with pytest.raises(InputError, match="no runs"):
        seeds_interval([])
    other = answered([0, 1, 2], True)
    with pytest.raises(InputError, match="only in run 0, 0 of 3 only in run 1"):
        seeds_interval([run, other])
