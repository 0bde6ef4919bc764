"""Occlusion: as much is hidden as asked, from the side that was drawn; the rest is untouched."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from raresign.synthesis.effect import CropEffect, Params
from raresign.synthesis.effects.occlusion import Branches, FrameEdge, Post, TightBox, _ramp, foliage
from raresign.synthesis.textures import TILE
from synthesis_core import noise, uniform

EXAMPLES = settings(max_examples=25, deadline=None)


def hidden(effect: CropEffect, params: Params, n: int, size: int) -> Tensor:
    """(n, size, size) share of each pixel of a white crop that something black hides."""
    return 1 - effect.apply(torch.ones(n, 3, size, size), params)[:, 0]


@pytest.mark.parametrize(
    "effect", [Branches(cover=(0, 0)), Post(width=(0, 0)), FrameEdge(cut=(0, 0))], ids=repr
)
def test_no_strength_changes_nothing(effect: CropEffect) -> None:
    crops = noise(60)
    assert (effect(crops, uniform(60, effect)) - crops).abs().max() <= 1e-6


@EXAMPLES
@given(
    kind=st.sampled_from([Branches, Post, FrameEdge]),
    size=st.integers(8, 96),
    seed=st.integers(0, 10_000),
)
def test_what_is_in_front_is_no_brighter_than_the_scene(
    kind: type[CropEffect], size: int, seed: int
) -> None:
    effect = kind()
    crops = noise(4, 3, size, seed)
    seen = effect(crops, uniform(4, effect, seed))
    assert seen.isfinite().all()
    assert seen.min() >= 0
    assert (seen.amax((1, 2, 3)) <= crops.amax((1, 2, 3)) + 1e-5).all()


# --- branches ----------------------------------------------------------------------------------


@pytest.mark.parametrize("cover", [0.05, 0.2, 0.5, 0.8])
@pytest.mark.parametrize("size", [24, 64])
def test_leaves_hide_the_share_asked_for(cover: float, size: int) -> None:
    effect = Branches(cover=(cover, cover), bare=0, brightness=(0, 0))
    share = hidden(effect, effect.sample(uniform(300, effect)), 300, size).mean((1, 2))
    assert share.mean().item() == pytest.approx(cover, rel=0.12)
    assert share.std() < 0.12


def test_bare_twigs_hide_a_third() -> None:
    effect = Branches(cover=(0.4, 0.4), bare=1, brightness=(0, 0))
    share = hidden(effect, effect.sample(uniform(300, effect)), 300, 64).mean().item()
    assert share == pytest.approx(0.4 / 3, rel=0.2)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize("bare", [0.0, 1.0])
def test_branches_come_from_their_side(axis: int, side: float, bare: float) -> None:
    """Side 1 is left or top; what lies opposite stays free."""
    effect = Branches(cover=(0.3, 0.3), bare=bare, brightness=(0, 0))
    params = effect.sample(uniform(100, effect))
    params["sides"] = torch.full((100, 2), side)
    params["reach"] = torch.eye(2)[axis].expand(100, 2)
    profile = hidden(effect, params, 100, 32).mean((0, 1) if axis == 0 else (0, 2))
    near, far = (profile[:8], profile[-8:]) if side > 0 else (profile[-8:], profile[:8])
    assert near.mean() > 0.2
    assert far.max() == 0


@EXAMPLES
@given(mean=st.floats(0, 1))
def test_the_ramp_has_its_mean(mean: float) -> None:
    way = (torch.arange(10_000, dtype=torch.float64) + 0.5) / 10_000
    ramp = _ramp(way, torch.tensor(mean, dtype=torch.float64))
    assert ramp.mean().item() == pytest.approx(mean, abs=1e-3)
    assert (ramp[1:] <= ramp[:-1]).all()


def test_leaves_go_from_green_to_brown_and_hang_dark() -> None:
    effect = Branches(cover=(0.9, 0.9), bare=0, brightness=(0.7, 0.7))
    means = []
    for autumn in (0.0, 1.0):
        params = effect.sample(uniform(40, effect))
        params["autumn"] = torch.full((40,), autumn)
        means.append(effect.apply(torch.ones(40, 3, 24, 24), params).amin(0).mean((1, 2)))
    green, brown = means
    assert green[1] > green[0] > green[2]
    assert brown[0] > brown[1] > brown[2]


def test_leaves_have_sharp_edges_at_any_size() -> None:
    """Few pixels are half hidden, and ever fewer as the crop grows."""
    effect = Branches(cover=(0.4, 0.4), bare=0, leaf=(0.15, 0.15), brightness=(0, 0))
    params = effect.sample(uniform(20, effect))
    halves = []
    for size in (32, 64, 224):
        cover = hidden(effect, params, 20, size)
        halves.append(((cover > 0.1) & (cover < 0.9)).float().mean().item())
    assert halves[0] > halves[1] > halves[2]
    assert halves[2] < 0.1


def test_foliage_is_even_repeats_and_stays() -> None:
    tile = foliage()
    assert tile.shape == (4, TILE, TILE)
    assert torch.equal(tile, foliage())
    for height in (tile[0], tile[2]):
        for share in (0.1, 0.5, 0.9):
            assert (height < share).float().mean().item() == pytest.approx(share, abs=1e-3)
    for layer in tile:
        for picture in (layer, layer.T):
            inner = (picture[:, 1:] - picture[:, :-1]).abs().mean()
            assert (picture[:, 0] - picture[:, -1]).abs().mean() < 1.5 * inner


# --- posts -------------------------------------------------------------------------------------


@EXAMPLES
@given(width=st.floats(0, 1), place=st.floats(-1, 1), size=st.integers(8, 40))
def test_an_upright_post_against_a_loop(width: float, place: float, size: int) -> None:
    """A pixel is hidden as far as the post's interval covers the pixel's."""
    effect = Post(cables=0, width=(width, width), place=(place, place), lean=(0, 0))
    params = {**effect.sample(uniform(1, effect)), "brightness": torch.zeros(1)}
    found = hidden(effect, params, 1, size)[0]
    for c in range(size):
        left, right = c / size, (c + 1) / size
        low, high = 0.5 + place / 2 - width / 2, 0.5 + place / 2 + width / 2
        expected = max(0.0, min(right, high) - max(left, low)) * size
        cover = found[0, c].item()
        if width * size >= 1:
            assert cover == pytest.approx(expected, abs=1e-3)
        else:  # a thin post in the middle of a pixel, seen as a ramp: never stronger than it is
            assert -1e-4 <= cover <= width * size + 1e-3


@pytest.mark.parametrize("lean", [-0.5, 0.0, 0.3])
def test_a_post_crosses_the_middle_row_at_its_place_and_leans(lean: float) -> None:
    effect = Post(cables=0, width=(0.1, 0.1), place=(0.4, 0.4), lean=(lean, lean))
    params = {**effect.sample(uniform(1, effect)), "brightness": torch.zeros(1)}
    cover = hidden(effect, params, 1, 101)[0]
    x = (torch.arange(101) + 0.5) / 101 * 2 - 1
    middle = (cover * x).sum(1) / cover.sum(1)
    assert middle[50].item() == pytest.approx(0.4, abs=0.01)
    # Half a crop up, the top lies over to the right for a positive lean.
    up = 25 * 2 / 101
    assert middle[25].item() == pytest.approx(0.4 + up * math.tan(lean), abs=0.01)
    assert cover[50].sum().item() / 101 == pytest.approx(0.1 / math.cos(lean), rel=0.05)


def test_posts_mostly_stand_beside_the_middle() -> None:
    params = Post(cables=0).sample(uniform(2000, Post()))
    assert (params["place"].abs() > 0.6).float().mean().item() == pytest.approx(2 / 3, abs=0.05)


def test_cables_are_thin_dark_and_of_any_direction() -> None:
    cables, posts = Post(cables=1), Post(cables=0)
    u = uniform(500, cables)
    thin, thick = cables.sample(u), posts.sample(u)
    assert (thin["width"] < 0.3 * thick["width"]).all()
    assert (thin["brightness"] < 0.5 * thick["brightness"]).all()
    assert thin["lean"].abs().max() > 1.5
    assert thick["lean"].abs().max() <= 0.12


def test_a_post_is_round() -> None:
    """The lit side is brighter than the other one."""
    effect = Post(cables=0, width=(0.5, 0.5), place=(0, 0), lean=(0, 0), brightness=(0.8, 0.8))
    params = {**effect.sample(uniform(2, effect)), "lit": torch.tensor([-1.0, 1.0])}
    left, right = effect.apply(torch.ones(2, 3, 32, 32), params)[:, 0, 0]
    assert left[9] > 1.5 * left[22]
    assert right[22] > 1.5 * right[9]
    assert left.max() <= 1
    assert left[9].item() == pytest.approx(0.8 * 0.97, abs=0.03)


# --- frame edge --------------------------------------------------------------------------------


@EXAMPLES
@given(
    cut=st.floats(0, 1),
    side=st.integers(0, 3),
    black=st.booleans(),
    height=st.integers(1, 12),
    width=st.integers(1, 12),
)
def test_the_frames_edge_against_a_loop(
    cut: float, side: int, black: bool, height: int, width: int
) -> None:
    crops = noise(1, 3, 12)[:, :, :height, :width]
    params = {
        "cut": torch.tensor([cut]),
        "side": torch.tensor([float(side)]),
        "is_black": torch.tensor([float(black)]),
    }
    seen = FrameEdge().apply(crops, params)
    along = width if side < 2 else height
    lost = min(int((torch.tensor(cut) * along).round()), along - 1)
    for r in range(height):
        for c in range(width):
            place = c if side < 2 else r
            clamped = max(place, lost) if side % 2 == 0 else min(place, along - 1 - lost)
            source = (r, clamped) if side < 2 else (clamped, c)
            expected = crops[0, :, source[0], source[1]]
            if black and clamped != place:
                expected = torch.zeros(3)
            assert torch.equal(seen[0, :, r, c], expected)


def test_every_side_is_cut_and_half_of_the_edges_are_black() -> None:
    params = FrameEdge().sample(uniform(2000, FrameEdge()))
    for side in range(4):
        assert (params["side"] == side).float().mean().item() == pytest.approx(0.25, abs=0.04)
    assert params["is_black"].mean().item() == pytest.approx(0.5, abs=0.04)


# --- all ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "effect", [Branches(bare=0, leaf=(0.15, 0.18)), Post(cables=0), FrameEdge()], ids=repr
)
def test_lengths_are_shares_of_the_crop(effect: CropEffect) -> None:
    """The same draws on a crop of four times the side hide the same."""
    crops = F.interpolate(noise(60, 3, 8), scale_factor=4.0, mode="bilinear")
    u = uniform(60, effect)
    small = effect(crops, u)
    large = F.avg_pool2d(effect(F.interpolate(crops, scale_factor=4.0), u), 4)
    assert (small - large).abs().mean() < 0.02


def test_a_tight_box_repeats_what_its_edge_shows():
    crops = torch.rand(3, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    cut = torch.tensor([[0.0, 0.0, 0.0, 0.0], [0.1, 0.25, 0.0, 0.0], [0.05, 0.0, 0.2, 0.15]])
    seen = TightBox(probability=1.0).apply(crops, {"cut": cut})
    for crop, after, (left, right, top, bottom) in zip(crops, seen, (cut * 20).long(), strict=True):
        kept = crop[:, top : 20 - bottom, left : 20 - right].numpy()
        sides = ((0, 0), (int(top), int(bottom)), (int(left), int(right)))
        assert (after.numpy() == np.pad(kept, sides, mode="edge")).all()
