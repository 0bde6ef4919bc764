"""Stages with the ideas for rare signs: they train, the same every time, and leave a plain net."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from raresign.errors import InputError
from raresign.models import SignNet
from raresign.training import Hardware, Stage, TrainingData, fit_stage
from raresign.training.module import StageModule

CPU = Hardware("cpu")
MIXED = {"kind": "mixed", "steps": 4, "real": 4, "synthetic": 6, "validate_every": 2}
IDEAS: dict[str, dict[str, Any]] = {
    "priors": {"prior": "domain"},
    "norms apart": {"separate_norms": True},
    "difficulty": {"difficulty": [0.2, 1.0]},
    "crops behind": {"crops_behind": 3},
    "adversarial": {"adversarial": {"steps": 2, "reach": 4}},
    "errors": {"by_errors": 2.0},
    "supcon": {"metric": {"loss": "supcon"}},
    "arcface": {"metric": {"loss": "arcface"}},
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


def test_class_vectors_of_a_metric_loss_learn(
    new_net: Callable[[], SignNet], training_data: TrainingData
) -> None:
    stage = Stage(**{**MIXED, "metric": {"loss": "arcface"}})
    module = StageModule(new_net(), stage, training_data, 0)
    trained = {
        id(p) for group in module.configure_optimizers().param_groups for p in group["params"]
    }
    own = list(module.objective.parameters())
    assert own
    assert all(id(parameter) in trained for parameter in own)


def test_adapters_train_a_transformer_and_are_folded_in(
    training_data: TrainingData, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    net = SignNet(
        "vit_tiny_patch16_224",
        len(training_data.catalogue),
        16,
        weights="none",
        crop_size=training_data.size,
    )
    names = set(net.state_dict())
    before = weights(net)
    stage = Stage(**{**MIXED, "lora": 2})
    fit_stage(net, stage, training_data, 0, tmp_path, hardware=CPU, quiet=True)
    assert set(net.state_dict()) == names
    moved = {
        name for name, value in net.state_dict().items() if not torch.equal(value, before[name])
    }
    assert any("qkv.weight" in name for name in moved)
    assert not any("patch_embed" in name or "norm" in name for name in moved)


def test_adapters_need_linear_layers(
    new_net: Callable[[], SignNet], training_data: TrainingData
) -> None:
    with pytest.raises(InputError, match="linear layer"):
        StageModule(new_net(), Stage(**{**MIXED, "lora": 2}), training_data, 0)
