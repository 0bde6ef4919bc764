"""The hard gate of the literature: its features, its two steps, what it learns."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax

from raresign.answers.fusion import Fusion
from raresign.errors import InputError
from raresign.lab.hard_gate import HardGate, fit_hard_gate, gate_features
from score_tables import RARE, drawn, scores_of


def test_gate_features_are_the_loop() -> None:
    logits, cosines = scores_of(4, 6)
    got = gate_features(logits, cosines, RARE)
    for i in range(6):
        p = softmax(logits[i]).tolist()
        near = cosines[i].tolist()
        entropy = -sum(value * math.log(value) for value in p)
        row = [max(p[:3]), max(p[3:]), max(near[:3]), max(near[3:]), entropy]
        assert got[i].tolist() == pytest.approx(row)


class Says:
    """A judge that always says the same."""

    def __init__(self, probability: float) -> None:
        self.row = [1 - probability, probability]

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        assert features.shape[1] == 5
        return np.tile(self.row, (len(features), 1))


def test_gate_answers_by_prototypes_or_by_softmax_of_its_type_only() -> None:
    logits, cosines = scores_of(5, 200)
    always = HardGate(Says(0.9)).predict(logits, cosines, RARE)
    never = HardGate(Says(0.1)).predict(logits, cosines, RARE)
    assert always.tolist() == [3 + int(row[3:].argmax()) for row in cosines]
    assert never.tolist() == [int(row[:3].argmax()) for row in logits]


@pytest.mark.parametrize("kind", ["forest", "logistic"])
def test_gate_learns_rare_from_frequent_on_crops_that_it_has_not_seen(kind: Any) -> None:
    logits, cosines = scores_of(6, 1200)
    labels = drawn(Fusion(0.5, 8.0).probabilities(logits, cosines, RARE), 6)
    gate = fit_hard_gate(logits[:800], cosines[:800], labels[:800], RARE, kind=kind)
    rare = RARE[labels][800:]
    said = gate.rare_probability(logits[800:], cosines[800:], RARE)
    by_chance = max(rare.mean(), 1 - rare.mean())
    assert ((said > 0.5) == rare).mean() > by_chance + 0.1
    assert said.mean() == pytest.approx(rare.mean(), abs=0.05)
    again = fit_hard_gate(logits[:800], cosines[:800], labels[:800], RARE, kind=kind)
    assert (again.rare_probability(logits[800:], cosines[800:], RARE) == said).all()


def test_gate_refuses_one_type() -> None:
    logits, cosines = scores_of(8, 3)
    with pytest.raises(InputError, match="all crops"):
        fit_hard_gate(logits, cosines, np.array([0, 1, 2]), RARE)
    with pytest.raises(InputError, match="all classes"):
        gate_features(logits, cosines, np.zeros(5, bool))
