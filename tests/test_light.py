"""Light: what each effect does to a pixel, told by loops; shade only darkens."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from raresign.synthesis.effect import CropEffect, Params
from raresign.synthesis.effects.light import (
    Backlight,
    LightGradient,
    Night,
    Shadow,
    Specular,
    dapples,
)
from raresign.synthesis.fields import band
from raresign.synthesis.textures import TILE
from synthesis_core import noise, uniform

EXAMPLES = settings(max_examples=25, deadline=None)
LEAVES = {"leaves": 1.0, "penumbra": (0.01, 0.01)}
BANDS = {"leaves": 0.0, "penumbra": (0.01, 0.01)}


def centre(index: int, size: int) -> float:
    """A pixel's middle; the crop runs from -1 to 1."""
    return (index + 0.5) / size * 2 - 1


def row(params: Params, i: int) -> dict[str, list[float]]:
    return {name: values[i].reshape(-1).tolist() for name, values in params.items()}


def white(n: int, size: int = 32) -> Tensor:
    return torch.ones(n, 3, size, size)


# --- nothing -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "effect",
    [
        LightGradient(strength=(0, 0)),
        Shadow(ambient=(1, 1)),
        Shadow(leaves=1, cover=(0, 0)),
        Shadow(leaves=0, width=(0, 0)),
        Specular(strength=(0, 0)),
        Backlight(light=(1, 1), veil=(0, 0)),
        Night(ambient=(1, 1), beam=(0, 0), warmth=(0, 0), crush=(0, 0)),
    ],
    ids=repr,
)
def test_no_strength_changes_nothing(effect: CropEffect) -> None:
    crops = noise(40)
    assert (effect(crops, uniform(40, effect)) - crops).abs().max() <= 1e-6


# --- gradient ----------------------------------------------------------------------------------


@EXAMPLES
@given(height=st.integers(1, 9), width=st.integers(1, 9), seed=st.integers(0, 99))
def test_gradient_against_a_loop(height: int, width: int, seed: int) -> None:
    effect = LightGradient(strength=(0, 1))
    crops = noise(3, 3, 9, seed)[:, :, :height, :width]
    params = effect.sample(uniform(3, effect, seed))
    lit = effect.apply(crops, params)
    for i in range(3):
        value = row(params, i)
        (strength,), (direction,) = value["strength"], value["direction"]
        for r in range(height):
            for c in range(width):
                towards = math.cos(direction) * centre(c, width)
                towards += math.sin(direction) * centre(r, height)
                light = max(0.0, 1 + strength * towards)
                for channel in range(3):
                    expected = crops[i, channel, r, c].item() * light
                    assert lit[i, channel, r, c].item() == pytest.approx(expected, abs=1e-5)


def test_the_light_comes_from_its_direction() -> None:
    """Right for 0, below for a quarter turn."""
    params = {"strength": torch.tensor([0.5, 0.5]), "direction": torch.tensor([0.0, math.pi / 2])}
    right, below = LightGradient().apply(white(2), params)[:, 0]
    assert right[0, -1] > 1.4 > 0.6 > right[0, 0]
    assert below[-1, 0] > 1.4 > 0.6 > below[0, 0]


# --- shadow ------------------------------------------------------------------------------------


@EXAMPLES
@given(size=st.sampled_from([8, 13, 64]), leaves=st.booleans(), seed=st.integers(0, 999))
def test_a_shadow_only_darkens_and_never_below_the_sky_light(
    size: int, leaves: bool, seed: int
) -> None:
    effect = Shadow(leaves=float(leaves))
    crops = noise(6, 3, size, seed)
    params = effect.sample(uniform(6, effect, seed))
    shaded = effect.apply(crops, params)
    assert (shaded <= crops + 1e-6).all()
    assert (shaded >= crops * params["ambient"].view(6, 1, 1, 1) - 1e-6).all()


def test_shade_is_bluish_and_keeps_the_ambient_share() -> None:
    effect = Shadow(leaves=1.0, cover=(1, 1), ambient=(0.4, 0.4))
    red, green, blue = effect(white(4), uniform(4, effect)).mean((0, 2, 3)).tolist()
    assert red == pytest.approx(0.4, abs=1e-5)
    assert red < green < blue < 0.5


@pytest.mark.parametrize("cover", [0.15, 0.5, 0.85])
def test_leaves_shade_the_share_asked_for(cover: float) -> None:
    effect = Shadow(cover=(cover, cover), ambient=(0, 0), **LEAVES)
    shaded = effect(white(400), uniform(400, effect))[:, 0]
    assert (1 - shaded).mean().item() == pytest.approx(cover, abs=0.03)
    assert ((shaded > 0.05) & (shaded < 0.95)).float().mean() < 0.2  # spots have edges


