"""The joined rule: loops, optimality against near rules, recovery."""

from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresign.answers.fusion import Fusion
from raresign.errors import InputError
from raresign.fitting.fusion_fit import PARTS, balanced_weights, fit_fusion
from score_tables import RARE, drawn, scores_of

EXAMPLES = settings(max_examples=25, deadline=None)


def objective(
    values: tuple[float, float, float],
    logits: np.ndarray,
    cosines: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    home: float = 1.0,
) -> float:
    """What `fit_fusion` minimises, crop by crop."""
    a, b, r = values
    total = 0.0
    for i, label in enumerate(labels.tolist()):
        row = [
            a * float(logits[i, c]) + b * float(cosines[i, c]) + r * float(RARE[c])
            for c in range(5)
        ]
        top = max(row)
        log_sum = top + math.log(sum(math.exp(score - top) for score in row))
        total += float(weights[i]) * (log_sum - row[label])
    ridge = 1e-4 * ((a - home) ** 2 + (b / 10) ** 2 + r**2)
    return total / float(weights.sum()) + ridge


@EXAMPLES
@given(
    seed=st.integers(0, 10**6),
    a=st.floats(0, 3),
    b=st.floats(0, 30),
    r=st.floats(-4, 4),
)
def test_scores_are_the_loop(seed: int, a: float, b: float, r: float) -> None:
    logits, cosines = scores_of(seed, 3)
    fusion = Fusion(a, b, r)
    scores = fusion.scores(logits, cosines, RARE)
    p = fusion.probabilities(logits, cosines, RARE)
    for i in range(3):
        row = [
            float(a * logits[i, c] + b * cosines[i, c] + (r if RARE[c] else 0)) for c in range(5)
        ]
        assert scores[i].tolist() == pytest.approx(row)
        exp = [math.exp(score - max(row)) for score in row]
        assert p[i].tolist() == pytest.approx([e / sum(exp) for e in exp], abs=1e-12)


def test_half_precision_is_widened() -> None:
    p = Fusion(1.0, 5.0, 0.5).probabilities(
        np.ones((1, 5), np.float16), np.ones((1, 5), np.float32), RARE
    )
    assert p.dtype == np.float32


@EXAMPLES
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 12),
    parts=st.sets(st.sampled_from(PARTS), min_size=1),
)
def test_no_allowed_neighbour_is_better(seed: int, n: int, parts: set[str]) -> None:
    """The problem is convex, so a point that no small allowed step improves is the minimum."""
    logits, cosines = scores_of(seed, n)
    rng = np.random.default_rng(seed + 1)
    labels = rng.integers(0, 5, n)
    weights = rng.random(n) + 0.1
    found = fit_fusion(logits, cosines, labels, RARE, weights, parts)
    best = (found.logit_scale, found.prototype_scale, found.rare_bias)
    home = 0.0 if "logits" not in parts and "prototypes" in parts else 1.0
    for place, (name, default) in enumerate(zip(PARTS, (home, 0.0, 0.0), strict=True)):
        assert name in parts or best[place] == default
    least = objective(best, logits, cosines, labels, weights, home)
    for step in rng.normal(size=(30, 3)) * [0.02, 0.2, 0.02]:
        moved = [
            value + (float(step[i]) if name in parts else 0.0)
            for i, (name, value) in enumerate(zip(PARTS, best, strict=True))
        ]
        near = (max(moved[0], 0.0), max(moved[1], 0.0), moved[2])
        assert objective(near, logits, cosines, labels, weights, home) >= least - 1e-10


def test_the_true_rule_is_found_again() -> None:
    logits, cosines = scores_of(0, 20_000)
    true = Fusion(0.5, 6.0, 1.5)
    labels = drawn(true.probabilities(logits, cosines, RARE), 0)
    found = fit_fusion(logits, cosines, labels, RARE)
    assert found.logit_scale == pytest.approx(0.5, abs=0.03)
    assert found.prototype_scale == pytest.approx(6.0, abs=0.3)
    assert found.rare_bias == pytest.approx(1.5, abs=0.1)


