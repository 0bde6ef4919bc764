"""Errors-guided synthesis: a class is served by how often a net misses it, and no more."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from raresign.models import SignNet, SignOutput
from raresign.synthesis import Synthesiser, SyntheticBatch
from raresign.training import Stage, StageBatches, TrainingData
from raresign.training.errors_guided import servings_by_errors

CLASSES = 4


class LabelPainter:
    """Crops that show their label and serial number in pixels; it notes the numbers."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def render(self, labels: Tensor, numbers: Tensor, record: bool = False) -> SyntheticBatch:
        self.numbers += numbers.tolist()
        crops = torch.zeros(len(labels), 3, 2, 2)
        crops[:, 0] = labels[:, None, None] / 255
        crops[:, 1] = (numbers % 24)[:, None, None] / 255
        return SyntheticBatch(crops, labels, torch.ones_like(labels), len(labels))


class Reader(nn.Module):
    """Reads the label; takes a class of `misses` for the next one in that many of 24 crops."""

    def __init__(self, misses: dict[int, int]) -> None:
        super().__init__()
        self.anything = nn.Parameter(torch.zeros(1))
        self.misses, self.seen = misses, dict.fromkeys(range(CLASSES), 0)

    def forward(self, crops: Tensor) -> SignOutput:
        answers = []
        for label in (crops[:, 0, 0, 0] * 255).round().long().tolist():
            wrong = self.seen[label] < self.misses.get(label, 0)
            self.seen[label] += 1
            answers.append((label + wrong) % CLASSES)
        logits = nn.functional.one_hot(torch.tensor(answers), CLASSES).float()
        return SignOutput(logits + self.anything, logits)


def servings(misses: dict[int, int], power: float) -> tuple[list[int], LabelPainter, Reader]:
    net, painter = Reader(misses), LabelPainter()
    found = servings_by_errors(cast(SignNet, net), cast(Synthesiser, painter), CLASSES, power)
    assert found.dtype == torch.int64
    return found.tolist(), painter, net


@pytest.mark.parametrize("power", [0.0, 1.0, 8.0])
def test_a_net_that_is_always_right_changes_nothing(power: float) -> None:
    assert servings({}, power)[0] == [1] * CLASSES


def test_a_class_that_is_missed_is_served_more() -> None:
    assert servings({2: 24}, 4.0)[0] == [1, 1, 5, 1]
    # 1 + round(4 x errors / 24): 6 give 1, 12 give 2, 2 give 0.
    assert servings({0: 6, 1: 12, 3: 2}, 4.0)[0] == [2, 3, 1, 1]
    assert servings({2: 24}, 0.0)[0] == [1] * CLASSES


def test_its_crops_are_fresh_and_the_net_is_left_in_evaluation_mode() -> None:
    _, painter, net = servings({}, 1.0)
    assert len(set(painter.numbers)) == len(painter.numbers) == 24 * CLASSES
    assert min(painter.numbers) >= 1 << 40  # beyond any batch's crops
    assert not net.training
    assert net.anything.grad is None


def test_batches_serve_synthetic_labels_by_the_servings(training_data: TrainingData) -> None:
    stage = Stage(kind="synthetic", steps=9, synthetic=8)
    often = np.array([1, 1, 3, 1, 1, 1])
    batches = StageBatches(training_data, stage, 0, torch.device("cpu"), often)
    cast(Any, batches)._synthesisers = [LabelPainter()]
    labels = torch.cat([batches.batch(step).labels for step in range(4)])  # 4 rounds of 8
    assert torch.bincount(labels).tolist() == (4 * often).tolist()
