"""Stages with the ideas for rare signs: they train, the same every time, and leave a plain net."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from raresign.models.sign_net import SignNet
from raresign.training.fit import Hardware, fit_stage
from raresign.training.stage import Stage
from raresign.training.training_data import TrainingData

CPU = Hardware("cpu")
MIXED = {"kind": "mixed", "steps": 4, "real": 4, "synthetic": 6, "validate_every": 2}
IDEAS: dict[str, dict[str, Any]] = {
    "priors": {"prior": "domain"},
    "supcon": {"metric": {"loss": "supcon"}},
    "icons": {"metric": {"loss": "supcon", "icons": True}},
}


def weights(net: SignNet) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in net.state_dict().items()}


@pytest.mark.parametrize("idea", IDEAS)
def test_an_idea_trains_the_same_every_time(
    idea: str, new_net: Callable[[], SignNet], training_data: TrainingData, tmp_path: Path
) -> None:
    stage = Stage(**{**MIXED, **IDEAS[idea]})
    whole = new_net()
    before = weights(whole)
    fit_stage(whole, stage, training_data, 0, tmp_path / "whole", hardware=CPU, quiet=True)
    assert any(not torch.equal(before[name], value) for name, value in whole.state_dict().items())
    plain = new_net()
    fit_stage(plain, Stage(**MIXED), training_data, 0, tmp_path / "plain", hardware=CPU, quiet=True)
    pairs = zip(weights(whole).values(), weights(plain).values(), strict=True)
    changed = [not torch.equal(a, b) for a, b in pairs]
    assert any(changed), "the idea changes nothing"
    again = new_net()
    fit_stage(again, stage, training_data, 0, tmp_path / "again", hardware=CPU, quiet=True)
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, rtol=0, atol=0, msg=name)
