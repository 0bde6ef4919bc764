"""Calibration on held-out crops: the promised share of wrong answers, in made scores."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from known_oracles import played_unknown
from raresign.answers.fusion import Fusion
from raresign.answers.known_score import known_features
from raresign.answers.unknown_rule import UnknownRule, family_probabilities
from raresign.fitting.rules_fit import UNKNOWN_SHARE, HeldOut, calibrate_fusion, calibrate_unknown
from raresign.fitting.thresholds import threshold_for_loss

CLASSES = 6
FAMILIES = ("ring", "ring", "ring", "disc", "disc", "disc")
ACCEPTED = st.sampled_from([0.01, 0.05, 0.2, 0.6])


def made(seed: int, skill: float, frequent: int = 60, rare: int = 25) -> HeldOut:
    """Scores at random that favour the right class by `skill`; classes 4 and 5 play rare."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([rng.integers(0, 4, frequent), 4 + np.arange(rare) % 2])
    logits = rng.normal(size=(len(labels), CLASSES))
    cosines = rng.uniform(-0.3, 0.3, size=logits.shape)
    each = np.arange(len(labels))
    logits[each, labels] += skill * rng.uniform(0, 2, len(labels))
    cosines[each, labels] += 0.1 * skill * rng.uniform(0, 2, len(labels))
    return HeldOut(
        logits.astype(np.float32),
        np.clip(cosines, -1, 1).astype(np.float32),
        labels,
        each >= frequent,
        np.array([False] * 4 + [True] * 2),
    )


_ROUNDING = 1e-5
"""Of a score; the crop that sets a threshold may fall to either side of it here."""


def scored(held: HeldOut, fusion: Fusion, rule: UnknownRule) -> tuple[list[float], list[float]]:
    """Naive: how far each crop lies above the threshold, and each that plays unknown."""
    scores = fusion.scores(held.logits, held.cosines, held.rare)
    known, unknown = list[float](), list[float]()
    for n, label in enumerate(held.labels):
        for masked in (False, True):
            if masked and not held.plays_rare[n]:
                continue
            kept = [c for c in range(CLASSES) if not (masked and c == label)]
            p = np.exp(scores[n, kept].astype(float))
            facts = known_features([p / p.sum()], [held.cosines[n, kept]], [held.logits[n, kept]])
            score = rule.score.of(facts)[0]
            (unknown if masked else known).append(float(score) - rule.levels.class_threshold)
    return known, unknown


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.5, 6), ACCEPTED)
def test_share_of_wrong_answers(seed: int, skill: float, accepted: float) -> None:
    """Frequent and rare crops count half each of nine tenths, unknown ones a tenth.

    More are wrong only where the threshold spares nine tenths of the crops whose class is right.
    """
    held = made(seed, skill)
    fusion = Fusion(1.0, 5.0, 0.3)
    rule = calibrate_unknown(
        held,
        fusion,
        FAMILIES,
        np.ones(len(held.labels)),
        played_unknown(held, fusion, FAMILIES),
        accepted,
    )
    known, unknown = scored(held, fusion, rule)
    scores = held.logits + 5 * held.cosines + 0.3 * held.rare
    errors, spared = [], 0.0
    for slack in (-_ROUNDING, _ROUNDING):
        right = wrong = every = 0.0
        for n, above in enumerate(known):
            group = held.plays_rare == held.plays_rare[n]
            share = (1 - UNKNOWN_SHARE) / 2 / group.sum()
            weight = (above >= slack) * share
            if scores[n].argmax() == held.labels[n]:
                right += weight
                every += share
            else:
                wrong += weight
        wrong += UNKNOWN_SHARE * sum(above >= slack for above in unknown) / len(unknown)
        errors.append(wrong / (right + wrong) if right + wrong else 0.0)
        spared = max(spared, right / every if every else 0.0)
    useful = every >= (1 - UNKNOWN_SHARE) / 2 and spared >= 0.9
    assert min(errors) <= accepted + 1e-6 or useful
    if every > (1 - UNKNOWN_SHARE) / 2:
        assert spared >= 0.9 - 1e-6


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 400), st.sampled_from([0.005, 0.1, 0.3]), st.booleans())
def test_new_crops_miss_a_threshold_as_seldom_as_promised(
    count: int, lost: float, uneven: bool
) -> None:
    """Scores spread evenly in [0, 1], so a threshold is the share that misses it."""
    rng = np.random.default_rng(count)
    weights = rng.uniform(0.5, 1.5, count) if uneven else np.ones(count)
    found = [threshold_for_loss(rng.uniform(size=count), lost, weights, 0.0) for _ in range(300)]
    assert np.mean(np.array(found) > lost) < 0.2 + 0.08  # 3.5 standard deviations
    if count >= 100 and lost >= 0.1:
        assert np.mean(found) > 0.5 * lost


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1), max_size=40), st.sampled_from([0.01, 0.1, 0.5]), st.floats(0, 1))
def test_a_threshold_for_loss_is_low_enough(
    scores: list[float], lost: float, otherwise: float
) -> None:
    found = threshold_for_loss(scores, lost, np.ones(len(scores)), otherwise)
    assert sum(score < found for score in scores) <= lost * len(scores)
    assert found in {otherwise, *scores}
    heavier = threshold_for_loss(scores, lost, np.full(len(scores), 7.0), otherwise)
    assert heavier == found


