"""Textures: read bilinearly, wrapped around without a seam, as evenly distributed as they say."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from raresign.synthesis.textures import TILE, grain, look_up
from synthesis_core import keys


def numbers() -> Tensor:
    """(2, TILE, TILE): a channel of columns' numbers, a channel of rows'."""
    steps = torch.arange(float(TILE))
    return torch.stack([steps.expand(TILE, TILE), steps[:, None].expand(TILE, TILE)])


def naive_look_up(texture: np.ndarray, x: float, y: float) -> float:
    """Bilinear, in tiles, with the indices wrapped around."""
    column, row = x * TILE - 0.5, y * TILE - 0.5
    left, top = int(np.floor(column)), int(np.floor(row))
    total = 0.0
    for r in (top, top + 1):
        for c in (left, left + 1):
            weight = (1 - abs(column - c)) * (1 - abs(row - r))
            total += weight * texture[r % TILE, c % TILE]
    return total


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**30), around=st.integers(-3, 3))
def test_looking_up_against_a_loop(seed: int, around: int) -> None:
    places = keys(2, seed).uniform(0.0, 1.0, 3, 4, 2) + around
    seen = look_up(grain, places)
    assert seen.shape == (2, 1, 3, 4)
    texture = grain()[0].double().numpy()
    for i, y, x in np.ndindex(2, 3, 4):
        expected = naive_look_up(texture, *places[i, y, x].double().tolist())
        assert seen[i, 0, y, x].item() == pytest.approx(expected, abs=2e-3)


def test_x_is_across_and_y_is_down() -> None:
    places = torch.tensor([[10.5, 200.5], [0.5, 0.5], [255.5, 255.5]]).view(1, 1, 3, 2) / TILE
    seen = look_up(numbers, places)[0, :, 0]
    assert seen[0].tolist() == pytest.approx([10, 0, 255], abs=1e-2)
    assert seen[1].tolist() == pytest.approx([200, 0, 255], abs=1e-2)


@pytest.mark.parametrize("edge", [0.0, 1.0, -1.0, 1 - 2**-24, -1e-9, 5.0])
def test_there_is_no_seam(edge: float) -> None:
    """At the edge of a tile the last and the first texel meet half and half."""
    places = torch.tensor([[edge, 0.3]]).view(1, 1, 1, 2)
    texture, row = grain()[0], int(0.3 * TILE)
    column = (texture[:, 0] + texture[:, -1]) / 2
    seen = look_up(grain, places).item()
    assert column[row - 1 : row + 2].min() - 1e-3 <= seen <= column[row - 1 : row + 2].max() + 1e-3


def test_walking_across_the_edge_makes_no_jump() -> None:
    walk = torch.stack([torch.linspace(-0.02, 0.02, 400), torch.full((400,), 0.77)], 1)
    seen = look_up(grain, walk.view(1, 1, 400, 2)).flatten()
    assert seen.diff().abs().max() < 0.03


def test_grain_covers_what_a_threshold_says_and_is_the_same_every_time() -> None:
    texture = grain()
    assert texture.shape == (1, TILE, TILE)
    for share in (0.01, 0.25, 0.5, 0.9):
        assert float((texture < share).double().mean()) == pytest.approx(share, abs=1e-4)
    assert torch.equal(texture, grain())


def test_grain_is_coherent_and_tiles() -> None:
    """Neighbours are alike, across the edge as much as inside; far texels are not."""
    texture = grain()[0] - 0.5
    power = (texture**2).mean()
    inside = (texture[:, 1:] * texture[:, :-1]).mean() / power
    across = (texture[:, 0] * texture[:, -1]).mean() / (texture[:, 0] ** 2).mean()
    far = (texture * texture.roll((97, 83), (0, 1))).mean() / power
    assert inside > 0.9
    assert across > 0.8
    assert abs(far) < 0.15


def test_a_texture_is_built_once() -> None:
    built = []

    def counted() -> Tensor:
        built.append(1)
        return grain()

    for _ in range(3):
        look_up(counted, torch.rand(1, 2, 2, 2))
    assert len(built) == 1
