"""Weather: streaks slant and are as bright at any size; snow lies above, as deep as asked."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from raresign.synthesis.effect import CropEffect
from raresign.synthesis.effects.weather import Rain, Snow, snow_levels, streak_levels
from raresign.synthesis.textures import TILE
from synthesis_core import noise, uniform

EXAMPLES = settings(max_examples=25, deadline=None)
CAP = {"density": (0.0, 0.0), "brightness": (1.0, 1.0), "tilt": (0.0, 0.0)}
STREAKS = {"contrast": (1.0, 1.0), "strength": (1.0, 1.0)}


def half_black(n: int, size: int = 64) -> Tensor:
    """Black but for one white pixel, which says how bright white is."""
    crops = torch.zeros(n, 3, size, size)
    crops[:, :, -1, -1] = 1.0
    return crops


@pytest.mark.parametrize(
    "effect",
    [
        Rain(contrast=(1, 1), density=(0, 0)),
        Rain(contrast=(1, 1), strength=(0, 0)),
        Snow(depth=(0, 0), density=(0, 0)),
    ],
    ids=repr,
)
def test_no_strength_changes_nothing(effect: CropEffect) -> None:
    crops = noise(40)
    assert (effect(crops, uniform(40, effect)) - crops).abs().max() <= 1e-6


@EXAMPLES
@given(kind=st.sampled_from([Rain, Snow]), size=st.integers(8, 96), seed=st.integers(0, 10_000))
def test_weather_is_never_negative_nor_brighter_than_snow(
    kind: type[CropEffect], size: int, seed: int
) -> None:
    effect = kind()
    seen = effect(noise(3, 3, size, seed), uniform(3, effect, seed))
    assert seen.isfinite().all()
    assert seen.min() >= 0
    assert seen.max() <= 1.15 + 1e-4


@pytest.mark.parametrize("effect", [Rain(), Snow()], ids=repr)
def test_weather_is_as_dark_as_its_scene(effect: CropEffect) -> None:
    """At night rain and snow are no lamps: half the light gives half the picture."""
    crops = noise(20)
    u = uniform(20, effect)
    assert (effect(crops * 0.5, u) - effect(crops, u) * 0.5).abs().max() <= 1e-5


# --- rain --------------------------------------------------------------------------------------


def test_rain_without_streaks_against_a_loop() -> None:
    effect = Rain(density=(0, 0))
    crops = noise(5, 3, 8)
    params = effect.sample(uniform(5, effect))
    seen = effect.apply(crops, params)
    for i in range(5):
        contrast = params["contrast"][i].item()
        veil = params["veil"][i].item() * crops[i].mean().item()
        for before, after in zip(
            crops[i].flatten().tolist(), seen[i].flatten().tolist(), strict=True
        ):
            assert after == pytest.approx(contrast * before + (1 - contrast) * veil, abs=1e-5)


@pytest.mark.parametrize("slant", [-0.5, 0.5])
def test_streaks_lean_to_their_side(slant: float) -> None:
    """Shifted along its slant a picture of rain looks like itself, mirrored it does not."""
    effect = Rain(slant=(slant, slant), width=(0.02, 0.02), length=(0.4, 0.4), **STREAKS)
    wet = effect(half_black(60), uniform(60, effect))[:, 0]
    down = 8
    side = round(slant * down)

    def likeness(shift: int) -> float:
        moved = wet[:, :-down].roll(shift, 2)[..., 8:-8]
        return float((moved * wet[:, down:, 8:-8]).mean())

    assert likeness(side) > 1.5 * likeness(-side)


@pytest.mark.parametrize("length", [0.1, 0.4])
def test_streaks_have_their_length(length: float) -> None:
    """The share of a streak's pixels whose upper neighbour is dry grows as streaks get shorter."""
    effect = Rain(
        slant=(0, 0), width=(0.02, 0.02), length=(length, length), density=(1, 1), **STREAKS
    )
    wet = effect(half_black(80), uniform(80, effect))[:, 0] > 0.2
    starts = (wet[:, 1:] & ~wet[:, :-1]).sum() / wet[:, 1:].sum()
    visible = 1 / float(starts) / 64
    assert 0.4 * length < visible < 1.1 * length