@pytest.mark.parametrize("count", [10, 30, 60, 120])
@pytest.mark.parametrize("skill", [1.5, 2.5, 6.0])
def test_few_held_out_crops_still_give_names(count: int, skill: float) -> None:
    """However few: of new crops whose class is right nine tenths are named, most of the time."""
    named, right = list[float](), list[float]()
    for seed in range(12):
        held = made(seed, skill, frequent=count // 2, rare=count - count // 2)
        fusion = calibrate_fusion(held)
        rule = calibrate_unknown(
            held, fusion, FAMILIES, np.ones(count), played_unknown(held, fusion, FAMILIES)
        )
        new = made(1000 + seed, skill, frequent=300, rare=300)
        p = fusion.probabilities(new.logits, new.cosines, new.rare)
        known = rule.score.of(known_features(p, new.cosines, new.logits))
        hit = p.argmax(1) == new.labels
        right.append(float(hit.mean()))
        named.append(float((known >= rule.levels.class_threshold)[hit].mean()))
    assert np.mean(right) > 0.55
    assert np.mean(named) > 0.9
    assert np.median(named) > 0.9


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 400), ACCEPTED)
def test_real_signs_are_hardly_ever_no_sign(seed: int, count: int, accepted: float) -> None:
    """At most a tenth of the accepted error, even of a few crops."""
    held = made(seed, 3.0, frequent=count, rare=max(2, count // 3))
    sign = np.random.default_rng(seed).uniform(size=len(held.labels))
    rule = calibrate_unknown(
        held, Fusion(), FAMILIES, sign, played_unknown(held, Fusion(), FAMILIES), accepted
    )
    assert (sign < rule.levels.sign_threshold).sum() <= 0.1 * accepted * len(sign)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.5, 6), st.sampled_from([0.02, 0.05, 0.1]))
def test_share_of_wrong_families(seed: int, skill: float, accepted: float) -> None:
    """Of the crops that are not answered with a class."""
    held = made(seed, skill)
    fusion = Fusion()
    rule = calibrate_unknown(
        held,
        fusion,
        FAMILIES,
        np.ones(len(held.labels)),
        played_unknown(held, fusion, FAMILIES),
        accepted,
    )
    known, unknown = scored(held, fusion, rule)
    own = np.array(FAMILIES)[held.labels]
    above_of = iter(unknown)
    rows = []  # weight, right, distance to either threshold
    for n, label in enumerate(held.labels):
        group = held.plays_rare == held.plays_rare[n]
        cases = [(False, known[n], 0.9 / 2 / group.sum())]
        if held.plays_rare[n]:
            cases.append((True, next(above_of), UNKNOWN_SHARE / held.plays_rare.sum()))
        for masked, above, weight in cases:
            raised = np.exp(held.logits[n].astype(float))
            raised[label] *= not masked
            shares, names = family_probabilities([raised / raised.sum()], FAMILIES)
            if above < -_ROUNDING:
                right = names[shares.argmax()] == own[n]
                rows.append((weight, right, shares.max() - rule.levels.family_threshold))
    errors, last = [], 0.0
    for slack in (-_ROUNDING, _ROUNDING):
        passed = [(weight, right) for weight, right, above in rows if above >= slack]
        wrong = sum(weight for weight, right in passed if not right)
        total = sum(weight for weight, _ in passed)
        errors.append(wrong / total if passed else 0.0)
        last = max([last, *(weight / total for weight, _ in passed)])
    # A crop whose score is rounded to the threshold may stand on either side.
    assert min(errors) <= accepted + last


def test_more_accepted_error_answers_more() -> None:
    held = made(3, 2.0)
    sign = np.linspace(0, 1, len(held.labels))
    rules = [
        calibrate_unknown(
            held, Fusion(), FAMILIES, sign, played_unknown(held, Fusion(), FAMILIES), accepted
        )
        for accepted in (0.01, 0.03, 0.1, 0.3, 0.9)
    ]
    limits = [rule.levels.class_threshold for rule in rules]
    assert limits == sorted(limits, reverse=True)
    assert limits[0] > limits[-1]
    assert [rule.accepted_error for rule in rules] == [0.01, 0.03, 0.1, 0.3, 0.9]
    for rule in rules:
        assert UnknownRule.from_dict(asdict(rule)) == rule  # finite numbers only


def test_skill_is_worth_answers() -> None:
    """A better net answers more crops at the same accepted error."""
    shares = []
    for skill in (0.5, 3.0, 12.0):
        held = made(1, skill, frequent=200, rare=100)
        rule = calibrate_unknown(
            held, Fusion(), FAMILIES, np.ones(300), played_unknown(held, Fusion(), FAMILIES), 0.05
        )
        shares.append(np.mean(np.array(scored(held, Fusion(), rule)[0]) >= 0))
    assert shares[0] < shares[1] < shares[2]
    assert shares[2] > 0.8


def test_fusion_counts_rare_and_frequent_half_each() -> None:
    """Ten times the frequent crops change nothing: the same fusion comes out."""
    held = made(5, 1.5, frequent=30, rare=20)
    rows = np.concatenate([np.tile(np.arange(30), 10), np.arange(30, 50)])
    many = HeldOut(
        held.logits[rows], held.cosines[rows], held.labels[rows], held.plays_rare[rows], held.rare
    )
    one, other = calibrate_fusion(held), calibrate_fusion(many)
    assert asdict(one) == pytest.approx(asdict(other), rel=1e-3, abs=1e-3)
    alone = calibrate_fusion(held, ("logits",))
    assert alone.prototype_scale == alone.rare_bias == 0
