"""The classifier: shapes, normalisation inside, freezing, files that come back exactly."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from raresign.errors import InputError
from raresign.models.freezing import backbone_parts, freeze
from raresign.models.model_files import load_model, save_model
from raresign.models.sign_net import SignNet, default_backbone, quicken_batchnorms

BACKBONES = [
    "resnet18",
    "mobilenetv2_100",
    "tf_efficientnet_lite0",
    "convnext_atto",
    "vit_tiny_patch16_224",
]
SMALL = "mobilenetv3_small_050"


def small_net(**changes) -> SignNet:
    torch.manual_seed(0)
    return SignNet(
        **{"backbone": SMALL, "classes": 4, "weights": "none", "crop_size": 32, **changes}
    )


# --- forward ---------------------------------------------------------------------------------


@pytest.mark.parametrize("backbone", [*BACKBONES, SMALL])
def test_any_backbone_gives_logits_and_embedding(backbone):
    net = SignNet(backbone, 7, embedding=48, weights="none", crop_size=32).eval()
    output = net(torch.rand(2, 3, 32, 32))
    assert output.logits.shape == (2, 7)
    assert output.embedding.shape == (2, 48)
    assert torch.equal(output.logits, net.classifier(output.embedding.relu()))
    assert (output.embedding < 0).any()  # before the ReLU


def test_normalisation_happens_inside():
    net = small_net().eval()
    settings = net.backbone.pretrained_cfg
    crops = torch.rand(2, 3, 32, 32)
    mean = torch.tensor(settings["mean"]).view(1, 3, 1, 1)
    std = torch.tensor(settings["std"]).view(1, 3, 1, 1)
    expected = net.embed(net.backbone((crops - mean) / std))
    assert torch.equal(net(crops).embedding, expected)
    assert {"mean", "std"} <= set(net.state_dict())


def test_drop_out_leaves_the_embedding_alone():
    net = small_net(drop_rate=0.5)
    net.backbone.eval()
    crops = torch.rand(2, 3, 32, 32)
    first, second = net(crops), net(crops)
    assert torch.equal(first.embedding, second.embedding)
    assert not torch.equal(first.logits, second.logits)


def test_torchs_seed_decides_the_random_weights():
    first, same = small_net(), small_net()
    assert all(
        torch.equal(a, b) for a, b in zip(first.parameters(), same.parameters(), strict=True)
    )


def test_the_default_backbone_fits_the_device():
    assert default_backbone("cpu") == ("mobilenetv2_100", 64)
    assert default_backbone(torch.device("cuda", 1)) == ("resnet50", 224)
    assert all(timm.is_model(default_backbone(device)[0]) for device in ("cpu", "cuda"))


def test_the_crop_size_defaults_to_that_of_the_weights():
    assert small_net(crop_size=None).crop_size == 224


def test_wrong_settings_are_refused_with_help():
    with pytest.raises(InputError, match=r"called 'resnte50'; did you mean .*resnet50"):
        SignNet("resnte50", 3, weights="none")
    with pytest.raises(InputError, match="resnet50"):
        SignNet("ResNet50", 3, weights="none")
    with pytest.raises(InputError, match=r"'nope' of resnet18; it has resnet18\.a1_in1k"):
        SignNet("resnet18.nope", 3, weights="none")
    with pytest.raises(InputError, match="no backbone called 'hf-hub:someone/x'"):
        SignNet("hf-hub:someone/x", 3, weights="none")
    with pytest.raises(InputError, match="0 classes"):
        small_net(classes=0)
    with pytest.raises(InputError, match="8 px"):
        SignNet("vit_tiny_patch16_224", 3, weights="none", crop_size=8)


def test_tensorflow_momentum_is_raised_and_no_other():
    net = nn.Sequential(nn.BatchNorm2d(2, momentum=0.01), nn.BatchNorm2d(2, momentum=0.3))
    quicken_batchnorms(net)
    assert [norm.momentum for norm in net] == [0.1, 0.3]
    lite = SignNet("tf_efficientnet_lite0", 2, weights="none", crop_size=32)
    norms = [m for m in lite.modules() if isinstance(m, _BatchNorm)]
    assert {norm.momentum for norm in norms} == {0.1}


# --- freezing --------------------------------------------------------------------------------

STEM = {
    "resnet18": ["conv1", "bn1"],
    "mobilenetv2_100": ["conv_stem", "bn1"],
    "tf_efficientnet_lite0": ["conv_stem", "bn1"],
    "convnext_atto": ["stem"],
    "vit_tiny_patch16_224": ["cls_token", "pos_embed", "patch_embed"],
}
LAST = {
    "resnet18": ["layer4"],
    "mobilenetv2_100": ["blocks.6", "conv_head", "bn2"],
    "tf_efficientnet_lite0": ["blocks.6", "conv_head", "bn2"],
    "convnext_atto": ["stages.3", "head"],
    "vit_tiny_patch16_224": ["blocks.11", "norm"],
}


def inside(name: str, parts: list[str]) -> bool:
    return any(name == part or name.startswith(f"{part}.") for part in parts)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_exactly_the_named_parts_are_frozen(backbone):
    net = SignNet(backbone, 3, weights="none", crop_size=32)
    names = [name for name, _ in net.backbone.named_parameters()]
    assert sorted(n for part in backbone_parts(net.backbone) for n in part) == sorted(names)
    expected = {
        "none": set(names),
        "stem": {n for n in names if not inside(n, STEM[backbone])},
        "partial": {n for n in names if inside(n, LAST[backbone])},
        "all-but-head": set(),
    }
    for mode in ("partial", "all-but-head", "stem", "none"):  # each forgets the one before
        count = freeze(net, mode)
        trains = {name for name, p in net.backbone.named_parameters() if p.requires_grad}
        assert trains == expected[mode]
        assert all(p.requires_grad for m in (net.embed, net.classifier) for p in m.parameters())
        assert count == sum(p.numel() for p in net.parameters() if p.requires_grad)


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("mode", ["none", "stem", "partial", "all-but-head"])
def test_a_training_step_changes_what_trains_and_nothing_else(backbone, mode):
    torch.manual_seed(0)
    net = SignNet(backbone, 3, weights="none", crop_size=32)
    freeze(net, mode)
    net.train()
    before = copy.deepcopy(net.state_dict())
    optimiser = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.1)
    output = net(torch.rand(4, 3, 32, 32))
    (nn.functional.cross_entropy(output.logits, torch.tensor([0, 1, 2, 0])) * 100).backward()
    optimiser.step()
    trains = {name for name, p in net.named_parameters() if p.requires_grad}
    for name, value in net.state_dict().items():
        changed = not torch.equal(value, before[name])
        if name.rpartition(".")[2] in ("running_mean", "running_var", "num_batches_tracked"):
            # Statistics of a frozen BatchNorm stay; those of a training one move.
            assert changed == (name.rpartition(".")[0] + ".weight" in trains), name
        elif name not in trains:
            assert not changed, name
    assert not torch.equal(net.state_dict()["embed.weight"], before["embed.weight"])


def test_frozen_batchnorms_stay_in_evaluation_mode_until_thawed():
    net = SignNet("resnet18", 3, weights="none", crop_size=32)
    freeze(net, "partial")
    for module in (net, nn.Sequential(net)):  # also as a part of a larger module
        module.train()
        assert not net.backbone.layer3[0].bn1.training
        assert net.backbone.layer4[0].bn1.training
        assert net.backbone.layer3.training
    net.eval()
    freeze(net, "none")
    assert not any(m.training for m in net.modules())  # freeze keeps the mode
    net.train()
    assert all(m.training for m in net.modules())


def test_backbones_that_tell_no_parts_are_split_by_their_children():
    plain = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    assert backbone_parts(plain) == [["0.weight", "0.bias"], ["2.weight", "2.bias"]]


def test_an_unknown_mode_is_refused():
    modes = "none, norms, stem, partial, all-but-head"
    with pytest.raises(InputError, match=f"'half'; use one of {modes}"):
        freeze(small_net(), "half")


# --- files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("backbone", [SMALL, "vit_tiny_patch16_224"])
def test_a_saved_model_comes_back_exactly(backbone, tmp_path):
    net = small_net(backbone=backbone, embedding=24, drop_rate=0.25, crop_size=48)
    with torch.no_grad():
        net(torch.rand(4, 3, 48, 48))  # moves the running statistics
        net.mean.fill_(0.25)  # as if the weights had their own
    save_model(net, tmp_path / "run")
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == [
        "model.json",
        "model.safetensors",
    ]
    loaded = load_model(tmp_path / "run")
    assert loaded.settings == net.settings
    assert loaded.crop_size == 48
    assert loaded.drop.p == 0.25
    assert loaded.weights.source == "none"
    assert loaded.weights.mean == (0.25, 0.25, 0.25)
    for key, value in net.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value), key
    crops = torch.rand(2, 3, 48, 48)
    assert torch.equal(loaded.eval()(crops).logits, net.eval()(crops).logits)


def test_model_json_says_what_the_model_is(tmp_path):
    save_model(small_net(), tmp_path)
    text = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
    assert text["backbone"] == SMALL
    assert (text["classes"], text["embedding"], text["crop_size"]) == (4, 512, 32)
    assert (text["weights"], text["weights_sha256"]) == ("none", "")
    assert len(text["mean"]) == len(text["std"]) == 3


def test_a_failed_save_keeps_the_earlier_model(tmp_path, monkeypatch):
    net = small_net()
    save_model(net, tmp_path)

    def full_disk(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("raresign.models.model_files.save_file", full_disk)
    with pytest.raises(OSError, match="No space"):
        save_model(small_net(classes=9), tmp_path)
    assert load_model(tmp_path).settings["classes"] == 4
    assert len(list(tmp_path.iterdir())) == 2


def damage_bit(folder: Path) -> None:
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-1000] ^= 4
    (folder / "model.safetensors").write_bytes(data)


def truncate(folder: Path) -> None:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])


def rubbish(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(np.random.default_rng(0).bytes(500))


def empty(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")


def other_model(folder: Path) -> None:
    settings = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**settings, "classes": 11}))


def no_json(folder: Path) -> None:
    (folder / "model.json").write_text("{'backbone': ")


def not_a_mapping(folder: Path) -> None:
    (folder / "model.json").write_text("[1, 2]")


def key_missing(folder: Path) -> None:
    (folder / "model.json").write_text('{"backbone": "resnet18"}')


def gone(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


@pytest.mark.parametrize(
    "damage",
    [
        damage_bit,
        truncate,
        rubbish,
        empty,
        other_model,
        no_json,
        not_a_mapping,
        key_missing,
        gone,
    ],
)
def test_a_damaged_model_is_an_input_error(damage, tmp_path):
    save_model(small_net(), tmp_path)
    damage(tmp_path)
    with pytest.raises(InputError, match=r"model\.(safetensors|json)"):
        load_model(tmp_path)
