"""A few photos lift their class: it is recognised, and other classes keep their crops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from raresign.answers.fusion import Fusion
from raresign.answers.head import Head
from raresign.answers.prototypes import PrototypeIndex
from raresign.fitting.photo_lifts import MOST_LOST_EACH, fit_lift, lost_shift

CLASSES, WIDTH, NOISE = 12, 24, 0.35
PHOTO_OF = 3


class World:
    """Signs as directions; a camera that moves every real crop; class 3 really looks like 4."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.directions = np.eye(CLASSES, WIDTH) * 3 + 1.0
        self.camera = np.zeros(WIDTH)
        self.camera[CLASSES : CLASSES + 4] = 1.5
        self.looks = self.directions.copy()
        self.looks[PHOTO_OF] = 0.3 * self.directions[PHOTO_OF] + 0.75 * self.directions[4]
        self.looks[PHOTO_OF, CLASSES + 6] += 2.0  # what only photos show

    def crops(self, label: int, count: int, real: bool) -> np.ndarray:
        mean = self.looks[label] + self.camera if real else self.directions[label]
        noise = self.random.normal(0, NOISE, (count, WIDTH))
        return (mean + noise).astype(np.float32)

    def head(self) -> Head:
        drawn = np.concatenate([self.crops(label, 32, False) for label in range(CLASSES)])
        labels = np.repeat(np.arange(CLASSES), 32)
        index = PrototypeIndex(drawn, labels, np.zeros(len(labels), int), CLASSES)
        rows = (self.directions - self.directions.mean(0)).astype(np.float32)
        lengths = np.linalg.norm(drawn, axis=1)
        biases = np.zeros(CLASSES, np.float32)
        rare = np.zeros(CLASSES, bool)
        return Head(rows, biases, ("x",) * CLASSES, rare, index, lengths, Fusion(0.8, 10.0, 0.5))


def recall(head: Head, crops: np.ndarray, label: int) -> float:
    return float((head.judge(crops).probabilities.argmax(1) == label).mean())


@pytest.mark.parametrize("seed", range(4))
def test_few_photos_help_and_others_keep_theirs(seed: int) -> None:
    world = World(seed)
    head = world.head()
    tests = [world.crops(label, 60, True) for label in range(CLASSES)]
    photos = world.crops(PHOTO_OF, 10, True)
    before = [recall(head, tests[label], label) for label in range(CLASSES)]
    assert before[PHOTO_OF] < 0.3, "or there is nothing to learn"
    gains = []
    for count in (1, 3, 10):
        lift = fit_lift(head, PHOTO_OF, photos[:count])
        helped = head.with_photos(PHOTO_OF, photos[:count], lift)
        after = [recall(helped, tests[label], label) for label in range(CLASSES)]
        gains.append(after[PHOTO_OF])
        lost = [before[k] - after[k] for k in range(CLASSES) if k != PHOTO_OF]
        assert max(lost) <= MOST_LOST_EACH + 0.05
        others = np.arange(CLASSES) != PHOTO_OF
        scores = helped.scores(tests[0]), head.scores(tests[0])
        np.testing.assert_allclose(scores[0][:, others], scores[1][:, others], atol=1e-5)
        synthetic = head.index.embeddings * head.lengths[:, None]
        right = head.judge(synthetic).probabilities.argmax(1) == head.index.labels
        still = helped.judge(synthetic).probabilities.argmax(1) == head.index.labels
        for k in np.flatnonzero(others):
            own = right & (head.index.labels == k)
            assert (own & ~still).sum() <= max(1, MOST_LOST_EACH * own.sum() + 1e-9)
    assert gains[-1] > 0.9
    assert gains[0] > before[PHOTO_OF]
    named = head.with_photos(PHOTO_OF, photos, fit_lift(head, PHOTO_OF, photos))
    assert recall(named, photos, PHOTO_OF) == 1.0, "the very photos"


@pytest.mark.parametrize("fusion", [Fusion(0.0, 12.0, 0.0), Fusion(1.0, 0.0, 0.0)])
def test_helps_whichever_part_answers(fusion: Fusion) -> None:
    world = World(0)
    head = replace(world.head(), fusion=fusion)
    photos, tests = world.crops(PHOTO_OF, 5, True), world.crops(PHOTO_OF, 60, True)
    helped = head.with_photos(PHOTO_OF, photos, fit_lift(head, PHOTO_OF, photos))
    assert recall(helped, tests, PHOTO_OF) > max(0.6, recall(head, tests, PHOTO_OF))


def test_photos_of_another_sign_take_no_class() -> None:
    """The worst a user can do: photos of class 4 under the code of class 3."""
    world = World(0)
    head = world.head()
    wrong = world.crops(4, 10, True)
    helped = head.with_photos(PHOTO_OF, wrong, fit_lift(head, PHOTO_OF, wrong))
    for k in set(range(CLASSES)) - {PHOTO_OF, 4}:
        crops = world.crops(k, 40, True)
        assert recall(helped, crops, k) >= recall(head, crops, k) - MOST_LOST_EACH
    drawn = world.crops(4, 200, False)
    assert recall(helped, drawn, 4) >= recall(head, drawn, 4) - 0.15


def test_shift_bounds_each_class() -> None:
    random = np.random.default_rng(0)
    margin, classes = random.normal(-1, 1, 4000), random.integers(0, 5, 4000)
    margin[classes == 2] += 2
    left = margin + lost_shift(margin, classes) > 0
    assert left.sum() <= 0.002 * len(margin)
    assert lost_shift(margin - 100, classes) == 0
    few = np.array([5.0, 4.0, -1.0])
    assert (few + lost_shift(few, np.zeros(3, int)) > 0).sum() == 1
