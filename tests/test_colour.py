"""Colour maps against loops and formulas: fused as one by one, premultiplied as straight."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from raresign.synthesis.effect import ColourEffect, apply_colour, compose_colour, identity_colour
from raresign.synthesis.effects.colour import ColourCast, Exposure, Fading, Haze, Saturation
from raresign.synthesis.effects.readout import ToneCurve
from synthesis_core import keys, layers, noise, uniform

KINDS: list[type[ColourEffect]] = [Fading, Exposure, ColourCast, Haze, Saturation]
EXAMPLES = settings(max_examples=40, deadline=None)

# Written down once more: sRGB values of the inks, and what decades of sun make of them.
INKS = {
    "red": ((0.75, 0.09, 0.13), (0.66, 0.52, 0.46)),
    "blue": ((0.0, 0.27, 0.6), (0.6, 0.67, 0.74)),
    "yellow": ((0.97, 0.77, 0.05), (0.88, 0.83, 0.62)),
    "white": ((1.0, 1.0, 1.0), (0.93, 0.87, 0.68)),
    "black": ((0.0, 0.0, 0.0), (0.38, 0.37, 0.35)),
}


def one(colour: tuple[float, ...]) -> Tensor:
    """A picture of one pixel."""
    return torch.tensor(colour).view(1, -1, 1, 1)


def mapped(effect: ColourEffect, colour: tuple[float, ...], **values: float) -> list[float]:
    """What an effect of these values makes of one colour."""
    params = {name: torch.tensor([value]) for name, value in values.items()}
    return apply_colour(one(colour), effect.matrix(params)).flatten().tolist()


# --- maps --------------------------------------------------------------------------------------


def test_colour_maps_against_a_loop_over_pixels() -> None:
    pictures, matrix = noise(2, 4, size=3), keys(2, 5).uniform(-1.0, 1.0, 3, 4)
    seen = apply_colour(pictures, matrix)
    opaque = apply_colour(pictures[:, :3], matrix)
    for i, y, x in np.ndindex(2, 3, 3):
        colour = pictures[i, :, y, x]
        for c in range(3):
            premultiplied = sum(float(matrix[i, c, k] * colour[k]) for k in range(4))
            assert seen[i, c, y, x].item() == pytest.approx(premultiplied, abs=1e-5)
            straight = sum(float(matrix[i, c, k] * colour[k]) for k in range(3))
            straight += float(matrix[i, c, 3])
            assert opaque[i, c, y, x].item() == pytest.approx(straight, abs=1e-5)
        assert seen[i, 3, y, x] == colour[3]


@pytest.mark.parametrize("channels", [3, 4])
def test_one_fused_matrix_equals_the_effects_one_after_another(channels: int) -> None:
    pictures = noise(9) if channels == 3 else layers(9)
    one_by_one, maps = pictures, []
    for seed, kind in enumerate(KINDS):
        effect = kind()
        u = uniform(9, effect, seed)
        one_by_one = effect(one_by_one, u)
        maps.append(effect.matrix(effect.sample(u)))
    assert (apply_colour(pictures, compose_colour(maps)) - one_by_one).abs().max() <= 1e-5


def test_maps_compose_first_to_last() -> None:
    double, lift = torch.eye(3, 4)[None] * 2, torch.eye(3, 4)[None].clone()
    lift[:, :, 3] = 0.5
    colour = one((0.1, 0.2, 0.3))
    doubled_first = apply_colour(colour, compose_colour([double, lift])).flatten()
    lifted_first = apply_colour(colour, compose_colour([lift, double])).flatten()
    assert doubled_first.tolist() == pytest.approx([0.7, 0.9, 1.1])
    assert lifted_first.tolist() == pytest.approx([1.2, 1.4, 1.6])
    assert torch.equal(compose_colour([double]), double)


def test_composing_does_not_change_what_it_composes() -> None:
    maps = [keys(3, seed).uniform(-1.0, 1.0, 3, 4) for seed in range(4)]
    before = [matrix.clone() for matrix in maps]
    compose_colour(maps)
    assert all(map(torch.equal, maps, before))
    identity = identity_colour(2, torch.zeros(1))
    assert torch.equal(apply_colour(noise(2), identity), noise(2))


@pytest.mark.parametrize("kind", KINDS)
def test_premultiplied_colour_is_the_straight_colour_mapped(kind: type[ColourEffect]) -> None:
    alpha, colour = noise(6, 1), noise(6, 3, seed=4)
    matrix = kind().matrix(kind().sample(uniform(6, kind)))
    seen = apply_colour(torch.cat([colour * alpha, alpha], 1), matrix)
    assert (seen[:, :3] - apply_colour(colour, matrix) * alpha).abs().max() <= 1e-5
    assert torch.equal(seen[:, 3:], alpha)


# --- fading ------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [3, 4])
def test_nothing_faded_is_the_identity(channels: int) -> None:
    pictures = noise(4) if channels == 3 else layers(4)
    fresh = Fading(**dict.fromkeys(INKS, (0.0, 0.0)))
    assert (fresh(pictures, uniform(4, fresh)) - pictures).abs().max() <= 1e-5


@pytest.mark.parametrize("ink", INKS)
def test_wholly_faded_inks_come_near_their_faded_colours(ink: str) -> None:
    """One affine map cannot meet five colours exactly; measured: the worst is 0.123 off."""
    seen = mapped(Fading(), INKS[ink][0], **dict.fromkeys(INKS, 1.0))
    assert np.abs(np.subtract(seen, INKS[ink][1])).max() < 0.13
    assert np.abs(np.subtract(seen, INKS[ink][1])).mean() < 0.1


@EXAMPLES
@given(shares=st.lists(st.floats(0, 1), min_size=5, max_size=5))
def test_fading_is_the_least_squares_map(shares: list[float]) -> None:
    """Against numpy's solver."""
    before = np.array([(*INKS[ink][0], 1.0) for ink in INKS])
    after = np.array([INKS[ink][1] for ink in INKS])
    targets = before[:, :3] + np.array(shares)[:, None] * (after - before[:, :3])
    best = np.linalg.lstsq(before, targets, rcond=None)[0].T
    params = {ink: torch.tensor([share]) for ink, share in zip(INKS, shares, strict=True)}
    assert np.abs(Fading().matrix(params)[0].numpy() - best).max() < 1e-4


