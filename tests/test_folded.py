"""`folded`: the same answers, no batch normalisation left, and what cannot be folded stays."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import Tensor, nn

from raresign.models.folding import folded
from raresign.models.sign_net import SignNet


def trained_looking(backbone: str) -> SignNet:
    """A net whose batch normalisations do something."""
    torch.manual_seed(0)
    net = SignNet(backbone, 4, 16, weights="none", crop_size=32)
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean = torch.randn_like(part.running_mean) * 0.1
            part.running_var = torch.rand_like(part.running_var) + 0.5
    return net.eval()


@pytest.mark.parametrize("backbone", ["mobilenetv2_100", "mobilenetv3_small_050", "resnet18"])
@torch.no_grad()
def test_the_same_to_rounding(backbone: str) -> None:
    net = trained_looking(backbone)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    quick = folded(net)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in quick.modules())
    crops = torch.rand(3, 3, 32, 32)
    expected = net(crops)
    torch.testing.assert_close(quick(crops).embedding, expected.embedding, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(quick(crops).logits, expected.logits, rtol=1e-3, atol=1e-3)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


class _Twice(nn.Module):
    """A convolution whose output is used with and without the batch normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)

    def forward(self, crops: Tensor) -> Tensor:
        once = self.convolution(crops)
        both: Tensor = (once * 2 + self.norm(once)).mean((2, 3))
        return both


def test_what_cannot_be_folded_stays() -> None:
    net = SignNet("mobilenetv3_small_050", 4, 16, weights="none", crop_size=32)
    twice = _Twice()
    twice.norm.running_mean = torch.full((8,), 3.0)
    net.backbone, net.embed = twice, nn.Linear(8, 16)
    crops = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(folded(net)(crops).embedding, net.eval()(crops).embedding)


def test_a_command_that_trains_nothing_loads_no_training_library() -> None:
    """Each of them takes a second of every command."""
    slow = ("lightning", "torchmetrics", "pytorch_metric_learning", "matplotlib")
    check = (
        f"import sys, raresign; raresign.add_class; print([m for m in {slow} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
