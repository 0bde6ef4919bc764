"""Even contrast: in the forward pass and through a file; nets of earlier versions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from raresign.errors import InputError
from raresign.models.model_files import load_model, save_model
from raresign.models.sign_net import SignNet, even_contrast

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


@pytest.mark.parametrize("photometry", ["none", "contrast"])
def test_photometry_comes_back_from_a_file(photometry: str, tmp_path: Path) -> None:
    net = small_net(photometry=photometry)
    save_model(net, tmp_path)
    loaded = load_model(tmp_path)
    assert loaded.settings["photometry"] == photometry
    crops = torch.rand(2, 3, 32, 32)
    assert torch.equal(loaded.eval()(crops).logits, net.eval()(crops).logits)


def changed_file(folder: Path, **changes: Any) -> None:
    save_model(small_net(), folder)
    file = folder / "model.json"
    values = {**json.loads(file.read_text(encoding="utf-8")), **changes}
    kept = {name: value for name, value in values.items() if value is not None}
    file.write_text(json.dumps(kept), encoding="utf-8")


@pytest.mark.parametrize("changes", [{"photometry": None}, {"head": "linear"}])
def test_nets_of_earlier_versions_are_read(changes: dict[str, Any], tmp_path: Path) -> None:
    changed_file(tmp_path, **changes)
    assert load_model(tmp_path).settings["photometry"] == "none"


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"head": "cosine"}, "a cosine head"), ({"second_look": True}, "a second look")],
)
def test_earlier_nets_that_would_answer_otherwise_are_refused(
    changes: dict[str, Any], named: str, tmp_path: Path
) -> None:
    changed_file(tmp_path, **changes)
    with pytest.raises(InputError, match=f"{named}, which is gone; train again"):
        load_model(tmp_path)
