"""JPEG blocks against Pillow's encoder and against the standard, block by block in numpy."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from raresign.synthesis.effects.jpeg import Jpeg
from synthesis_core import LOPSIDED, icon_pictures, noise, uniform

QUALITIES = [1, 5, 20, 49, 50, 75, 90, 100]


def signs(size: int) -> Tensor:
    """(5, 3, size, size) signs on grey, in whole levels of 255, as a camera hands them over."""
    icons = np.stack(icon_pictures(LOPSIDED, size)).astype(np.float64)
    alpha = icons[..., 3:] / 255
    flat = (icons[..., :3] * alpha + 120 * (1 - alpha)).round()
    return torch.from_numpy(flat / 255).permute(0, 3, 1, 2).float()


def coded(crops: Tensor, quality: float, phase: tuple[int, int] = (0, 0)) -> Tensor:
    n = len(crops)
    params = {
        "quality": torch.full((n,), float(quality)),
        "phase": torch.tensor([phase], dtype=torch.float32).expand(n, 2),
    }
    return Jpeg().apply(crops, params)


def of_pillow(crop: Tensor, quality: int, grey: bool) -> np.ndarray:
    """(3, H, W) in 0..255: encoded with colour at half resolution, and decoded."""
    levels = crop.mul(255).round().byte().permute(1, 2, 0).numpy()
    picture = Image.fromarray(levels[..., 0] if grey else levels)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality, subsampling=-1 if grey else 2)
    return np.asarray(Image.open(file).convert("RGB"), np.float64).transpose(2, 0, 1)


# --- against Pillow ----------------------------------------------------------------------------


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize(("grey", "most"), [(True, 0.9), (False, 2.8)])
def test_coded_pictures_are_those_of_pillow(grey: bool, most: float, quality: int) -> None:
    """Pillow counts in whole numbers: a wave between two steps may fall to the other one.

    Measured in levels of 255, on average over a picture: 0.2 to 0.7 for grey, 0.6 to 2.4 for
    colour, where coding loses 3 to 30.
    """
    crops = signs(48)
    if grey:
        crops = crops[:, 1:2].expand(-1, 3, -1, -1).contiguous()
    ours = coded(crops, quality).mul(255).numpy()
    theirs = np.stack([of_pillow(crop, quality, grey) for crop in crops])
    assert np.abs(ours - theirs).mean() < most
    assert np.percentile(np.abs(ours - theirs), 90) < 3 * most
    before = crops.mul(255).numpy()
    lost = np.corrcoef((ours - before).ravel(), (theirs - before).ravel())[0, 1]
    assert lost > (0.95 if quality < 100 or not grey else 0.3)  # the same halos, not just as many


# --- against the standard ----------------------------------------------------------------------

LUMA_TABLE = [
    [16, 11, 10, 16, 24, 40, 51, 61],
    [12, 12, 14, 19, 26, 58, 60, 55],
    [14, 13, 16, 24, 40, 57, 69, 56],
    [14, 17, 22, 29, 51, 87, 80, 62],
    [18, 22, 37, 56, 68, 109, 103, 77],
    [24, 35, 55, 64, 81, 104, 113, 92],
    [49, 64, 78, 87, 103, 121, 120, 101],
    [72, 92, 95, 98, 112, 100, 103, 99],
]
CHROMA_TABLE = np.full((8, 8), 99)
CHROMA_TABLE[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]
COSINES = np.array(
    [
        [
            math.cos((2 * x + 1) * k * math.pi / 16) * (math.sqrt(0.5) if k == 0 else 1) / 2
            for x in range(8)
        ]
        for k in range(8)
    ]
)


def naive_blocks(plane: np.ndarray, table: np.ndarray, quality: float) -> np.ndarray:
    """Each 8 x 8 block of a plane to cosines, to whole steps, and back."""
    percent = math.floor(5000 / quality if quality < 50 else 200 - 2 * quality)
    steps = np.clip((np.asarray(table) * percent + 50) // 100, 1, 255)
    result = np.zeros_like(plane)
    for top in range(0, plane.shape[0], 8):
        for left in range(0, plane.shape[1], 8):
            waves = COSINES @ plane[top : top + 8, left : left + 8] @ COSINES.T
            waves = np.round(waves / steps) * steps
            result[top : top + 8, left : left + 8] = COSINES.T @ waves @ COSINES
    return result


def doubled(plane: np.ndarray) -> np.ndarray:
    """Twice as many rows: each is three quarters of the nearest and a quarter of the next."""
    rows = []
    for k, row in enumerate(plane):
        for neighbour in (max(k - 1, 0), min(k + 1, len(plane) - 1)):
            rows.append(0.75 * row + 0.25 * plane[neighbour])
    return np.stack(rows)


def naive_jpeg(crop: np.ndarray, quality: float, x: int, y: int) -> np.ndarray:
    """(3, S, S) in [0, 1] whose first column is column x of a block of 16, its first row row y."""
    size = crop.shape[1]
    whole = 16 * math.ceil((size + 15) / 16)
    rows = np.clip(np.arange(whole) - y, 0, size - 1)
    columns = np.clip(np.arange(whole) - x, 0, size - 1)
    red, green, blue = crop[:, rows][:, :, columns] * 255
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    planes = [naive_blocks(luma - 128, np.array(LUMA_TABLE), quality) + 128]
    for channel in ((blue - luma) / 1.772, (red - luma) / 1.402):
        half = channel.reshape(whole // 2, 2, whole // 2, 2).mean((1, 3))
        kept = naive_blocks(half, CHROMA_TABLE, quality)
        planes.append(doubled(doubled(kept).T).T)
    luma, cb, cr = planes
    red, blue = luma + 1.402 * cr, luma + 1.772 * cb
    green = (luma - 0.299 * red - 0.114 * blue) / 0.587
    seen = np.stack([red, green, blue])[:, y : y + size, x : x + size] / 255
    return np.clip(seen, 0, 1)


@pytest.mark.parametrize("phase", [(0, 0), (3, 0), (0, 5), (8, 13), (15, 15)])
@pytest.mark.parametrize(("size", "quality"), [(24, 30.0), (13, 70.5), (8, 96.0)])
def test_against_the_standard_block_by_block(
    size: int, quality: float, phase: tuple[int, int]
) -> None:
    """A wave on the edge between two steps may fall either way: a few pixels may differ."""
    crops = noise(3, size=size, seed=7)
    seen = coded(crops, quality, phase).numpy()
    expected = np.stack([naive_jpeg(crop.double().numpy(), quality, *phase) for crop in crops])
    assert np.abs(seen - expected).mean() < 1e-3
    assert (np.abs(seen - expected) < 1e-3).mean() > 0.95


@pytest.mark.parametrize("shift", [0, 1, 5, 8, 15])
@pytest.mark.parametrize("axis", [2, 3])
def test_the_grid_of_blocks_begins_where_the_phase_says(axis: int, shift: int) -> None:
    """At the lowest quality a slope becomes steps of eight pixels."""
    slope = torch.linspace(0.2, 0.8, 40).expand(1, 3, 40, 40).transpose(axis, 3).contiguous()
    phase = (shift, 0) if axis == 3 else (0, shift)
    seen = coded(slope, 1, phase).transpose(axis, 3)[0, 0, 20]
    jumps = (seen.diff().abs() > 0.02).nonzero().squeeze(1) + 1
    assert len(jumps) >= 3
    assert set(((jumps + shift) % 8).tolist()) == {0}


def test_a_crop_of_a_coded_picture_is_the_coded_crop_of_its_phase() -> None:
    """Away from the edge, whose blocks the crop does not know."""
    picture = signs(64)
    whole = coded(picture, 40)
    cut = coded(picture[:, :, 3:51, 6:54].contiguous(), 40, (6, 3))
    assert (cut - whole[:, :, 3:51, 6:54])[:, :, 14:28, 11:41].abs().max() < 0.02


# --- properties --------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(size=st.integers(1, 64), quality=st.floats(1, 100), seed=st.integers(0, 2**30))
def test_any_size_and_quality_give_a_picture(size: int, quality: float, seed: int) -> None:
    crops = noise(2, size=size, seed=seed) * 1.4 - 0.2
    seen = Jpeg(quality=(quality, quality))(crops, uniform(2, Jpeg, seed))
    assert torch.isfinite(seen).all()
    assert seen.min() >= 0
    assert seen.max() <= 1


def test_the_worse_the_quality_the_more_is_lost() -> None:
    crops = signs(48)
    lost = [float((coded(crops, quality) - crops).abs().mean()) for quality in QUALITIES]
    assert lost == sorted(lost, reverse=True)
    assert lost[-1] < 0.025
    assert lost[0] > 0.06


def test_a_constant_crop_keeps_its_colour_at_good_quality() -> None:
    for colour in ((0.5, 0.5, 0.5), (0.9, 0.1, 0.2), (0.0, 0.3, 0.6)):
        flat = torch.tensor(colour).view(1, 3, 1, 1).expand(1, 3, 20, 20).contiguous()
        assert (coded(flat, 95, (5, 9)) - flat).abs().max() < 0.012


def test_phases_are_even_and_whole() -> None:
    phase = Jpeg().sample(uniform(8000, Jpeg))["phase"]
    for axis in (0, 1):
        counts = torch.bincount(phase[:, axis].long(), minlength=16)
        assert len(counts) == 16
        assert counts.tolist() == pytest.approx([500] * 16, abs=100)