def test_spots_of_sun_have_their_size() -> None:
    """Larger spots change less often along a row."""

    def changes(spot: float) -> float:
        effect = Shadow(cover=(0.6, 0.6), spot=(spot, spot), ambient=(0, 0), **LEAVES)
        lit = effect(white(100, 64), uniform(100, effect))[:, 0] > 0.5
        return (lit[..., 1:] != lit[..., :-1]).float().sum(2).mean().item()

    small, large = changes(0.08), changes(0.24)
    assert small == pytest.approx(3 * large, rel=0.25)
    assert 0.08 < 1 / small < 0.3  # a spot or a gap, as a share of the crop


@EXAMPLES
@given(
    half_width=st.floats(0, 2), blur=st.floats(0.02, 1), distance=st.floats(0, 3, exclude_min=True)
)
def test_a_soft_band_is_a_hard_one_seen_through_a_box(
    half_width: float, blur: float, distance: float
) -> None:
    """Averages the hard band over [distance - blur / 2, distance + blur / 2], point by point."""
    points = [distance + blur * ((k + 0.5) / 4000 - 0.5) for k in range(4000)]
    expected = sum(abs(point) <= half_width for point in points) / 4000
    found = band(torch.tensor([distance]), torch.tensor([half_width]), blur).item()
    if distance >= blur / 2 or half_width >= distance + blur / 2:
        assert found == pytest.approx(expected, abs=2e-3)
    else:  # around the middle both edges are seen; the band may not be stronger than its width
        assert expected - 2e-3 <= found <= min(1.0, 2 * half_width / blur) + 1e-4


@pytest.mark.parametrize(("gap", "bands"), [(0.0, 1), (0.3, 2)])
def test_bands_have_their_number_place_and_width(gap: float, bands: int) -> None:
    params = {
        "leafy": torch.zeros(1),
        "ambient": torch.zeros(1),
        "penumbra": torch.full((1,), 0.01),
        "cover": torch.zeros(1),
        "spot": torch.ones(1),
        "width": torch.full((1,), 0.125),
        "direction": torch.zeros(1),
        "place": torch.full((1,), 0.1),
        "gap": torch.full((1,), gap),
        "corner": torch.zeros(1, 2),
    }
    dark = 1 - Shadow().apply(white(1, 200), params)[0, 0]
    assert (dark - dark[:1]).abs().max() <= 1e-6  # upright
    assert dark[0].mean().item() == pytest.approx(bands * 0.125, abs=0.005)
    starts = (dark[0, 1:] > 0.5) & (dark[0, :-1] <= 0.5)
    assert int(starts.sum()) == bands
    x = torch.tensor([centre(c, 200) for c in range(200)])
    assert ((dark[0] * x).sum() / dark[0].sum()).item() == pytest.approx(0.1, abs=0.01)


def test_the_texture_of_leaves_is_even_repeats_and_stays() -> None:
    tile = dapples()
    assert tile.shape == (1, TILE, TILE)
    assert torch.equal(tile, dapples())
    for share in (0.1, 0.5, 0.9):
        assert (tile < share).float().mean().item() == pytest.approx(share, abs=1e-4)
    inner = (tile[0, :, 1:] - tile[0, :, :-1]).abs().mean()
    assert (tile[0, :, 0] - tile[0, :, -1]).abs().mean() < 1.5 * inner


# --- specular ----------------------------------------------------------------------------------


def test_specular_against_a_loop() -> None:
    effect = Specular()
    crops = noise(4, 3, 9)
    params = effect.sample(uniform(4, effect))
    lit = effect.apply(crops, params)
    for i in range(4):
        value = row(params, i)
        (strength,), (size,), (stretch,) = value["strength"], value["size"], value["stretch"]
        (direction,), (at_x, at_y) = value["direction"], value["where"]
        for r in range(9):
            for c in range(9):
                dx, dy = centre(c, 9) - at_x, centre(r, 9) - at_y
                long = dx * math.cos(direction) + dy * math.sin(direction)
                wide = dy * math.cos(direction) - dx * math.sin(direction)
                spot = math.exp(-((long / (2 * size)) ** 2) - (wide * stretch / (2 * size)) ** 2)
                cover = 1 - math.exp(-3 * strength * spot)
                for channel, sun in enumerate((1.0, 0.985, 0.95)):
                    before = crops[i, channel, r, c].item()
                    expected = before + cover * (sun - before)
                    assert lit[i, channel, r, c].item() == pytest.approx(expected, abs=1e-4)