def test_more_density_means_more_rain() -> None:
    rises = []
    for density in (0.1, 0.4, 0.8):
        effect = Rain(density=(density, density), **STREAKS)
        rises.append(effect(half_black(60), uniform(60, effect)).mean().item())
    assert rises[0] < rises[1] < rises[2] < 0.25


def test_streaks_thinner_than_a_pixel_keep_their_light() -> None:
    """They get faint at low resolution instead of wide: the mean stays within a quarter."""
    effect = Rain(width=(0.012, 0.012), density=(1, 1), veil=(0, 0), **STREAKS)
    u = uniform(300, effect)
    lit = [effect(half_black(300, size), u)[:, 0, :-1, :-1] for size in (12, 24, 128)]
    light = [picture.mean().item() for picture in lit]
    assert light[0] == pytest.approx(light[2], rel=0.25)
    assert light[1] == pytest.approx(light[2], rel=0.25)
    contrasts = [picture.std((1, 2)).mean().item() for picture in lit]
    assert contrasts[0] < contrasts[1] < contrasts[2]


# --- snow --------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [0.1, 0.25, 0.4])
@pytest.mark.parametrize("ragged", [0.0, 0.7])
def test_snow_lies_above_as_deep_as_asked(depth: float, ragged: float) -> None:
    effect = Snow(depth=(depth, depth), ragged=(ragged, ragged), **CAP)
    covered = effect(half_black(300, 40), uniform(300, effect))[:, 2, :, :-1]
    assert covered.mean().item() == pytest.approx(depth, rel=0.15)
    rows = covered.mean((0, 2))
    assert (rows[1:] <= rows[:-1] + 0.03).all()
    assert rows[0] > 0.6
    assert rows[round(40 * depth * 1.75) + 2 :].max() == 0


def test_a_ragged_cap_is_ragged_and_a_smooth_one_straight() -> None:
    def spread(ragged: float) -> float:
        effect = Snow(depth=(0.3, 0.3), ragged=(ragged, ragged), **CAP)
        covered = effect(half_black(100), uniform(100, effect))[:, 2, :, :-1]
        return covered.sum(1).std(1).mean().item()

    assert spread(0.0) < 0.01
    assert spread(0.7) > 2


def test_a_tilted_cap_is_deeper_on_its_side() -> None:
    effect = Snow(**{**CAP, "depth": (0.2, 0.2), "tilt": (0.6, 0.6)})
    covered = effect(half_black(100), uniform(100, effect))[:, 2].mean(0)
    assert covered[:, -20:-1].mean() > 1.8 * covered[:, :20].mean()


def test_flakes_are_of_two_sizes_and_as_dense_as_asked() -> None:
    shares = []
    for density in (0.2, 0.5, 1.0):
        effect = Snow(depth=(0, 0), density=(density, density), brightness=(1, 1))
        seen = effect(half_black(100), uniform(100, effect))[:, 2]
        shares.append(seen[:, :32].mean().item())
        # Flakes fall everywhere.
        assert seen[:, :32].mean().item() == pytest.approx(seen[:, 32:].mean().item(), rel=0.2)
    assert 0 < shares[0] < shares[1] < shares[2] < 0.3


def test_snow_is_bluish_never_yellow() -> None:
    effect = Snow(depth=(0.9, 0.9), ragged=(0, 0), density=(0, 0))
    red, green, blue = effect(half_black(20), uniform(20, effect))[:, :, 5].mean((0, 2)).tolist()
    assert 0.6 < red < green < blue


@pytest.mark.parametrize("build", [streak_levels, snow_levels])
def test_textures_repeat_without_a_seam_and_stay(build: object) -> None:
    assert callable(build)
    tile = build()
    assert tile.shape[1:] == (TILE, TILE)
    assert torch.equal(tile, build())
    assert tile.min() >= 0
    assert tile.max() <= 1
    for one in tile:
        for picture in (one, one.T):
            inner = (picture[:, 1:] - picture[:, :-1]).abs().mean()
            assert (picture[:, 0] - picture[:, -1]).abs().mean() < 2 * inner
