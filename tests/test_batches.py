"""Batches: a pure function of the step, with the right labels on the right crops."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.synthesis.batch import SyntheticBatch
from raresign.training.batches import StageBatches
from raresign.training.stage import Stage
from raresign.training.training_data import TrainingData, split_crops

CPU = torch.device("cpu")
PRETRAIN = {"kind": "pretrain", "real": 64, "augment": False}


def batches(data: TrainingData, number: int = 0, **settings: Any) -> StageBatches:
    return StageBatches(data, Stage(steps=9, **settings), number, CPU)


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "pretrain", "real": 6},
        {"kind": "synthetic", "synthetic": 3},
        {"kind": "mixed", "real": 4, "synthetic": 2},
        {"kind": "metric", "balanced": {"classes": 3, "items": 2}},
    ],
    ids=lambda settings: settings["kind"],
)
class TestEveryKind:
    def test_batch_is_a_pure_function_of_the_step(
        self, training_data: TrainingData, settings: dict[str, Any]
    ) -> None:
        one, other = batches(training_data, **settings), batches(training_data, **settings)
        other.batch(5)  # the other has served another step before
        for step in (1, 0):
            for a, b in zip(one.batch(step), other.batch(step), strict=True):
                assert torch.equal(a, b)

    def test_shape_and_range(self, training_data: TrainingData, settings: dict[str, Any]) -> None:
        made = batches(training_data, **settings)
        crops, labels, _ = made.batch(1)
        assert crops.shape == (made.stage.batch, 3, training_data.size, training_data.size)
        assert crops.dtype == torch.float32
        assert labels.dtype == torch.int64
        assert 0 <= crops.min() <= crops.max() <= 1
        assert 0 <= labels.min() <= labels.max() < len(training_data.catalogue)

    def test_steps_and_stages_differ(
        self, training_data: TrainingData, settings: dict[str, Any]
    ) -> None:
        first = batches(training_data, **settings)
        second = batches(training_data, number=1, **settings)
        assert not torch.equal(first.batch(0)[0], first.batch(1)[0])
        assert not torch.equal(first.batch(0)[0], second.batch(0)[0])


def sources(data: TrainingData, crops: Tensor) -> tuple[list[int], list[bool]]:
    """For each crop the index of the real crop that it is, and whether it was mirrored."""
    known = data.crops.float().div(255)
    rows, mirrored = [], []
    for crop in crops:
        as_it_is = (known - crop).abs().amax((1, 2, 3))
        flipped = (known.flip(3) - crop).abs().amax((1, 2, 3))
        mirrored.append(bool(flipped.min() < as_it_is.min()))
        best = flipped if mirrored[-1] else as_it_is
        assert best.min() == 0
        rows.append(int(best.argmin()))
    return rows, mirrored


def test_twins_are_mirrored_with_their_label(
    training_data: TrainingData, catalogue: SignCatalogue
) -> None:
    left, right = catalogue.label_of("1.11.1"), catalogue.label_of("1.11.2")
    straight = catalogue.label_of("4.1.1")
    crops, labels, _ = batches(training_data, hold_out=False, **PRETRAIN).batch(0)
    seen = set()
    for row, flip, label in zip(*sources(training_data, crops), labels.tolist(), strict=True):
        own = int(training_data.labels[row])
        seen.add((own, flip))
        if own == left:
            assert label == (right if flip else left)
        else:
            assert label == own
            assert not flip or own == straight
    assert {(left, True), (left, False), (straight, True), (straight, False)} <= seen
    lettered = catalogue.label_of("2.5")
    assert (lettered, False) in seen


def test_half_of_what_can_be_mirrored_is(
    training_data: TrainingData, catalogue: SignCatalogue
) -> None:
    made = batches(training_data, hold_out=False, **{**PRETRAIN, "real": 128})
    crops, _, _ = made.batch(0)
    rows, mirrored = sources(training_data, crops)
    straight = catalogue.label_of("4.1.1")
    of_it = [
        m for row, m in zip(rows, mirrored, strict=True) if training_data.labels[row] == straight
    ]
    assert 0.3 < np.mean(of_it) < 0.7


def test_blind_flips_keep_the_label(training_data: TrainingData) -> None:
    crops, labels, _ = batches(training_data, hold_out=False, flips="blind", **PRETRAIN).batch(0)
    rows, mirrored = sources(training_data, crops)
    assert labels.tolist() == training_data.labels[rows].tolist()
    for label in set(labels.tolist()):
        own = [m for m, its in zip(mirrored, labels.tolist(), strict=True) if its == label]
        assert 0 < sum(own) < len(own)


def test_no_flips(training_data: TrainingData) -> None:
    crops, labels, _ = batches(training_data, hold_out=False, flips="none", **PRETRAIN).batch(0)
    rows, mirrored = sources(training_data, crops)
    assert not any(mirrored)
    assert labels.tolist() == training_data.labels[rows].tolist()


@pytest.mark.parametrize("flips", ["none", "twin", "blind"])
def test_held_out_crops_never_train(training_data: TrainingData, flips: str) -> None:
    made = batches(training_data, hold_out=True, flips=flips, **PRETRAIN)
    served = {row for step in range(4) for row in sources(training_data, made.batch(step)[0])[0]}
    split = training_data.split
    assert len(split.validation)
    assert len(split.pseudo_rare)
    assert served == set(split.training.tolist())
    assert not served & {*split.validation.tolist(), *split.pseudo_rare.tolist()}


def test_without_hold_out_all_crops_train(training_data: TrainingData) -> None:
    made = batches(training_data, hold_out=False, **PRETRAIN)
    served = {row for step in range(4) for row in sources(training_data, made.batch(step)[0])[0]}
    assert served == set(range(len(training_data.labels)))


def test_unknown_crops_never_train(training_data: TrainingData) -> None:
    labels = training_data.labels.clone()
    labels[::3] = -1
    split = split_crops(
        training_data.crops.numpy(), labels.numpy(), training_data.catalogue, 0.0, 0.0, seed=0
    )
    data = replace(training_data, labels=labels, split=split)
    for hold_out in (True, False):
        made = batches(data, hold_out=hold_out, **PRETRAIN)
        for step in range(2):
            crops, its, _ = made.batch(step)
            assert its.min() >= 0
            assert (labels[sources(data, crops)[0]] >= 0).all()


def test_split_of_crops(training_data: TrainingData) -> None:
    split, labels = training_data.split, training_data.labels.numpy()
    together = np.concatenate([split.training, split.validation, split.pseudo_rare])
    assert sorted(together.tolist()) == list(range(len(labels)))
    assert set(labels[split.pseudo_rare]) == set(split.pseudo_rare_labels)
    frequent = set(training_data.catalogue.labels_of_type("freq"))
    assert set(split.pseudo_rare_labels) < frequent
    assert set(labels[split.training]) == frequent - set(split.pseudo_rare_labels)


def test_balanced_serves_every_class_equally_often(training_data: TrainingData) -> None:
    classes = len(training_data.catalogue)
    made = batches(training_data, kind="metric", balanced={"classes": 3, "items": 2})
    labels = torch.cat([made.batch(step)[1] for step in range(4)])
    # Mirrored twins count where they came from: 1.11.2 only gains what 1.11.1 loses.
    counts = torch.bincount(labels, minlength=classes)
    assert counts.sum() == 24
    assert counts.min() >= 1
    still = batches(training_data, kind="metric", flips="none", balanced={"classes": 3, "items": 2})
    labels = torch.cat([still.batch(step)[1] for step in range(4)])
    assert torch.bincount(labels, minlength=classes).tolist() == [4] * classes


def test_balanced_draws_what_is_held_out_only_made(training_data: TrainingData) -> None:
    made = batches(
        training_data,
        kind="metric",
        augment=False,
        flips="none",
        balanced={"classes": 6, "items": 4},
    )
    crops, labels, _ = made.batch(0)
    known = training_data.crops.float().div(255)
    real = torch.tensor([bool((known == crop).flatten(1).all(1).any()) for crop in crops])
    trained = set(training_data.labels[training_data.split.training].tolist())
    for label in range(len(training_data.catalogue)):
        share = real[labels == label].float().mean()
        assert share == 0 if label not in trained else 0 < share < 1
    assert made.drawn >= int((~real).sum())


def test_more_classes_than_there_are(training_data: TrainingData) -> None:
    made = batches(training_data, kind="metric", balanced={"classes": 32, "items": 2})
    crops, labels, _ = made.batch(0)
    assert len(crops) == len(labels) == 2 * len(training_data.catalogue)


def test_synthetic_crops_serve_rare_classes_too(training_data: TrainingData) -> None:
    made = batches(training_data, kind="synthetic", synthetic=6)
    labels = torch.cat([made.batch(step)[1] for step in range(2)])
    assert torch.bincount(labels).tolist() == [2] * len(training_data.catalogue)
    assert made.drawn >= 12
    assert made.refused >= 0


def test_augmentation_changes_pixels_not_labels(training_data: TrainingData) -> None:
    plain = batches(training_data, **PRETRAIN).batch(0)
    jittered = batches(training_data, **{**PRETRAIN, "augment": True}).batch(0)
    assert torch.equal(plain[1], jittered[1])
    assert not torch.equal(plain[0], jittered[0])


def test_copies_share_the_data(training_data: TrainingData) -> None:
    """Averaging copies the module; the data set must not double."""
    from copy import deepcopy

    assert deepcopy(training_data) is training_data


class Blank:
    """A synthesiser of black crops: labels are all that counts here."""

    def render(self, labels: Tensor, numbers: Tensor, record: bool = False) -> SyntheticBatch:
        return SyntheticBatch(
            torch.zeros(len(labels), 3, 32, 32), labels, torch.ones_like(labels), len(labels)
        )


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "mixed", "real": 16, "synthetic": 7, "flips": "twin"},
        {"kind": "mixed", "real": 16, "synthetic": 7, "flips": "none", "real_power": 1.0},
        {"kind": "mixed", "real": 16, "synthetic": 7, "flips": "blind", "real_power": 0.0},
        {"kind": "mixed", "balanced": {"classes": 4, "items": 4}, "flips": "twin"},
        {"kind": "metric", "balanced": {"classes": 6, "items": 3}, "flips": "none"},
    ],
)
def test_priors_are_the_shares_of_the_batches_that_are_served(
    training_data: TrainingData, catalogue: SignCatalogue, settings: dict[str, Any]
) -> None:
    """Mirrored crops count for the label that they then carry."""
    labels = training_data.labels.clone()
    few = (labels == catalogue.label_of("2.5")).nonzero().squeeze(1)
    labels[few[2:]] = -1  # 2 crops of it, 8 of the other three frequent classes
    data = replace(training_data, labels=labels)
    stage = Stage(steps=360, hold_out=False, augment=False, **settings)
    made = StageBatches(data, stage, 0, CPU)
    for part in made.made:
        part.engine = Blank()
    served = torch.zeros(2, len(catalogue), dtype=torch.int64)
    for step in range(stage.steps):
        batch = made.batch(step)
        served.index_put_((batch.synthetic.long(), batch.labels), torch.tensor(1), accumulate=True)
    priors = made.priors()
    shares = served / served.sum(1, keepdim=True)
    # At least 3,000 real crops, half of one class's mirrored by chance: a standard error of 0.005.
    torch.testing.assert_close(priors, shares, atol=0.02, rtol=0)
    assert ((priors == 0) == (served == 0)).all()
    torch.testing.assert_close(priors.sum(1), torch.ones(2))


def test_a_domain_that_is_not_served_has_an_even_prior(training_data: TrainingData) -> None:
    made = batches(training_data, kind="synthetic", synthetic=4)
    nothing = replace(training_data, labels=torch.full_like(training_data.labels, -1))
    alone = batches(nothing, kind="synthetic", synthetic=4, hold_out=False)
    assert alone.priors()[0].tolist() == pytest.approx([1 / 6] * 6)
    assert made.priors()[1].tolist() == pytest.approx([1 / 6] * 6)


def test_weaker_priors_lie_between_the_served_shares_and_even_ones(
    training_data: TrainingData,
) -> None:
    settings: dict[str, Any] = {"kind": "mixed", "real": 4, "synthetic": 4, "prior": "domain"}
    whole = batches(training_data, **settings).priors()
    half = batches(training_data, **settings, prior_strength=0.5).priors()
    torch.testing.assert_close(half, 0.5 * whole + 0.5 / 6)
    assert (half > 0).all()
    assert (whole[0] == 0).any()


def test_crops_are_the_same_however_many_steps_are_rendered_ahead(
    training_data: TrainingData,
) -> None:
    stage = Stage(kind="mixed", real=2, synthetic=3, steps=10)
    far, one, three = (StageBatches(training_data, stage, 0, CPU) for _ in range(3))
    assert far.ahead > stage.steps
    one.ahead, three.ahead = 1, 3
    for step in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 4, 0]:  # back again, as a resumed run comes
        expected = one.batch(step).crops
        torch.testing.assert_close(far.batch(step).crops, expected, atol=1e-5, rtol=0)
        torch.testing.assert_close(three.batch(step).crops, expected, atol=1e-5, rtol=0)