def test_a_specular_spot_burns_out_but_not_beyond_white() -> None:
    effect = Specular(strength=(1, 1), size=(0.2, 0.2), where=(0, 0))
    lit = effect(noise(20, 3, 32), uniform(20, effect))
    assert lit.max() <= 1
    assert lit[:, :2, 15:17, 15:17].min() > 0.9


# --- backlight ---------------------------------------------------------------------------------


def test_backlight_against_a_loop() -> None:
    effect = Backlight(direction=(0, 2 * math.pi))
    crops = noise(4, 3, 7)
    params = effect.sample(uniform(4, effect))
    seen = effect.apply(crops, params)
    for i in range(4):
        value = row(params, i)
        (light,), (strength,), (reach,) = value["light"], value["veil"], value["reach"]
        (direction,) = value["direction"]
        cos, sin = math.cos(direction), math.sin(direction)
        for r in range(7):
            for c in range(7):
                away = abs(cos) + abs(sin) - cos * centre(c, 7) - sin * centre(r, 7)
                veil = strength * math.exp(-away / 2 / reach)
                for channel, sun in enumerate((1.0, 0.97, 0.9)):
                    expected = crops[i, channel, r, c].item() * light * (1 - veil) + veil * sun
                    assert seen[i, channel, r, c].item() == pytest.approx(expected, abs=1e-5)


def test_the_sun_behind_stands_above_by_default_and_lowers_the_contrast() -> None:
    effect = Backlight()
    checks = noise(200).round()
    seen = effect(checks, uniform(200, effect))
    above = seen[:, :, :8].mean((1, 2, 3)) > seen[:, :, -8:].mean((1, 2, 3))
    assert above.float().mean() > 0.85  # but for a sun that stands beside the sign
    assert (seen.std((1, 2, 3)) < 0.75 * checks.std((1, 2, 3))).all()


# --- night -------------------------------------------------------------------------------------


def test_night_against_a_loop() -> None:
    effect = Night()
    crops = noise(4, 3, 7)
    params = effect.sample(uniform(4, effect))
    seen = effect.apply(crops, params)
    for i in range(4):
        value = {name: numbers[0] for name, numbers in row(params, i).items()}
        lamp = (math.exp(value["warmth"]), 1.0, math.exp(-value["warmth"]))
        for r in range(7):
            for c in range(7):
                far = math.hypot(centre(c, 7) - value["sideways"], centre(r, 7) - value["height"])
                beam = math.exp(-0.5 * (far / 2 / value["spread"]) ** 2)
                light = value["ambient"] + value["beam"] * beam
                for channel in range(3):
                    day = crops[i, channel, r, c].item()
                    dull = (1 - value["crush"]) * day + value["crush"] * day * day
                    expected = dull * light * lamp[channel]
                    assert seen[i, channel, r, c].item() == pytest.approx(expected, abs=1e-5)


def test_at_night_the_surroundings_are_almost_black() -> None:
    """A white sign on a grey scene: its light falls off towards the corners, dull things drown."""
    effect = Night()
    scene = torch.full((300, 3, 32, 32), 0.4)
    scene[:, :, 8:24, 8:24] = 1.0
    seen = effect(scene, uniform(300, effect)).mean(1)
    assert seen.max() > 0.8
    corners = seen[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert corners.median() < 0.06
    assert (seen[:, 8:24, 8:24].mean((1, 2)) > 2 * seen[:, 0].mean(1)).all()


# --- all ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "effect",
    [
        LightGradient(),
        Shadow(leaves=1, penumbra=(0.06, 0.15), spot=(0.15, 0.25)),
        Shadow(leaves=0, penumbra=(0.06, 0.15)),
        Specular(size=(0.1, 0.5)),
        Backlight(),
        Night(),
    ],
    ids=repr,
)
def test_lengths_are_shares_of_the_crop(effect: CropEffect) -> None:
    """The same draws on a crop of four times the side look the same."""
    u = uniform(60, effect)
    small = effect(white(60, 32), u)
    large = F.avg_pool2d(effect(white(60, 128), u), 4)
    assert (small - large).abs().mean() < 0.005
    assert (small - large).abs().max() < 0.15


@EXAMPLES
@given(
    kind=st.sampled_from([LightGradient, Shadow, Specular, Backlight, Night]),
    size=st.integers(8, 96),
    seed=st.integers(0, 10_000),
)
def test_light_is_never_negative_nor_without_end(
    kind: type[CropEffect], size: int, seed: int
) -> None:
    effect = kind()
    seen = effect(noise(3, 3, size, seed), uniform(3, effect, seed))
    assert seen.isfinite().all()
    assert seen.min() >= 0
    assert seen.max() < 2
