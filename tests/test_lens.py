"""The lens: a streak has its angle, length and energy; red and blue move apart along an angle."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from raresign.synthesis.effects.lens import ChromaticAberration, MotionBlur
from synthesis_core import noise, uniform

EXAMPLES = settings(max_examples=25, deadline=None)


def dot(size: int) -> Tensor:
    """White in the middle of black."""
    picture = torch.zeros(1, 3, size, size)
    picture[:, :, size // 2, size // 2] = 1.0
    return picture


def moments(picture: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Centroid (x, y) and covariance of an (H, W) picture, in pixels from its middle."""
    weights = picture.double().numpy() / float(picture.double().sum())
    y, x = np.indices(weights.shape)
    places = np.stack([x - weights.shape[1] // 2, y - weights.shape[0] // 2])
    centre = (places * weights).sum((1, 2))
    off = places - centre[:, None, None]
    return centre, np.einsum("ahw,bhw,hw->ab", off, off, weights)


def blurred(crops: Tensor, length: float, angle: float) -> Tensor:
    n = len(crops)
    params = {"length": torch.full((n,), length), "angle": torch.full((n,), angle)}
    return MotionBlur(length=(length, length)).apply(crops, params)


# --- motion ------------------------------------------------------------------------------------


@EXAMPLES
@given(length=st.floats(0.01, 0.1), angle=st.floats(0, math.pi), size=st.integers(16, 96))
def test_a_streak_has_its_length_angle_and_energy(length: float, angle: float, size: int) -> None:
    """The widest direction of a dot's streak is the motion; y points down."""
    streak = blurred(dot(size), length, angle)[0, 0]
    assert float(streak.sum()) == pytest.approx(1, abs=0.02)  # what leaves the crop is lost
    centre, covariance = moments(streak)
    assert np.abs(centre).max() < 0.05
    if length * size < 1:
        return  # a streak of a pixel has no direction
    values, vectors = np.linalg.eigh(covariance)
    assert math.sqrt(values[1]) == pytest.approx(length * size, rel=0.12)
    along = math.atan2(vectors[1, 1], vectors[0, 1])
    if length * size > 2:
        assert abs(math.remainder(along - angle, math.pi)) < 0.05
        assert math.sqrt(values[0]) < 0.6 * math.sqrt(values[1])


@pytest.mark.parametrize("angle", [0.0, 0.6, math.pi / 2])
def test_motion_blur_is_as_long_at_224_pixels_as_at_64(angle: float) -> None:
    """An old fault: a kernel of 9 x 9 taps cut the streak off."""
    spreads = []
    for size in (64, 128, 224):
        _, covariance = moments(blurred(dot(size), 0.045, angle)[0, 0])
        spreads.append(math.sqrt(np.linalg.eigvalsh(covariance)[1]) / size)
    assert spreads == pytest.approx([spreads[0]] * 3, rel=0.02)
    assert spreads[0] == pytest.approx(0.045, rel=0.1)


def naive_motion_blur(crop: np.ndarray, length: float, angle: float) -> np.ndarray:
    """One (C, S, S) crop, pixel by pixel; the kernel goes to 2.5 standard deviations and more."""
    size = crop.shape[1]
    reach = min(max(2, math.ceil(2.5 * length * size)), size - 1)
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    width = max(0.35, size / 200)
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            along = dx * math.cos(angle) + dy * math.sin(angle)
            across = dy * math.cos(angle) - dx * math.sin(angle)
            kernel[dy + reach, dx + reach] = math.exp(
                -0.5 * ((along / (length * size)) ** 2 + (across / width) ** 2)
            )
    kernel /= kernel.sum()
    result = np.zeros_like(crop)
    for y, x in np.ndindex(size, size):
        for dy in range(-reach, reach + 1):
            for dx in range(-reach, reach + 1):
                place = min(max(y + dy, 0), size - 1), min(max(x + dx, 0), size - 1)
                result[:, y, x] += kernel[dy + reach, dx + reach] * crop[(slice(None), *place)]
    return result


def test_motion_blur_against_a_naive_convolution() -> None:
    crops = noise(3, size=12)
    angles = torch.tensor([0.0, 0.7, 2.5])
    seen = MotionBlur(length=(0.05, 0.1)).apply(
        crops, {"angle": angles, "length": torch.full((3,), 0.1)}
    )
    for i in range(3):
        expected = naive_motion_blur(crops[i].double().numpy(), 0.1, angles[i].item())
        assert np.abs(seen[i].numpy() - expected).max() <= 1e-5


def test_the_longest_length_of_the_range_only_widens_the_kernel() -> None:
    """A streak does not depend on what else the range allows."""
    short = {"angle": torch.tensor([0.4]), "length": torch.tensor([0.02])}
    alone = MotionBlur(length=(0.02, 0.02)).apply(dot(64), short)
    among = MotionBlur(length=(0.02, 0.2)).apply(dot(64), short)
    assert (alone - among).abs().max() < 2e-3


@EXAMPLES
@given(length=st.floats(0.001, 0.2), angle=st.floats(0, math.pi), size=st.integers(2, 40))
def test_blur_averages(length: float, angle: float, size: int) -> None:
    crops = noise(2, size=size)
    seen = blurred(crops, length, angle)
    assert seen.min() >= crops.min() - 1e-5
    assert seen.max() <= crops.max() + 1e-5
    grey = torch.full((1, 3, size, size), 0.3)
    assert (blurred(grey, length, angle) - grey).abs().max() <= 1e-5


@pytest.mark.parametrize(("angle", "axis"), [(0.0, 2), (math.pi / 2, 3)])
def test_what_is_even_along_the_motion_stays(angle: float, axis: int) -> None:
    """At 0 the camera pans: a horizontal line stays a line."""
    lines = torch.zeros(1, 3, 64, 64)
    lines.transpose(2, axis)[:, :, 16:32] = 1.0
    params = {"length": torch.tensor([0.05]), "angle": torch.tensor([angle])}
    seen = MotionBlur().apply(lines, params).transpose(2, axis)
    assert seen[:, :, 20:28].min() > 0.98
    assert seen[:, :, 40:].max() < 0.02


# --- colour fringes ----------------------------------------------------------------------------


@pytest.mark.parametrize("angle", [0.0, 0.8, math.pi / 2, 4.0])
@pytest.mark.parametrize("size", [64, 33])
def test_red_moves_along_the_angle_and_blue_against_it(angle: float, size: int) -> None:
    spot = blurred(dot(size), 0.03, 0.0) + blurred(dot(size), 0.03, math.pi / 2)
    params = {"shift": torch.tensor([0.05]), "angle": torch.tensor([angle])}
    red, green, blue = ChromaticAberration().apply(spot, params)[0]
    assert torch.equal(green, spot[0, 1])
    expected = 0.05 * size * np.array([math.cos(angle), math.sin(angle)])
    still = moments(green)[0]
    assert moments(red)[0] - still == pytest.approx(expected, abs=0.05)
    assert moments(blue)[0] - still == pytest.approx(-expected, abs=0.05)


def test_whole_pixels_move_without_blur_and_the_edge_repeats() -> None:
    crops = noise(1, size=10)
    params = {"shift": torch.tensor([0.2]), "angle": torch.tensor([0.0])}
    seen = ChromaticAberration().apply(crops, params)
    assert (seen[:, 0, :, 2:] - crops[:, 0, :, :-2]).abs().max() <= 1e-5
    assert (seen[:, 0, :, :2] - crops[:, 0, :, :1]).abs().max() <= 1e-5
    assert (seen[:, 2, :, :-2] - crops[:, 2, :, 2:]).abs().max() <= 1e-5
    assert (seen[:, 2, :, -2:] - crops[:, 2, :, -1:]).abs().max() <= 1e-5


def test_no_shift_and_no_colour_edge_change_nothing() -> None:
    crops = noise(4)
    still = ChromaticAberration(shift=(0, 0))
    assert (still(crops, uniform(4, still)) - crops).abs().max() <= 1e-5
