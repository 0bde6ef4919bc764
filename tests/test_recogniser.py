"""The recogniser: its answers against naive loops, what stays when classes come, its file."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from raresign.errors import InputError
from raresign.models import SignNet
from raresign.recognition import (
    LEVELS,
    AddedClass,
    Fusion,
    Outputs,
    PrototypeIndex,
    Recogniser,
    UnknownRule,
    net_outputs,
)
from raresign.recognition.known_score import KnownScore
from raresign.recognition.unknown import Levels

CLASSES, WIDTH = 6, 16
FAMILIES = ("ring", "disc", "ring", "plate", "disc", "plate")
RARE = np.array([False, True, False, True, False, False])
SCORE = KnownScore(
    (0.1, 0.2, 0.3, 0.4, 0.5), (1.0, 2.0, 1.0, 0.5, 1.5), (1.0, -0.5, 2, 1, 0.2), 0.3
)


def recogniser_of(net: SignNet, seed: int = 0, rule: bool = True) -> Recogniser:
    """A recogniser with made prototypes, some classes with more of them than others."""
    rng = np.random.default_rng(seed)
    labels = torch.tensor([0, 0, 0, 1, 2, 2, 3, 4, 4, 5])
    raw = torch.from_numpy(rng.normal(size=(len(labels), WIDTH)).astype(np.float32))
    sources = torch.tensor([0, 0, 1, 1, 0, 2, 0, 0, 2, 1])
    return Recogniser(
        net,
        FAMILIES,
        RARE,
        PrototypeIndex(raw, labels, sources, CLASSES),
        raw.norm(dim=1),
        Fusion(0.8, 6.0, 0.4),
        UnknownRule(SCORE, Levels(0.6, 0.5, 0.7), 0.05) if rule else None,
        rng.normal(size=WIDTH + 1).astype(np.float32) if rule else None,
    )


def outputs_of(net: SignNet, count: int, seed: int = 1) -> Outputs:
    """Embeddings at random and the logits that the net's classifier gives them."""
    embedding = np.random.default_rng(seed).normal(size=(count, WIDTH)).astype(np.float32)
    weight, bias = net.rows()
    logits = (torch.relu(torch.from_numpy(embedding)) @ weight.T + bias).numpy()
    return Outputs(logits, embedding, np.full(count, -1))


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


@pytest.mark.parametrize("later", [0, 2])
def test_judge_against_a_loop(new_net: Callable[[], SignNet], later: int) -> None:
    net = new_net().eval()
    recogniser = recogniser_of(net)
    new = [added_class(seed, "star") for seed in range(later)]
    given = outputs_of(net, 40)
    said = recogniser.with_classes(new).judge(given)
    rows = recogniser.index.embeddings.double().numpy()
    labels = recogniser.index.labels.numpy()
    families = [*FAMILIES, *["star"] * later]
    means = [rows[labels == label].mean(0) for label in range(CLASSES)]
    for one in new:
        unit = one.embedding.astype(float)
        means.append((unit / np.linalg.norm(unit, axis=1, keepdims=True)).mean(0))
    assert recogniser.no_sign is not None
    for n in range(40):
        embedding = given.embedding[n].astype(float)
        features = np.maximum(embedding, 0)  # the linear head multiplies the ReLU
        logits = [*given.logits[n].tolist(), *(one.row @ features + one.bias for one in new)]
        cosines = [cosine(embedding, mean) for mean in means]
        bias = [0.4 * (label >= CLASSES or RARE[label]) for label in range(len(families))]
        fused = [0.8 * a + 6 * b + c for a, b, c in zip(logits, cosines, bias, strict=True)]
        shares = softmax(fused)
        np.testing.assert_allclose(said.logits[n], logits, atol=1e-4)
        np.testing.assert_allclose(said.cosines[n], cosines, atol=1e-5)
        np.testing.assert_allclose(said.probabilities[n], shares, atol=1e-4)
        none = recogniser.no_sign[:-1] @ features + recogniser.no_sign[-1]
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


def test_later_classes_leave_earlier_scores_as_they_were(new_net: Callable[[], SignNet]) -> None:
    net = new_net()
    recogniser, given = recogniser_of(net), outputs_of(net, 30)
    before = recogniser.judge(given)
    for count in (1, 3, 40):
        bigger = recogniser.with_classes([added_class(seed) for seed in range(count)])
        after = bigger.judge(given)
        np.testing.assert_array_equal(after.logits[:, :CLASSES], before.logits)
        # Up to rounding: an index that grows normalises its rows once more.
        np.testing.assert_allclose(after.cosines[:, :CLASSES], before.cosines, atol=1e-6)
        assert len(bigger.families) == CLASSES + count
        assert bigger.rare[CLASSES:].all()
    again = recogniser.judge(given)  # nothing was changed in place
    np.testing.assert_array_equal(again.probabilities, before.probabilities)
    assert recogniser.with_classes([]) is recogniser


