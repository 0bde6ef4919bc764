"""The head: its answers against naive loops, what stays when classes come, its state."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import special

from raresign.answers import numerics
from raresign.answers.added_class import AddedClass
from raresign.answers.fusion import Fusion
from raresign.answers.head import Head
from raresign.answers.head_state import head_from_state, state_of_head
from raresign.answers.known_score import KnownScore
from raresign.answers.prototypes import PrototypeIndex
from raresign.answers.unknown_rule import LEVELS, Levels, UnknownRule
from raresign.errors import InputError

CLASSES, WIDTH = 6, 16
FAMILIES = ("ring", "disc", "ring", "plate", "disc", "plate")
RARE = np.array([False, True, False, True, False, False])
SCORE = KnownScore(
    (0.1, 0.2, 0.3, 0.4, 0.5), (1.0, 2.0, 1.0, 0.5, 1.5), (1.0, -0.5, 2, 1, 0.2), 0.3
)


def made_head(seed: int = 0, rule: bool = True) -> Head:
    """A head with made rows and prototypes, some classes with more of them than others."""
    rng = np.random.default_rng(seed)
    labels = np.array([0, 0, 0, 1, 2, 2, 3, 4, 4, 5])
    raw = rng.normal(size=(len(labels), WIDTH)).astype(np.float32)
    sources = np.array([0, 0, 1, 1, 0, 2, 0, 0, 2, 1])
    return Head(
        rng.normal(size=(CLASSES, WIDTH)).astype(np.float32),
        rng.normal(size=CLASSES).astype(np.float32),
        FAMILIES,
        RARE,
        PrototypeIndex(raw, labels, sources, CLASSES),
        np.linalg.norm(raw, axis=1),
        Fusion(0.8, 6.0, 0.4),
        UnknownRule(SCORE, Levels(0.6, 0.5, 0.7), 0.05) if rule else None,
        rng.normal(size=WIDTH + 1).astype(np.float32) if rule else None,
    )


def embeddings(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, WIDTH)).astype(np.float32)


def added_class(seed: int, family: str = "ring") -> AddedClass:
    rng = np.random.default_rng(seed)
    return AddedClass(
        family,
        rng.normal(size=WIDTH).astype(np.float32),
        float(rng.normal()),
        rng.normal(size=(4, WIDTH)).astype(np.float32),
        np.array([0, 0, 1, 2], np.uint8),
    )


def softmax(scores: list[float]) -> list[float]:
    top = max(scores)
    raised = [math.exp(score - top) for score in scores]
    return [value / sum(raised) for value in raised]


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def test_softmax_logsumexp_and_sigmoid_are_those_of_scipy() -> None:
    scores = np.random.default_rng(0).normal(size=(50, 205)).astype(np.float32) * 20
    for table in (scores, scores.astype(float), scores * 40):
        np.testing.assert_allclose(numerics.softmax(table), special.softmax(table, 1), atol=1e-6)
        exact = special.logsumexp(table.astype(float), axis=1)
        np.testing.assert_allclose(numerics.log_sum_exp(table), exact, rtol=1e-6)
        np.testing.assert_allclose(numerics.sigmoid(table), special.expit(table), atol=1e-6)


@pytest.mark.parametrize("added", [0, 2])
def test_judge_against_a_loop(added: int) -> None:
    head = made_head()
    new = [added_class(seed, "star") for seed in range(added)]
    given = embeddings(40)
    said = head.with_classes(new).judge(given)
    rows = head.index.embeddings.astype(float)
    labels = head.index.labels
    families = [*FAMILIES, *["star"] * added]
    means = [rows[labels == label].mean(0) for label in range(CLASSES)]
    for one in new:
        unit = one.embedding.astype(float)
        means.append((unit / np.linalg.norm(unit, axis=1, keepdims=True)).mean(0))
    assert head.no_sign is not None
    for n in range(40):
        embedding = given[n].astype(float)
        features = np.maximum(embedding, 0)
        logits = [float(r @ features + b) for r, b in zip(head.rows, head.biases, strict=True)]
        logits += [float(one.row @ features + one.bias) for one in new]
        cosines = [cosine(embedding, mean) for mean in means]
        bias = [0.4 * (label >= CLASSES or RARE[label]) for label in range(len(families))]
        fused = [0.8 * a + 6 * b + c for a, b, c in zip(logits, cosines, bias, strict=True)]
        shares = softmax(fused)
        np.testing.assert_allclose(said.logits[n], logits, atol=1e-4)
        np.testing.assert_allclose(said.cosines[n], cosines, atol=1e-5)
        np.testing.assert_allclose(said.probabilities[n], shares, atol=1e-4)
        none = head.no_sign[:-1] @ features + head.no_sign[-1]
        sign = 1 - softmax([*logits, float(none)])[-1]
        assert said.sign[n] == pytest.approx(sign, abs=1e-5)
        of_family = {
            name: sum(s for s, own in zip(shares, families, strict=True) if own == name)
            for name in families
        }
        family = max(of_family, key=lambda name: of_family[name])
        assert said.families[said.family[n]] == family
        assert said.family_confidence[n] == pytest.approx(of_family[family], abs=1e-4)
        order = sorted(range(len(shares)), key=lambda label: -shares[label])
        best, second = (math.log(shares[label]) for label in order[:2])
        facts = [best, best - second, max(cosines), cosines[order[0]]]
        facts.append(math.log(sum(math.exp(logit) for logit in logits)))
        pull = SCORE.intercept + sum(
            w * (x - m) / s
            for w, x, m, s in zip(SCORE.coefficients, facts, SCORE.mean, SCORE.scale, strict=True)
        )
        known = 1 / (1 + math.exp(-pull))
        assert said.known[n] == pytest.approx(known, abs=1e-4)
        if min(abs(known - 0.6), abs(of_family[family] - 0.5), abs(sign - 0.7)) > 1e-3:
            level = "class" if known >= 0.6 else "family" if of_family[family] >= 0.5 else "sign"
            assert said.level_names()[n] == ("none" if sign < 0.7 else level)
    assert len(set(said.level_names())) > 2, "the thresholds decide nothing here"


def test_added_classes_leave_earlier_scores_as_they_were() -> None:
    head, given = made_head(), embeddings(30)
    before = head.judge(given)
    for count in (1, 3, 40):
        bigger = head.with_classes([added_class(seed) for seed in range(count)])
        after = bigger.judge(given)
        np.testing.assert_allclose(after.logits[:, :CLASSES], before.logits, atol=1e-5)
        # Up to rounding: an index that grows normalises its rows once more.
        np.testing.assert_allclose(after.cosines[:, :CLASSES], before.cosines, atol=1e-6)
        assert len(bigger.families) == CLASSES + count
        assert bigger.rare[CLASSES:].all()
    again = head.judge(given)  # nothing was changed in place
    np.testing.assert_array_equal(again.probabilities, before.probabilities)
    assert head.with_classes([]) is head


def test_classes_one_by_one_are_those_at_once() -> None:
    head, given = made_head(), embeddings(20)
    new = [added_class(seed, f"family {seed}") for seed in range(3)]
    at_once = head.with_classes(new)
    one_by_one = head
    for one in new:
        one_by_one = one_by_one.with_classes([one])
    a, b = at_once.judge(given), one_by_one.judge(given)
    np.testing.assert_allclose(a.probabilities, b.probabilities, atol=1e-6)
    assert a.families == b.families
    np.testing.assert_allclose(at_once.index_features(), one_by_one.index_features(), atol=1e-5)


def test_index_features_are_those_of_the_embeddings() -> None:
    """The index keeps directions and the head lengths, in the same order."""
    head = made_head()
    raw = [head.index.embeddings * head.lengths[:, None]]
    new = [added_class(seed) for seed in range(2)]
    raw += [one.embedding for one in new]
    bigger = head.with_classes(new)
    expected = bigger.features(np.concatenate(raw))
    np.testing.assert_allclose(bigger.index_features(), expected, atol=1e-5)
    assert bigger.index.labels[-8:].tolist() == [CLASSES] * 4 + [CLASSES + 1] * 4
    assert bigger.index.sources[-4:].tolist() == [0, 0, 1, 2]


@pytest.mark.parametrize("rule", [True, False])
def test_state_round_trip(rule: bool) -> None:
    head, given = made_head(rule=rule), embeddings(30)
    tensors, plain = state_of_head(head)
    again = head_from_state(head.rows, head.biases, tensors, json.loads(json.dumps(plain)))
    a, b = head.judge(given), again.judge(given)
    # The index keeps half precision on disk.
    np.testing.assert_allclose(a.probabilities, b.probabilities, atol=5e-3)
    np.testing.assert_array_equal(a.logits, b.logits)
    np.testing.assert_array_equal(a.sign, b.sign)
    np.testing.assert_array_equal(a.probabilities.argmax(1), b.probabilities.argmax(1))
    assert a.families == b.families
    twice = head_from_state(head.rows, head.biases, *state_of_head(again)).judge(given)
    np.testing.assert_allclose(b.probabilities, twice.probabilities, atol=5e-3)


def test_a_state_with_parts_missing_is_refused() -> None:
    head = made_head()
    tensors, plain = state_of_head(head)
    for name in {*tensors, *plain} - {"no_sign"}:
        parts = [{k: v for k, v in part.items() if k != name} for part in (tensors, plain)]
        with pytest.raises(KeyError):
            head_from_state(head.rows, head.biases, *parts)


def test_plain_is_the_softmax_of_the_rows() -> None:
    head, given = made_head(), embeddings(7)
    said = Head.plain(head.rows, head.biases, FAMILIES, RARE).judge(given)
    for row, features in zip(said.probabilities, np.maximum(given, 0), strict=True):
        logits = (head.rows @ features + head.biases).tolist()
        np.testing.assert_allclose(row, softmax(logits), atol=1e-5)
    assert said.level_names() == ["class"] * 7
    assert (said.known == 1).all()
    assert (said.sign == 1).all()


def test_no_crop_at_all() -> None:
    whole = made_head()
    for head in (whole, Head.plain(whole.rows, whole.biases, FAMILIES, RARE)):
        for known in (head, head.with_classes([added_class(0)])):
            said = known.judge(embeddings(0))
            assert said.probabilities.shape == (0, len(known.families))
            assert said.level_names() == []


def test_what_does_not_belong_together_is_refused() -> None:
    head = made_head()
    with pytest.raises(InputError, match="belong together"):
        replace(head, rows=head.rows[1:])
    with pytest.raises(InputError, match="belong together"):
        replace(head, families=head.families[1:])
    with pytest.raises(InputError, match=r"give \(N, 16\)"):
        head.judge(np.zeros((3, 15), np.float32))
    with pytest.raises(InputError, match="not finite"):
        head.judge(np.full((1, WIDTH), np.nan, np.float32))


def test_thresholds_are_read_as_levels() -> None:
    head, given = made_head(), embeddings(25)
    for limits, name in (((0, 0, 0), "class"), ((2, 0, 0), "family"), ((2, 2, 0), "sign")):
        rule = UnknownRule(SCORE, Levels(*map(float, limits)), 0.05)
        assert set(replace(head, rule=rule).judge(given).level_names()) == {name}
    never = replace(head, rule=UnknownRule(SCORE, Levels(0.0, 0.0, 2.0), 0.05))
    assert set(never.judge(given).level_names()) == {LEVELS[3]}
