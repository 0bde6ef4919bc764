"""Even contrast and the heads of a net: in the forward pass and through a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from raresign.models import SignNet, closer, even_contrast, load_model, save_model
from raresign.training import load_recipe, new_net, new_teacher

BACKBONE = "test_efficientnet"


def small_net(**changes: Any) -> SignNet:
    torch.manual_seed(0)
    return SignNet(BACKBONE, 4, 8, weights="none", crop_size=32, **changes)


@settings(max_examples=40, deadline=None)
@given(
    gain=st.floats(0.2, 3.0), offset=st.floats(-0.5, 0.5), n=st.integers(1, 4), seed=st.integers(0)
)
def test_every_crop_gets_the_same_mean_and_contrast_whatever_the_light(
    gain: float, offset: float, n: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed % 2**60)
    crops = torch.rand(n, 3, 6, 5, generator=generator, dtype=torch.float64)
    even = even_contrast(crops)
    for crop, own in zip(even, crops, strict=True):
        values = own.flatten().tolist()
        mean = sum(values) / len(values)
        deviation = (sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5
        expected = [(v - mean) / deviation * 0.22 + 0.45 for v in values]
        assert crop.flatten().tolist() == pytest.approx(expected)
    torch.testing.assert_close(even_contrast(crops * gain + offset), even)
    torch.testing.assert_close(even_contrast(crops[:1]), even[:1])  # alone as in a batch


def test_a_flat_crop_becomes_grey_and_its_noise_is_not_blown_up() -> None:
    assert torch.equal(
        even_contrast(torch.full((1, 3, 4, 4), 0.875)), torch.full((1, 3, 4, 4), 0.45)
    )
    faint = torch.full((1, 3, 4, 4), 0.5)
    faint[:, :, ::2] += 1e-4
    assert (even_contrast(faint) - 0.45).abs().max() < 0.22 * 255 * 1e-4
    crops = torch.full((1, 3, 4, 4), 0.5, requires_grad=True)
    even_contrast(crops + 0).square().sum().backward()


def test_contrast_makes_a_net_blind_to_light_and_none_does_not() -> None:
    crops = torch.rand(3, 3, 32, 32)
    for photometry, blind in (("contrast", True), ("none", False)):
        net = small_net(photometry=photometry).eval()
        same = torch.allclose(net(crops).logits, net(crops * 0.5 + 0.2).logits, atol=1e-4)
        assert same == blind, photometry


@pytest.mark.parametrize("head", ["linear", "cosine", "simplex"])
@pytest.mark.parametrize("photometry", ["none", "contrast"])
def test_head_and_photometry_come_back_from_a_file(
    head: str, photometry: str, tmp_path: Path
) -> None:
    net = small_net(head=head, photometry=photometry)
    save_model(net, tmp_path)
    loaded = load_model(tmp_path)
    assert (loaded.settings["head"], loaded.settings["photometry"]) == (head, photometry)
    assert type(loaded.classifier) is type(net.classifier)
    assert loaded.state_dict().keys() == net.state_dict().keys()
    trained = {name for name, _ in loaded.classifier.named_parameters()}
    assert trained == {name for name, _ in net.classifier.named_parameters()}
    assert ("weight" in trained) == (head != "simplex")
    crops = torch.rand(2, 3, 32, 32)
    assert torch.equal(loaded.eval()(crops).logits, net.eval()(crops).logits)


def test_a_file_from_before_these_settings_is_a_linear_net(tmp_path: Path) -> None:
    save_model(small_net(), tmp_path)
    settings_file = tmp_path / "model.json"
    values = json.loads(settings_file.read_text(encoding="utf-8"))
    del values["head"], values["photometry"]
    settings_file.write_text(json.dumps(values), encoding="utf-8")
    loaded = load_model(tmp_path)
    assert (loaded.settings["head"], loaded.settings["photometry"]) == ("linear", "none")


def test_a_second_look_averages_the_features_of_crop_and_middle_in_evaluation_only() -> None:
    once, twice = small_net().eval(), small_net(second_look=True).eval()
    crops = torch.rand(2, 3, 32, 32)
    parts = [once.backbone((view - once.mean) / once.std) for view in (crops, closer(crops))]
    expected = once.embed((parts[0] + parts[1]) / 2)
    torch.testing.assert_close(twice(crops).embedding, expected, atol=1e-4, rtol=1e-3)
    assert torch.equal(twice.train()(crops).logits, once.train()(crops).logits)


def test_each_look_is_evened_on_its_own() -> None:
    once = small_net(photometry="contrast").eval()
    twice = small_net(photometry="contrast", second_look=True).eval()
    crops = torch.rand(2, 3, 32, 32)
    crops[..., 8:24, 8:24] *= 0.2  # the middle is darker than the whole
    looks = [(even_contrast(view) - once.mean) / once.std for view in (crops, closer(crops))]
    expected = once.embed((once.backbone(looks[0]) + once.backbone(looks[1])) / 2)
    torch.testing.assert_close(twice(crops).embedding, expected, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("asked", [True, False])
def test_a_recipes_second_look_reaches_its_net(tiny: Callable[..., Any], asked: bool) -> None:
    taught = {"second_look": asked, "teacher": {"backbone": BACKBONE, "weights": "none"}}
    recipe = load_recipe({**tiny(), **taught})
    assert new_net(recipe, 3, 0).settings["second_look"] is asked
    assert new_teacher(recipe, 3, 0).settings["second_look"] is False


def test_closer_stays_in_the_range_of_crops() -> None:
    edge = torch.zeros(1, 1, 50, 50)
    edge[..., 25:] = 1.0  # bicubic overshoots here
    near = closer(edge)
    assert (near.min(), near.max()) == (0, 1)


def test_closer_shows_the_middle() -> None:
    crops = torch.zeros(1, 1, 50, 50)
    crops[..., 3:47, 3:47] = 1.0  # 44 of 50 pixels are 88 %
    torch.testing.assert_close(closer(crops), torch.ones(1, 1, 50, 50))
    ramp = torch.linspace(0, 1, 50).expand(1, 1, 50, 50)
    near = closer(ramp)
    assert torch.allclose(near.flip(3), 1 - near, atol=1e-5)
    assert near[..., 0].max() > 2.5 / 49


def test_a_second_look_comes_back_from_a_file(tmp_path: Path) -> None:
    save_model(small_net(second_look=True), tmp_path)
    assert load_model(tmp_path).settings["second_look"] is True