def test_classes_one_by_one_are_those_at_once(new_net: Callable[[], SignNet]) -> None:
    net = new_net()
    recogniser, given = recogniser_of(net), outputs_of(net, 20)
    new = [added_class(seed, f"family {seed}") for seed in range(3)]
    at_once = recogniser.with_classes(new)
    one_by_one = recogniser
    for one in new:
        one_by_one = one_by_one.with_classes([one])
    a, b = at_once.judge(given), one_by_one.judge(given)
    np.testing.assert_allclose(a.probabilities, b.probabilities, atol=1e-6)
    assert a.families == b.families
    np.testing.assert_allclose(at_once.index_features(), one_by_one.index_features(), atol=1e-5)


def test_index_features_are_those_of_the_embeddings(new_net: Callable[[], SignNet]) -> None:
    """The index keeps directions and the recogniser lengths, in the same order."""
    net = new_net()
    recogniser = recogniser_of(net)
    raw = [(recogniser.index.embeddings * recogniser.lengths[:, None]).numpy()]
    new = [added_class(seed) for seed in range(2)]
    raw += [one.embedding for one in new]
    bigger = recogniser.with_classes(new)
    expected = bigger.features(np.concatenate(raw))
    np.testing.assert_allclose(bigger.index_features(), expected, atol=1e-5)
    assert bigger.index.labels[-8:].tolist() == [CLASSES] * 4 + [CLASSES + 1] * 4
    assert bigger.index.sources[-4:].tolist() == [0, 0, 1, 2]


def test_classifier_rows_give_the_logits(new_net: Callable[[], SignNet]) -> None:
    net = new_net()
    bigger = recogniser_of(net).with_classes([added_class(5), added_class(6)])
    given = outputs_of(net, 10)
    weight, bias = bigger.classifier_rows()
    logits = bigger.features(given.embedding) @ weight.T + bias
    np.testing.assert_allclose(logits, bigger.judge(given).logits, atol=1e-5)


@pytest.mark.parametrize("rule", [True, False])
def test_state_round_trip(new_net: Callable[[], SignNet], rule: bool) -> None:
    net = new_net()
    recogniser, given = recogniser_of(net, rule=rule), outputs_of(net, 30)
    tensors, plain = recogniser.state()
    again = Recogniser.from_state(net, tensors, json.loads(json.dumps(plain)))
    a, b = recogniser.judge(given), again.judge(given)
    # The index keeps half precision on disk.
    np.testing.assert_allclose(a.probabilities, b.probabilities, atol=5e-3)
    np.testing.assert_array_equal(a.logits, b.logits)
    np.testing.assert_array_equal(a.sign, b.sign)
    np.testing.assert_array_equal(a.probabilities.argmax(1), b.probabilities.argmax(1))
    assert a.families == b.families
    twice = Recogniser.from_state(net, *again.state()).judge(given)
    np.testing.assert_allclose(b.probabilities, twice.probabilities, atol=5e-3)


def test_a_state_with_parts_missing_is_refused(new_net: Callable[[], SignNet]) -> None:
    net = new_net()
    tensors, plain = recogniser_of(net).state()
    for name in tensors:
        if name != "no_sign":
            rest = {key: value for key, value in tensors.items() if key != name}
            with pytest.raises((InputError, KeyError)):
                Recogniser.from_state(net, rest, plain)
    for key in plain:
        with pytest.raises((InputError, KeyError)):
            Recogniser.from_state(net, tensors, {k: v for k, v in plain.items() if k != key})


def test_plain_is_the_softmax_of_the_net(new_net: Callable[[], SignNet]) -> None:
    net = new_net()
    crops = np.random.default_rng(0).integers(0, 256, (7, 3, 32, 32), dtype=np.uint8)
    said = Recogniser.plain(net, FAMILIES, RARE).recognise(crops)
    with torch.no_grad():
        logits = net.eval()(torch.from_numpy(crops).float() / 255).logits
    np.testing.assert_allclose(said.probabilities, logits.softmax(1), atol=1e-5)
    assert said.level_names() == ["class"] * 7
    assert (said.known == 1).all()
    assert (said.sign == 1).all()


def test_no_crop_at_all(new_net: Callable[[], SignNet]) -> None:
    net = new_net()
    none = net_outputs(net, np.empty((0, 3, 32, 32), np.uint8))
    for recogniser in (recogniser_of(net), Recogniser.plain(net, FAMILIES, RARE)):
        for known in (recogniser, recogniser.with_classes([added_class(0)])):
            said = known.judge(none)
            assert said.probabilities.shape == (0, len(known.families))
            assert said.level_names() == []


def test_thresholds_are_read_as_levels(new_net: Callable[[], SignNet]) -> None:
    net = new_net()
    recogniser, given = recogniser_of(net), outputs_of(net, 25)
    for limits, name in (((0, 0, 0), "class"), ((2, 0, 0), "family"), ((2, 2, 0), "sign")):
        rule = UnknownRule(SCORE, Levels(*map(float, limits)), 0.05)
        assert set(replace(recogniser, rule=rule).judge(given).level_names()) == {name}
    never = replace(recogniser, rule=UnknownRule(SCORE, Levels(0.0, 0.0, 2.0), 0.05))
    assert set(never.judge(given).level_names()) == {LEVELS[3]}
