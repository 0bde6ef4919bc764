"""The sensor's resampling against naive averages and Pillow; a crop knows only its own pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from raresign.synthesis.effects.sensor import Sensor, along_both, enlarging_matrix, shrinking_matrix
from synthesis_core import noise, uniform

EXAMPLES = settings(max_examples=40, deadline=None)


def line(pixels: float, blur: float, size: int, grid: int | None = None) -> Tensor:
    matrix = shrinking_matrix(torch.tensor([pixels]), torch.tensor([blur]), size, grid or size)
    return matrix[0]


def enlarged(pixels: float, cubic: float, size: int, grid: int | None = None) -> Tensor:
    matrix = enlarging_matrix(torch.tensor([pixels]), torch.tensor([cubic]), size, grid or size)
    return matrix[0]


# --- shrinking ---------------------------------------------------------------------------------


def naive_shrink(pixels: int, blur: float, size: int) -> np.ndarray:
    """Each input pixel is a Gaussian around its centre; sensor pixel i counts its mass."""
    step = size / pixels
    sigma = max(blur * step, 0.25)
    weights = np.zeros((pixels, size))
    fine = 400
    for j in range(size):
        # Integrated by brute force: the Gaussian at many places, each counted where it falls.
        offset = (np.arange(-6 * fine, 6 * fine) + 0.5) / fine * sigma
        mass = np.exp(-0.5 * (offset / sigma) ** 2)
        cell = np.floor((j + 0.5 + offset) / step).astype(int)
        inside = (cell >= 0) & (cell < pixels)
        weights[:, j] = np.bincount(cell[inside], mass[inside], minlength=pixels) / mass.sum()
    return weights / weights.sum(1, keepdims=True)


@EXAMPLES
@given(size=st.integers(4, 40), share=st.floats(0.1, 1.0), blur=st.floats(0.0, 2.0))
def test_shrinking_is_the_mass_of_gaussians(size: int, share: float, blur: float) -> None:
    pixels = max(1, round(size * share))
    found = line(pixels, blur, size).numpy()
    expected = naive_shrink(pixels, blur, size)
    assert np.abs(found[:pixels] - expected).max() < 2e-3
    assert np.abs(found[pixels:] - expected[-1]).max(initial=0.0) < 2e-3


@EXAMPLES
@given(size=st.integers(2, 96), data=st.data(), blur=st.floats(0.0, 3.0))
def test_rows_are_averages_and_the_last_one_is_repeated(
    size: int, data: st.DataObject, blur: float
) -> None:
    pixels = data.draw(st.integers(1, size))
    grid = data.draw(st.integers(pixels, size + 5))
    rows = line(pixels, blur, size, grid)
    assert rows.shape == (grid, size)
    assert (rows.sum(1) - 1).abs().max() <= 1e-5
    assert rows.min() >= -1e-6
    assert torch.equal(rows[pixels:], rows[pixels - 1].expand(grid - pixels, size))
    assert torch.equal(rows[:pixels], line(pixels, blur, size, pixels))


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_a_whole_factor_is_the_average_of_pillow(factor: int) -> None:
    """The lens is sharp up to a quarter of an input pixel, so edges between cells mix a little."""
    size = 64
    picture = noise(1, size=size)[0]
    matrix = line(size / factor, 0.0, size)[None]
    seen = along_both(picture[None], matrix, matrix)[0]
    cells = size // factor
    for channel in range(3):
        small = Image.fromarray(picture[channel].numpy()).resize(
            (cells, cells), Image.Resampling.BOX
        )
        ours = seen[channel, :cells, :cells].numpy()
        assert np.abs(ours - np.asarray(small)).mean() < 0.15 / factor**2
        assert np.corrcoef(ours.ravel(), np.ravel(small))[0, 1] > 0.995


def test_nothing_aliases() -> None:
    """The finest grating becomes flat grey on half the pixels."""
    grating = (torch.arange(64) % 2).float()
    for pixels in (7, 16, 31):
        seen = line(pixels, 0.6, 64)[:pixels] @ grating
        assert (seen[1:-1] - 0.5).abs().max() < 0.03


def test_blur_is_counted_in_sensor_pixels() -> None:
    """A point on the sensor is as wide, in its pixels, whatever the crop's size."""
    for size, pixels in ((64, 16), (224, 16), (96, 24)):
        point = torch.zeros(size)
        point[size // 2] = 1.0
        seen = line(pixels, 1.2, size)[:pixels] @ point
        place = torch.arange(float(pixels))
        middle = (seen * place).sum() / seen.sum()
        spread = ((seen * (place - middle) ** 2).sum() / seen.sum()).sqrt()
        assert spread.item() == pytest.approx(math.sqrt(1.2**2 + 1 / 12), rel=0.03)


# --- enlarging ---------------------------------------------------------------------------------


def naive_enlarge(values: np.ndarray, cubic: float, size: int) -> np.ndarray:
    """Interpolate one line, sample by sample."""
    pixels = len(values)
    result = np.zeros(size)
    for i in range(size):
        place = (i + 0.5) * pixels / size - 0.5
        weights = []
        for k in range(pixels):
            d = abs(place - k)
            tent = max(0.0, 1 - d)
            keys_ = 0.0
            if d < 1:
                keys_ = 1.5 * d**3 - 2.5 * d**2 + 1
            elif d < 2:
                keys_ = -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
            weights.append((1 - cubic) * tent + cubic * keys_)
        result[i] = np.dot(weights, values) / sum(weights)
    return result


@EXAMPLES
@given(size=st.integers(4, 48), data=st.data(), cubic=st.floats(0.0, 1.0))
def test_enlarging_against_a_loop(size: int, data: st.DataObject, cubic: float) -> None:
    pixels = data.draw(st.integers(1, size))
    grid = data.draw(st.integers(pixels, size + 4))
    values = noise(1, size=60)[0, 0, 0, :grid]
    ours = enlarged(pixels, cubic, size, grid) @ values  # values from `pixels` on must not count
    expected = naive_enlarge(values[:pixels].double().numpy(), cubic, size)
    assert np.abs(ours.numpy() - expected).max() < 1e-5


@pytest.mark.parametrize("pixels", [8, 13, 32])
@pytest.mark.parametrize(
    ("cubic", "kernel"), [(0.0, Image.Resampling.BILINEAR), (1.0, Image.Resampling.BICUBIC)]
)
def test_enlarging_is_that_of_pillow(cubic: float, kernel: Image.Resampling, pixels: int) -> None:
    """Up to the edge: there the weights of the pixels that there are add up to 1."""
    crop = noise(1, size=pixels)
    params = {"pixels": torch.tensor([float(pixels)]), "cubic": torch.tensor([cubic])}
    ours = Sensor().enlarge(crop, params, 64)[0]
    for channel in range(3):
        theirs = np.asarray(Image.fromarray(crop[0, channel].numpy()).resize((64, 64), kernel))
        assert np.abs(ours[channel].numpy() - theirs).max() < 1e-5


@EXAMPLES
@given(size=st.integers(2, 96), data=st.data(), cubic=st.floats(0.0, 1.0))
def test_enlarging_keeps_a_constant(size: int, data: st.DataObject, cubic: float) -> None:
    matrix = enlarged(data.draw(st.integers(1, size)), cubic, size)
    assert (matrix.sum(1) - 1).abs().max() <= 1e-5


def test_as_many_pixels_as_the_crop_change_nothing() -> None:
    for cubic in (0.0, 0.5, 1.0):
        assert (enlarged(48, cubic, 48) - torch.eye(48)).abs().max() <= 1e-6


# --- the whole sensor --------------------------------------------------------------------------


@EXAMPLES
@given(
    pixels=st.integers(1, 64),
    blur=st.floats(0, 2),
    value=st.floats(0, 1),
    size=st.integers(1, 96),
)
def test_a_constant_crop_stays_constant(pixels: int, blur: float, value: float, size: int) -> None:
    sensor = Sensor(pixels=(pixels, pixels), blur=(blur, blur))
    params = sensor.sample(uniform(1, sensor))
    crop = torch.full((1, 3, size, size), value)
    seen = sensor.see(crop, params, size)
    assert (sensor.enlarge(seen, params, size) - crop).abs().max() <= 1e-4


def test_the_whole_sensor_against_matrices_one_by_one() -> None:
    """Rows and columns are not mixed up, in a crop that is not symmetric."""
    crops = noise(3, size=20)
    sensor = Sensor(pixels=(6, 20))
    params = sensor.sample(uniform(3, sensor))
    seen = sensor.see(crops, params, 20)
    made = sensor.enlarge(seen, params, 20)
    for i in range(3):
        pixels, cubic = int(params["pixels"][i]), params["cubic"][i].item()
        down = naive_shrink(pixels, params["blur"][i].item(), 20)
        for channel in range(3):
            small = down @ crops[i, channel].double().numpy() @ down.T
            assert np.abs(seen[i, channel, :pixels, :pixels].numpy() - small).max() < 2e-3
            wide = np.stack([naive_enlarge(row, cubic, 20) for row in small])
            whole = np.stack([naive_enlarge(column, cubic, 20) for column in wide.T]).T
            assert np.abs(made[i, channel].numpy() - whole).max() < 3e-3


@pytest.mark.parametrize("grid", [12, 16, 32, 64])
def test_the_grid_makes_no_difference_to_a_crop(grid: int) -> None:
    """Crops of few pixels are seen on a small grid, whose size must not show."""
    crops, sensor = noise(4, size=64), Sensor(pixels=(8, 12))
    params = sensor.sample(uniform(4, sensor))
    small = sensor.enlarge(sensor.see(crops, params, 12), params, 64)
    assert (sensor.enlarge(sensor.see(crops, params, grid), params, 64) - small).abs().max() < 1e-5


def test_more_pixels_than_the_crop_has_count_as_its_own() -> None:
    crops = noise(2, size=16)
    values = [
        {"pixels": torch.full((2,), pixels), "blur": torch.ones(2), "cubic": torch.ones(2)}
        for pixels in (16.0, 4096.0)
    ]
    own, more = (Sensor().see(crops, params, 16) for params in values)
    assert torch.equal(own, more)
    assert torch.equal(*(Sensor().enlarge(own, params, 16) for params in values))


@EXAMPLES
@given(low=st.integers(1, 200), more=st.integers(0, 200), seed=st.integers(0, 2**40))
def test_sensor_pixels_are_whole_and_in_range(low: int, more: int, seed: int) -> None:
    sensor = Sensor(pixels=(low, low + more))
    pixels = sensor.sample(uniform(32, sensor, seed))["pixels"]
    assert torch.equal(pixels, pixels.round())
    assert pixels.min() >= low
    assert pixels.max() <= low + more
