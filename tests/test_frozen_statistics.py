"""Running statistics that a forward pass leaves as they were."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from raresign.models.freezing import frozen_statistics


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