def test_a_scale_that_would_be_negative_is_0() -> None:
    logits, cosines = scores_of(1, 2_000)
    labels = drawn(Fusion(0.7).probabilities(logits, cosines, RARE), 1)
    turned = fit_fusion(-logits, cosines, labels, RARE)
    assert turned.logit_scale == 0.0
    both = fit_fusion(-logits, -logits / 9, labels, RARE)
    assert (both.logit_scale, both.prototype_scale) == (0.0, 0.0)
    alone = fit_fusion(-logits, cosines, labels, RARE, parts=["logits"])
    assert alone == Fusion(0.0, 0.0, 0.0)


def test_faultless_crops_give_a_finite_rule_and_hard_scores_no_nan() -> None:
    labels = np.tile(np.arange(5), 20)
    right = np.eye(5)[labels]
    for logits in (right, right * 1e3, -right * 1e3):
        found = fit_fusion(logits, right, labels, RARE)
        assert all(math.isfinite(value) for value in asdict(found).values())
    assert (
        fit_fusion(right, right, labels, RARE).probabilities(right, right, RARE).argmax(1).tolist()
        == labels.tolist()
    )


def test_calibration_matches_the_rare_share() -> None:
    """With a free bias the mean probability of the rare type equals its share (score equation)."""
    logits, cosines = scores_of(2, 3_000)
    labels = drawn(Fusion(1.0, 2.0, 2.0).probabilities(logits, cosines, RARE), 2)
    p = fit_fusion(logits, cosines, labels, RARE).probabilities(logits, cosines, RARE)
    share = RARE[labels].mean()
    assert float(p[:, RARE].sum(1).mean()) == pytest.approx(float(share), abs=2e-3)


def test_weights_count_as_copies_and_unlabelled_crops_do_not_count() -> None:
    logits, cosines = scores_of(3, 60)
    labels = drawn(Fusion(0.4, 3.0).probabilities(logits, cosines, RARE), 3)
    times = np.arange(60) % 4
    copied = [np.repeat(values, times, axis=0) for values in (logits, cosines, labels)]
    a = fit_fusion(logits, cosines, labels, RARE, times * 7.0)
    b = fit_fusion(*copied, RARE)
    c = fit_fusion(logits, cosines, np.where(times > 0, labels, -1), RARE, times)
    for other in (b, c):
        assert asdict(other) == pytest.approx(asdict(a), abs=1e-5)


@EXAMPLES
@given(rows=st.lists(st.tuples(st.integers(-1, 4), st.booleans()), max_size=30))
def test_balanced_weights_give_each_group_half(rows: list[tuple[int, bool]]) -> None:
    labels = np.array([label for label, _ in rows], np.int64)
    rare = np.array([flag for _, flag in rows], bool)
    weights = balanced_weights(labels, rare).tolist()
    groups = {
        flag: sum(label >= 0 and kind == flag for label, kind in rows) for flag in (False, True)
    }
    present = sum(count > 0 for count in groups.values())
    for (label, flag), weight in zip(rows, weights, strict=True):
        right = 1 / groups[flag] / present if label >= 0 else 0.0
        assert weight == pytest.approx(right, rel=1e-5)


def test_wrong_input_is_refused() -> None:
    logits, cosines = scores_of(0, 4)
    labels = np.array([0, 1, 2, 3])
    for scale in (-0.1, math.nan, math.inf):
        with pytest.raises(InputError, match="scales of at least 0"):
            Fusion(scale)
    with pytest.raises(InputError, match="\\(C,\\) bool"):
        Fusion().scores(logits, cosines, RARE.astype(float))
    with pytest.raises(InputError, match="\\(N, C\\)"):
        fit_fusion(logits, cosines[:, :1], labels, RARE)
    with pytest.raises(InputError, match="no crop counts"):
        fit_fusion(logits, cosines, labels - labels - 1, RARE)
    with pytest.raises(InputError, match="not finite"):
        fit_fusion(logits * np.inf, cosines, labels, RARE)
