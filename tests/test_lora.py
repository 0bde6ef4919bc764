"""Low-rank adapters on a small ViT with random weights: added, trained, merged."""

from __future__ import annotations

import copy

import pytest
import timm
import torch
from torch import nn
from torch.nn.functional import linear

from raresign.errors import InputError
from raresign.models.lora import LAYERS, LoRALinear, add_lora, merge_lora


def small_vit(name: str = "vit_tiny_patch16_224") -> nn.Module:
    torch.manual_seed(0)
    return timm.create_model(name, num_classes=0, img_size=32, depth=2).eval()


def move_adapters(module: nn.Module) -> None:
    """As after some training: no adapter is 0 any more."""
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, LoRALinear):
                layer.up.normal_(std=0.02)


CROPS = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def test_adapters_change_nothing_at_first_and_alone_learn():
    vit = small_vit()
    before = vit(CROPS)
    assert add_lora(vit, rank=4) == 2 * len(LAYERS)
    assert torch.equal(vit(CROPS), before)
    trained = {name for name, p in vit.named_parameters() if p.requires_grad}
    assert trained == {
        f"blocks.{block}.{layer}.{part}"
        for block in (0, 1)
        for layer in ("attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2")
        for part in ("up", "down")
    }
    width = 192
    ends = (width + 3 * width) + (width + width) + 2 * (width + 4 * width)
    assert sum(p.numel() for p in vit.parameters() if p.requires_grad) == 2 * 4 * ends


def test_training_moves_only_the_adapters():
    vit = small_vit()
    start = copy.deepcopy(vit.state_dict())
    add_lora(vit, rank=2)
    optimiser = torch.optim.SGD([p for p in vit.parameters() if p.requires_grad], lr=0.1)
    losses = []
    for _ in range(3):
        optimiser.zero_grad()
        loss = (vit(CROPS) - 1).square().mean()
        loss.backward()
        losses.append(loss.item())
        optimiser.step()
    assert losses[-1] < losses[0]
    state = {name.replace(".base.", "."): value for name, value in vit.state_dict().items()}
    assert all(torch.equal(state[name], value) for name, value in start.items())


def test_merging_gives_the_plain_model_with_the_same_output():
    vit = small_vit()
    structure, untouched = str(vit), vit(CROPS)
    add_lora(vit, rank=4)
    move_adapters(vit)
    adapted = vit(CROPS)
    assert (adapted - untouched).abs().max() > 0.01
    assert merge_lora(vit) == 2 * len(LAYERS)
    assert str(vit) == structure
    torch.testing.assert_close(vit(CROPS), adapted, rtol=1e-5, atol=1e-5)
    fresh = small_vit()
    fresh.load_state_dict(vit.state_dict())
    assert torch.equal(fresh(CROPS), vit(CROPS))
    assert merge_lora(vit) == 0


def test_adapters_can_be_added_again_after_merging():
    vit = small_vit()
    for _ in range(2):
        add_lora(vit, rank=1, names=("qkv",))
        merge_lora(vit)
    assert add_lora(vit, rank=1, names=("qkv",)) == 2


def test_an_attention_that_takes_the_weight_itself_sees_the_adapter():
    """Eva and BEiT call linear(x, qkv.weight, ...) past the layer's forward."""
    vit = small_vit("beit_base_patch16_224")
    before = vit(CROPS)
    add_lora(vit, rank=2, names=("qkv",))
    torch.testing.assert_close(vit(CROPS), before)
    move_adapters(vit)
    adapted = vit(CROPS)
    assert (adapted - before).abs().max() > 1e-4
    vit(CROPS).sum().backward()
    assert all(p.grad is not None for p in vit.parameters() if p.requires_grad)
    merge_lora(vit)
    torch.testing.assert_close(vit(CROPS), adapted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("bias", [True, False])
def test_the_layer_is_its_formula(bias):
    torch.manual_seed(0)
    layer = LoRALinear(nn.Linear(5, 3, bias=bias), rank=2, alpha=6.0)
    move_adapters(layer)
    x = torch.randn(4, 7, 5)
    expected = layer.base(x) + 6.0 / 2 * (x @ layer.down.T @ layer.up.T)
    torch.testing.assert_close(layer(x), expected)
    torch.testing.assert_close(linear(x, layer.weight, layer.bias), expected)


def test_the_mode_and_the_type_of_the_layer_stay():
    base = nn.Linear(4, 4).double().eval()
    layer = LoRALinear(base, rank=1)
    assert (layer.training, layer.down.dtype, layer.up.dtype) == (False, *[torch.float64] * 2)
    block = nn.ModuleDict({"fc1": nn.Linear(4, 4)}).train()
    add_lora(block, rank=1)
    block.eval()
    merge_lora(block)
    assert not block["fc1"].training


def test_refuses_and_leaves_the_module_as_it_was():
    vit = small_vit()
    for rank, names in ((0, LAYERS), (4, ("query",))):
        with pytest.raises(InputError):
            add_lora(vit, rank, names)
    assert all(p.requires_grad for p in vit.parameters())
    add_lora(vit, 4)
    with pytest.raises(InputError, match="no linear layer"):
        add_lora(vit, 4)
    with pytest.raises(InputError, match="ResNet has no linear layer"):
        add_lora(timm.create_model("resnet18", num_classes=0), 4)