def test_red_goes_first_and_turns_grey_brown() -> None:
    """A fresh blue and white stay while red alone loses most of its colour."""
    alone = dict.fromkeys(INKS, 0.0) | {"red": 1.0}
    red = mapped(Fading(), INKS["red"][0], **alone)
    assert max(red) - min(red) < 0.5 * (0.75 - 0.09)
    for ink in ("blue", "white", "black", "yellow"):
        kept = mapped(Fading(), INKS[ink][0], **alone)
        assert np.abs(np.subtract(kept, INKS[ink][0])).max() < 0.12


def test_each_ink_has_its_own_draw_and_order() -> None:
    params = Fading(**dict.fromkeys(INKS, (0.0, 1.0))).sample(torch.arange(5.0)[None] / 5)
    assert {ink: params[ink].item() for ink in params} == pytest.approx(
        {"red": 0.0, "blue": 0.2, "yellow": 0.4, "white": 0.6, "black": 0.8}
    )


# --- the camera's colours ----------------------------------------------------------------------


@pytest.mark.parametrize("amount", [0.0, 0.5, 1.0, 1.7])
def test_saturation_scales_the_distance_from_luma(amount: float) -> None:
    red, green, blue = 0.9, 0.3, 0.05
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    expected = [luma + amount * (value - luma) for value in (red, green, blue)]
    seen = mapped(Saturation(), (red, green, blue), amount=amount)
    assert seen == pytest.approx(expected, abs=1e-6)
    assert np.dot(seen, (0.299, 0.587, 0.114)) == pytest.approx(luma, abs=1e-6)


def test_exposure_is_a_gain_even_in_the_logarithm() -> None:
    assert mapped(Exposure(), (0.1, 0.2, 0.3), gain=1.5) == pytest.approx([0.15, 0.3, 0.45])
    gains = Exposure(gain=(0.25, 4.0)).sample(uniform(2000, Exposure))["gain"]
    assert gains.min() < 0.26
    assert gains.max() > 3.9
    assert abs(float((gains < 1).double().mean()) - 0.5) < 0.05


@EXAMPLES
@given(warmth=st.floats(-1, 1), tint=st.floats(-1, 1))
def test_a_cast_moves_red_against_blue_and_green_alone(warmth: float, tint: float) -> None:
    red, green, blue = mapped(ColourCast(), (1.0, 1.0, 1.0), warmth=warmth, tint=tint)
    assert math.log(red / blue) / 2 == pytest.approx(warmth, abs=1e-5)
    assert red * blue == pytest.approx(1.0, rel=1e-5)
    assert math.log(green) == pytest.approx(tint, abs=1e-5)


@EXAMPLES
@given(contrast=st.floats(0, 1), veil=st.floats(0, 1), warmth=st.floats(-0.2, 0.2))
def test_haze_lies_between_the_colour_and_the_veil(
    contrast: float, veil: float, warmth: float
) -> None:
    colour = (0.9, 0.2, 0.1)
    tinted = (veil * (1 + warmth), veil, veil * (1 - warmth))
    expected = [contrast * c + (1 - contrast) * v for c, v in zip(colour, tinted, strict=True)]
    seen = mapped(Haze(), colour, contrast=contrast, veil=veil, warmth=warmth)
    assert seen == pytest.approx(expected, abs=1e-5)


def test_haze_keeps_the_order_of_brightness_and_full_contrast_keeps_all() -> None:
    pictures = noise(4)
    clear = Haze(contrast=(1, 1))
    assert (clear(pictures, uniform(4, clear)) - pictures).abs().max() <= 1e-6
    hazy = Haze(contrast=(0.4, 0.4))(pictures, uniform(4, Haze))
    spread = (hazy.amax((2, 3)) - hazy.amin((2, 3))) / (
        pictures.amax((2, 3)) - pictures.amin((2, 3))
    )
    assert (spread - 0.4).abs().max() <= 1e-4


def test_tone_curve_against_a_loop() -> None:
    crops = noise(3, size=4) * 1.4 - 0.2  # some beyond black and white
    params = ToneCurve().sample(uniform(3, ToneCurve))
    curved = ToneCurve().apply(crops, params)
    for i in range(3):
        gamma = params["gamma"][i].item()
        for value, before in zip(curved[i].flatten(), crops[i].flatten(), strict=True):
            expected = min(max(before.item(), 1e-4), 1.0) ** gamma
            assert value.item() == pytest.approx(expected, abs=1e-5)


def test_a_tone_curve_keeps_black_white_and_order() -> None:
    ramp = torch.linspace(0, 1, 64).expand(5, 3, 1, 64)
    curved = ToneCurve(gamma=(0.3, 4))(ramp, uniform(5, ToneCurve))
    assert (curved.diff(dim=3) >= 0).all()
    assert curved[..., -1].min() == 1
    assert (ToneCurve(gamma=(1, 1))(ramp, uniform(5, ToneCurve)) - ramp).abs().max() <= 1.1e-4
