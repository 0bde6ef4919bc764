"""The electronics: noise of the variance asked for, colour that runs, halos at edges, no glow."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from raresign.randomness import CropRandom
from raresign.synthesis.effects.readout import Demosaic, Noise, Sharpening, noise_bank, smoothed
from raresign.synthesis.effects.sensor import Sensor
from synthesis_core import keys, noise, uniform

EXAMPLES = settings(max_examples=25, deadline=None)
CPU = torch.device("cpu")


def shaken(value: float, read: float, shot: float, colour: float, n: int = 200) -> Tensor:
    """(n, 3, 32, 32): the noise alone, on a constant crop."""
    effect = Noise(read=(read, read), shot=(shot, shot), colour=(colour, colour))
    return effect(torch.full((n, 3, 32, 32), value), uniform(n, effect)) - value


# --- noise -------------------------------------------------------------------------------------


@pytest.mark.parametrize("colour", [0.0, 0.2, 0.5, 1.0])
@pytest.mark.parametrize(("read", "shot"), [(0.05, 0.0), (0.0, 0.08), (0.03, 0.06)])
@pytest.mark.parametrize("value", [0.0, 0.25, 1.0])
def test_the_variance_is_read_noise_and_shot_noise_by_light(
    value: float, read: float, shot: float, colour: float
) -> None:
    """An old fault: blended common and separate noise had 0.71 of its deviation."""
    found = shaken(value, read, shot, colour)
    expected = read**2 + shot**2 * value
    assert found.var().item() == pytest.approx(expected, rel=0.03, abs=1e-9)
    assert abs(found.mean().item()) < 0.02 * expected**0.5 + 1e-9


@pytest.mark.parametrize("colour", [0.0, 0.2, 0.5, 0.8, 1.0])
def test_channels_share_what_is_not_colour_noise(colour: float) -> None:
    found = shaken(0.5, 0.05, 0.02, colour)
    channels = torch.corrcoef(found.transpose(0, 1).flatten(1))
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert channels[a, b].item() == pytest.approx(1 - colour, abs=0.02)


def test_each_pixel_has_the_noise_of_its_own_light() -> None:
    ramp = torch.linspace(-0.5, 2, 32).expand(300, 3, 32, 32)  # also what no pixel should be
    effect = Noise(read=(0.02, 0.02), shot=(0.1, 0.1), colour=(1, 1))
    found = (effect(ramp, uniform(300, effect)) - ramp).std((0, 1, 2))
    expected = (0.02**2 + 0.1**2 * torch.linspace(-0.5, 2, 32).clamp(min=0)).sqrt()
    assert (found / expected - 1).abs().max() < 0.05


def test_each_crop_has_its_own_amount_and_its_own_noise() -> None:
    params = Noise().sample(uniform(3, Noise, seed=5)) | {
        "read": torch.tensor([0.0, 0.05, 0.1]),
        "shot": torch.zeros(3),
    }
    found = Noise().apply(torch.zeros(3, 3, 32, 32), params)
    assert found.flatten(1).std(1).tolist() == pytest.approx([0.0, 0.05, 0.1], rel=0.05)
    assert abs(torch.corrcoef(found[1:].flatten(1))[0, 1].item()) < 0.05


def test_noise_is_white_and_differs_between_crops() -> None:
    found = shaken(0.5, 0.05, 0.0, 1.0)[:, 0]
    for neighbour in (found.roll(1, 1), found.roll(1, 2), found.roll(1, 0)):
        assert abs(float((found * neighbour).mean() / found.var())) < 0.02


def test_the_noise_bank_is_normal_and_fixed() -> None:
    bank = noise_bank(CPU, 100)
    assert len(bank) == 2**18
    assert abs(float(bank.mean())) < 0.01
    assert float(bank.std()) == pytest.approx(1, abs=0.01)
    assert torch.equal(bank[:3], CropRandom.from_seed(0, torch.arange(3)).normal())


def test_a_crop_larger_than_the_bank_gets_noise_too() -> None:
    """From 209 pixels on, one crop reads more than half of the usual bank."""
    effect = Noise(read=(0.1, 0.1), shot=(0, 0), colour=(0.5, 0.5))
    small = effect(torch.zeros(1, 3, 16, 16), uniform(1, effect))
    found = effect(torch.full((1, 3, 300, 300), 0.5), uniform(1, effect)) - 0.5
    assert found.std().item() == pytest.approx(0.1, rel=0.02)
    assert len(noise_bank(CPU, 100)) == 2**18  # smaller crops keep their noise
    assert torch.equal(effect(torch.zeros(1, 3, 16, 16), uniform(1, effect)), small)


@pytest.mark.parametrize("size", [8, 64, 208, 209, 224])
def test_the_last_place_of_the_bank_is_within_it(size: int) -> None:
    params = {name: torch.tensor([0.5]) for name in ("read", "shot", "colour")}
    params["place"] = torch.full((1, 2), 1 - 2**-24)
    assert torch.isfinite(Noise().apply(torch.zeros(1, 3, size, size), params)).all()


# --- sharpening and demosaicing ----------------------------------------------------------------


def naive_smoothed(plane: np.ndarray) -> np.ndarray:
    """[1 2 1] / 4 along both axes, pixel by pixel, the edge repeated."""
    height, width = plane.shape
    result = np.zeros_like(plane)
    for y, x in np.ndindex(height, width):
        for dy, down in ((-1, 1), (0, 2), (1, 1)):
            for dx, across in ((-1, 1), (0, 2), (1, 1)):
                at = min(max(y + dy, 0), height - 1), min(max(x + dx, 0), width - 1)
                result[y, x] += down * across / 16 * plane[at]
    return result


def smoothed_by_hand(crops: Tensor) -> Tensor:
    planes = crops.double().numpy().reshape(-1, *crops.shape[2:])
    return torch.from_numpy(np.stack([naive_smoothed(p) for p in planes])).view_as(crops)


def test_smoothing_against_a_loop() -> None:
    crops = noise(2, 3, 9)[..., :7]
    assert (smoothed(crops) - smoothed_by_hand(crops)).abs().max() <= 1e-6


def test_sharpening_against_a_loop() -> None:
    crops, amount = noise(3, size=8), torch.tensor([0.0, 0.6, 2.0])
    expected = crops + amount.view(3, 1, 1, 1) * (crops - smoothed_by_hand(crops))
    assert (Sharpening().apply(crops, {"amount": amount}) - expected).abs().max() <= 1e-5


def test_sharpening_makes_a_halo_on_both_sides_of_an_edge() -> None:
    edge = torch.full((1, 3, 8, 8), 0.2)
    edge[..., 4:] = 0.8
    row = Sharpening().apply(edge, {"amount": torch.tensor([1.0])})[0, 0, 3]
    assert row.tolist() == pytest.approx([0.2, 0.2, 0.2, 0.05, 0.95, 0.8, 0.8, 0.8], abs=1e-6)


@EXAMPLES
@given(pixels=st.integers(1, 64), amount=st.floats(0, 3), value=st.floats(0, 1))
def test_a_constant_crop_stays_constant_under_sharpening(
    pixels: int, amount: float, value: float
) -> None:
    """An old fault: behind the last sensor pixel lay an empty row, and the edges shone."""
    sensor = Sensor(pixels=(pixels, pixels))
    params = sensor.sample(uniform(1, sensor))
    seen = sensor.see(torch.full((1, 3, 64, 64), value), params, 64)
    sharp = Sharpening().apply(seen, {"amount": torch.tensor([amount])})
    assert (sensor.enlarge(sharp, params, 64) - value).abs().max() <= 1e-4


@pytest.mark.parametrize("grid", [16, 32, 64])
def test_edges_of_a_small_patch_are_sharpened_as_if_nothing_lay_behind(grid: int) -> None:
    """The rows that fill the grid up are as good as a repeated edge."""
    params = {"pixels": torch.tensor([11.0]), "blur": torch.tensor([0.4])}
    seen = Sensor().see(noise(1, size=64), params, grid)
    amount = {"amount": torch.tensor([0.9])}
    alone = Sharpening().apply(seen[..., :11, :11].contiguous(), amount)
    assert (Sharpening().apply(seen, amount)[..., :11, :11] - alone).abs().max() <= 1e-5


def test_demosaicing_smooths_colour_and_keeps_luma() -> None:
    crops, softness = noise(3, size=8), torch.tensor([0.0, 0.4, 1.0])
    seen = Demosaic().apply(crops, {"softness": softness}).double()
    soft, luma = smoothed_by_hand(crops), torch.tensor([0.299, 0.587, 0.114]).double()
    for i, share in enumerate(softness.tolist()):
        still = torch.einsum("chw,c->hw", crops[i].double(), luma)
        assert (torch.einsum("chw,c->hw", seen[i], luma) - still).abs().max() <= 1e-6
        chroma = crops[i].double() - still
        smooth = soft[i] - torch.einsum("chw,c->hw", soft[i], luma)
        expected = still + (1 - share) * chroma + share * smooth
        assert (seen[i] - expected).abs().max() <= 1e-6


def test_the_halo_and_the_running_colour_are_local() -> None:
    """What one pixel does to another ends after one pixel."""
    crops = noise(1, size=15)
    changed = crops.clone()
    changed[:, :, 7, 7] += 0.3
    for effect in (Sharpening(amount=(2, 2)), Demosaic(softness=(1, 1))):
        u = keys(1).uniform(0.0, 1.0, 1)
        difference = (effect(changed, u) - effect(crops, u)).abs().amax((0, 1))
        difference[6:9, 6:9] = 0
        assert difference.max() <= 1e-6
