"""Adversarial refinement: against naive loops, in its box, and without a trace in the net."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from raresign.models import SignNet
from raresign.training import Stage, TrainingData
from raresign.training.adversarial import frozen_statistics, refine
from raresign.training.batches import StageBatch
from raresign.training.module import StageModule


def bowl(centre: Tensor) -> Callable[[Tensor], Tensor]:
    """A convex loss: steps along the sign of its slope can only raise it."""
    return lambda x: (x - centre).pow(4).sum()


def naive_refine(crop: list[float], centre: list[float], steps: int, reach: float) -> list[float]:
    """The docstring, pixel by pixel, for the loss of `bowl`."""
    moved = list(crop)
    for _ in range(steps):
        for i, (x, c) in enumerate(zip(moved, centre, strict=True)):
            slope = 4 * (x - c) ** 3
            sign = (slope > 0) - (slope < 0)
            step = x + 1.25 * reach / steps * sign
            moved[i] = min(max(step, crop[i] - reach, 0.0), crop[i] + reach, 1.0)
    return moved


@settings(max_examples=40, deadline=None)
@given(
    steps=st.integers(1, 6), reach=st.sampled_from([0.004, 0.05, 0.6]), seed=st.integers(0, 2**20)
)
def test_refine_equals_a_loop_and_raises_the_loss_in_its_box(
    steps: int, reach: float, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    crops, centre = torch.rand(2, 2, 3, 2, 2, generator=generator, dtype=torch.float64)
    crops[0, 0] = torch.tensor([[0.0, 1.0], [0.5, 0.001]])  # at the walls
    harder = refine(crops, bowl(centre), steps, reach)
    expected = naive_refine(crops.flatten().tolist(), centre.flatten().tolist(), steps, reach)
    assert harder.flatten().tolist() == pytest.approx(expected, abs=1e-12)
    assert (harder - crops).abs().max() <= reach + 1e-12
    assert 0 <= harder.min() <= harder.max() <= 1
    assert bowl(centre)(harder) > bowl(centre)(crops)
    assert not harder.requires_grad


def test_refine_leaves_its_crops_alone_even_where_gradients_are_off() -> None:
    crops = torch.rand(2, 3, 4, 4)
    before = crops.clone()
    refine(crops, lambda x: x.square().sum(), 3, 0.1)
    assert torch.equal(crops, before)
    assert not crops.requires_grad


class TwoNorms(nn.Module):
    """One norm that trains and one that is frozen; the first keeps a plain average."""

    def __init__(self) -> None:
        super().__init__()
        self.average = nn.BatchNorm2d(3, momentum=None)
        self.usual = nn.BatchNorm2d(3, momentum=0.3)
        self.frozen = nn.BatchNorm2d(3, momentum=0.2).eval()

    def forward(self, crops: Tensor) -> Tensor:
        return self.frozen(self.usual(self.average(crops)))  # type: ignore[no-any-return]


def state_of(net: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in net.state_dict().items()}


@pytest.mark.parametrize("raises", [False, True])
def test_frozen_statistics_leave_no_trace(raises: bool) -> None:
    torch.manual_seed(0)
    net = TwoNorms()
    net(torch.rand(4, 3, 5, 5))
    before, counter = state_of(net), net.average.num_batches_tracked
    crops = torch.rand(4, 3, 5, 5) + 3
    try:
        with frozen_statistics(net):
            made = net(crops)
            if raises:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    after = state_of(net)
    assert {name for name in before if not torch.equal(before[name], after[name])} == set()
    assert [net.average.momentum, net.usual.momentum, net.frozen.momentum] == [None, 0.3, 0.2]
    assert net.average.num_batches_tracked is counter  # the very tensor: the state is bound
    assert torch.equal(made, net(crops))  # by the batch's own statistics, as ever in training
    moved = state_of(net)
    assert not torch.equal(before["usual.running_mean"], moved["usual.running_mean"])
    assert moved["usual.num_batches_tracked"] == before["usual.num_batches_tracked"] + 1


def test_frozen_statistics_of_a_norm_without_any() -> None:
    norm = nn.BatchNorm2d(3, track_running_stats=False)
    with frozen_statistics(norm):
        norm(torch.rand(2, 3, 4, 4))
    assert norm.num_batches_tracked is None


@pytest.mark.parametrize(
    ("share", "reach", "changed"), [(0.5, 4.0, 2), (1.0, 0.1, 4), (0.1, 4.0, 0)]
)
def test_a_share_of_the_synthetic_crops_is_refined_and_the_net_stays(
    training_data: TrainingData,
    new_net: Callable[[], SignNet],
    share: float,
    reach: float,
    changed: int,
) -> None:
    settings: dict[str, Any] = {"steps": 2, "reach": reach, "share": share}
    stage = Stage(kind="mixed", steps=1, real=3, synthetic=4, adversarial=settings)
    module = StageModule(new_net(), stage, training_data, 0).train()
    torch.manual_seed(1)
    batch = StageBatch(torch.rand(7, 3, 32, 32), torch.arange(7) % 6, torch.arange(7) >= 3)
    before = state_of(module)
    harder = module._refined(batch)
    assert {name for name, value in state_of(module).items() if not value.equal(before[name])} == (
        set()
    )
    assert all(parameter.grad is None for parameter in module.parameters())
    moved = (harder.crops - batch.crops).abs().amax((1, 2, 3))
    assert (moved > 0).tolist() == [False] * (7 - changed) + [True] * changed
    assert moved.max() <= reach / 255 + 1e-6
    assert torch.equal(harder.labels, batch.labels)
    if changed and reach < 1:  # a small step up a smooth slope; a large one may overshoot
        rows = slice(-changed, None)

        def loss(crops: Tensor) -> float:
            with frozen_statistics(module.net), torch.no_grad():
                logits = module.net(crops[rows]).logits
            own = batch.labels[rows], batch.made[rows]
            return float(module.objective.classification(logits, *own))

        assert loss(harder.crops) > loss(batch.crops)
