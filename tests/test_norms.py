"""Separate norms: real crops see only themselves, and the finished net remembers only them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from raresign.models import SignNet
from raresign.training import Stage, TrainingData
from raresign.training.batches import StageBatch
from raresign.training.module import StageModule

NewNet = Callable[[], SignNet]


def module_of(net: SignNet, data: TrainingData, separate: bool) -> StageModule:
    stage = Stage(kind="mixed", steps=1, real=5, synthetic=3, separate_norms=separate)
    return StageModule(net, stage, data, 0).train()


def batch_of(real: int, made: int) -> StageBatch:
    """Real crops are dark, made ones light: statistics that mix them show at once."""
    torch.manual_seed(5)
    crops = torch.cat([torch.rand(real, 3, 32, 32) * 0.3, 0.7 + torch.rand(made, 3, 32, 32) * 0.3])
    every = torch.arange(real + made)
    return StageBatch(crops, every % 6, every >= real)


def statistics(net: SignNet) -> dict[str, Tensor]:
    kept = ("running_mean", "running_var", "num_batches_tracked")
    return {name: value.clone() for name, value in net.state_dict().items() if name.endswith(kept)}


def test_each_part_is_normalised_alone_and_only_real_crops_are_remembered(
    training_data: TrainingData, new_net: NewNet
) -> None:
    batch = batch_of(5, 3)
    net, real_only, made_only = new_net(), new_net().train(), new_net().train()
    first = statistics(net)
    output = module_of(net, training_data, separate=True)._output(batch)
    real, made = real_only(batch.crops[:5]), made_only(batch.crops[5:])
    for own, other in (
        (output.logits, torch.cat([real.logits, made.logits])),
        (output.embedding, torch.cat([real.embedding, made.embedding])),
    ):
        torch.testing.assert_close(own, other)
    after, expected = statistics(net), statistics(real_only)
    assert len(after) > 3
    for name, value in after.items():
        torch.testing.assert_close(value, expected[name], msg=name)
        assert not torch.equal(value, first[name]), name


def test_gradients_come_from_both_parts(training_data: TrainingData, new_net: NewNet) -> None:
    batch = batch_of(5, 3)
    net, other = new_net(), new_net().train()
    module_of(net, training_data, separate=True)._output(batch).logits.square().sum().backward()
    for part in (batch.crops[:5], batch.crops[5:]):
        other(part).logits.square().sum().backward()
    for (name, own), expected in zip(net.named_parameters(), other.parameters(), strict=True):
        assert own.grad is not None
        assert expected.grad is not None
        torch.testing.assert_close(own.grad, expected.grad, rtol=1e-3, atol=1e-4, msg=name)


@pytest.mark.parametrize(("real", "made", "separate"), [(5, 3, False), (6, 0, True), (0, 6, True)])
def test_without_two_kinds_or_the_setting_all_crops_are_one_batch(
    training_data: TrainingData, new_net: NewNet, real: int, made: int, separate: bool
) -> None:
    batch = batch_of(real, made)
    net, plain = new_net(), new_net().train()
    output = module_of(net, training_data, separate)._output(batch)
    assert torch.equal(output.logits, plain(batch.crops).logits)
    expected = statistics(plain)
    assert all(torch.equal(value, expected[name]) for name, value in statistics(net).items())
