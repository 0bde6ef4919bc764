"""Icons in one picture: a look-up is bilinear, at the right level, and never sees another icon."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.countries.drawn_sign import render_sign
from raresign.signs.icons.icon_file import load_icon
from raresign.synthesis.effects.geometry import plate_coordinates
from raresign.synthesis.icon_atlas import IconAtlas, finest_side
from synthesis_core import FORTY, LOPSIDED, icon_atlas, icon_pictures, keys, plates


@pytest.fixture(scope="module")
def atlas(catalogue: SignCatalogue) -> IconAtlas:
    return IconAtlas.from_catalogue(catalogue, 32)


def flat(value: int, side: int = 8) -> np.ndarray:
    return np.full((side, side, 4), value, np.uint8)


def opaque_noise(count: int, side: int, seed: int = 0) -> list[np.ndarray]:
    """Icons that fill their squares, so that a texel from next door would show."""
    pictures = np.random.default_rng(seed).integers(0, 256, (count, side, side, 4), np.uint8)
    pictures[..., 3] = 255
    return list(pictures)


# --- what is stored ----------------------------------------------------------------------------


def test_every_icon_is_its_file_premultiplied(atlas: IconAtlas, catalogue: SignCatalogue) -> None:
    assert len(atlas.codes) == len(catalogue)
    assert atlas.sides[0] == 64
    for label, sign in enumerate(catalogue.classes):
        row = int(atlas.first[label])
        assert atlas.codes[row] == sign.code
        straight = load_icon(sign.icons[0], 64).astype(np.float64) / 255
        straight[..., :3] *= straight[..., 3:]
        assert np.abs(atlas.icon(row, 64).permute(1, 2, 0).numpy() - straight).max() < 1e-6


def test_each_level_is_the_average_of_the_one_above() -> None:
    """Of premultiplied colours: no dark fringe where an icon ends."""
    atlas = icon_atlas(16)
    for row in range(len(atlas.codes)):
        for finer, coarser in zip(atlas.sides, atlas.sides[1:], strict=False):
            assert coarser == finer // 2
            blocks = atlas.icon(row, finer).unfold(1, 2, 2).unfold(2, 2, 2).mean((3, 4))
            assert (blocks - atlas.icon(row, coarser)).abs().max() < 1e-5


def test_premultiplied_colours_never_exceed_alpha(atlas: IconAtlas) -> None:
    assert atlas.picture.min() >= 0
    assert (atlas.picture[:, :3] <= atlas.picture[:, 3:] + 1e-6).all()
    for row in range(len(atlas.codes)):
        assert atlas.icon(row, 64)[3].max() == 1


def test_cells_do_not_overlap_and_have_a_transparent_border() -> None:
    """The picture minus all icons is empty, and no texel belongs to two."""
    atlas = IconAtlas.from_pictures(opaque_noise(7, 24), list("abcdefg"), 12)
    left, owners = atlas.picture.clone(), torch.zeros(atlas.picture.shape[2:])
    for level, side in enumerate(atlas.sides):
        for x, y in atlas.corner[level].long().tolist():
            owners[y - 1 : y + side + 1, x - 1 : x + side + 1] += 1
            left[:, :, y : y + side, x : x + side] = 0
    assert not left.any()
    assert owners.max() == 1


@pytest.mark.parametrize(
    ("size", "icons", "side"),
    [(64, 205, 128), (64, 1000, 128), (64, 1001, 64), (8, 5, 16), (224, 9, 256), (300, 9, 300)],
)
def test_the_finest_side_is_twice_the_crop_but_bounded(size: int, icons: int, side: int) -> None:
    assert finest_side(size, icons) == side


# --- the look-up -------------------------------------------------------------------------------


def naive_look_up(atlas: IconAtlas, row: int, side: int, x: float, y: float) -> np.ndarray:
    """(4,) one point of the plate, bilinearly from the icon alone, nothing beyond its edge."""
    icon = atlas.icon(row, side).double().numpy()
    column, line = (x + 1) * side / 2 - 0.5, (y + 1) * side / 2 - 0.5
    total = np.zeros(4)
    for r in (math.floor(line), math.floor(line) + 1):
        for c in (math.floor(column), math.floor(column) + 1):
            if 0 <= r < side and 0 <= c < side:
                total += icon[:, r, c] * (1 - abs(column - c)) * (1 - abs(line - r))
    return total


def right_level(atlas: IconAtlas, footprint: float, canvas: int) -> int:
    """The smallest side with 0.9 texels or more for each pixel, or the finest."""
    fine_enough = [side for side in atlas.sides if side >= 0.9 * canvas / footprint]
    return min(fine_enough, default=atlas.sides[0])


@settings(max_examples=30, deadline=None)
@given(
    count=st.integers(1, 12),
    side=st.sampled_from([16, 20, 33]),
    canvas=st.sampled_from([4, 9]),
    footprint=st.floats(0.2, 8),
    seed=st.integers(0, 2**30),
)
def test_a_look_up_against_a_loop(
    count: int, side: int, canvas: int, footprint: float, seed: int
) -> None:
    """Every icon is opaque to its edges: one texel of a neighbour would be seen."""
    atlas = IconAtlas.from_pictures(opaque_noise(count, side, seed % 9), ["a"] * count, side // 2)
    rows = torch.tensor([0, count // 2, count - 1])
    places = keys(3, seed).uniform(-1.5, 1.5, canvas, canvas, 2)
    seen = atlas.look_up(rows, places, torch.full((3,), footprint))
    level = right_level(atlas, footprint, canvas)
    for i, y, x in np.ndindex(3, canvas, canvas):
        expected = naive_look_up(atlas, int(rows[i]), level, *places[i, y, x].tolist())
        assert np.abs(seen[i, :, y, x].numpy() - expected).max() < 2e-3


def edges(side: int) -> Tensor:
    """(1, 9, 9, 2) the icon's own edge, half a texel beyond it, and far away."""
    rim = 1 + 1 / side
    steps = torch.tensor([-1e30, -50.0, -rim - 1e-3, -rim, -1.0, 1.0, rim + 1e-3, 50.0, 1e30])
    return torch.stack(torch.meshgrid(steps, steps, indexing="xy"), 2)[None]


@pytest.mark.parametrize("row", range(9))
def test_no_neighbour_bleeds_in_at_the_edges(row: int) -> None:
    """Only the icon looked at is not empty: what is seen beyond its edge would be another's."""
    pictures = opaque_noise(9, 16, seed=3)
    whole = IconAtlas.from_pictures(pictures, ["a"] * 9, 8)
    pictures = [icon if k == row else icon * 0 for k, icon in enumerate(pictures)]
    alone = IconAtlas.from_pictures(pictures, ["a"] * 9, 8)
    for side in whole.sides:
        reach = torch.tensor([0.9 * 9 / side])  # asks for this level
        seen = whole.look_up(torch.tensor([row]), edges(side), reach)
        assert (seen - alone.look_up(torch.tensor([row]), edges(side), reach)).abs().max() < 1e-4
        assert seen[..., [0, 1, 2, 3, 6, 7, 8]].abs().max() < 2e-3


def test_the_level_follows_canvas_and_footprint() -> None:
    """Levels of one brightness each tell which of them was read."""
    atlas = icon_atlas(32)
    marked = atlas.picture.clone()
    for level, side in enumerate(atlas.sides):
        for x, y in atlas.corner[level].long().tolist():
            marked[:, :, y : y + side, x : x + side] = side
    told = replace(atlas, picture=marked)
    reach = torch.tensor([1e-6, 0.3, 0.46, 0.88, 1.0, 1.7, 2.0, 3.7, 7.5, 40.0])
    for canvas in (32, 16):
        middle = torch.zeros(len(reach), canvas, canvas, 2)
        seen = told.look_up(torch.zeros(len(reach)).long(), middle, reach)[:, 0, 0, 0]
        assert seen.tolist() == [right_level(atlas, r, canvas) for r in reach.tolist()]


def test_an_icon_that_fills_the_crop_is_seen_as_it_is() -> None:
    atlas = icon_atlas(16)
    steps = (torch.arange(16) * 2 + 1) / 16 - 1
    plate = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), 2).expand(5, 16, 16, 2)
    seen = atlas.look_up(torch.arange(5), plate, torch.ones(5))
    for row in range(5):
        assert (seen[row] - atlas.icon(row, 16)).abs().max() < 1e-4


def test_looking_up_changes_nothing_and_knows_no_batch() -> None:
    atlas, plate = icon_atlas(16), plates(5, 16)
    before, kept = plate.clone(), atlas.picture.clone()
    rows, reach = torch.tensor([4, 0, 2, 2, 1]), torch.tensor([1.0, 3.0, 0.5, 8.0, 1.4])
    seen = atlas.look_up(rows, plate, reach)
    assert torch.equal(plate, before)
    assert torch.equal(atlas.picture, kept)
    for i in range(5):
        one = slice(i, i + 1)
        assert (atlas.look_up(rows[one], plate[one], reach[one]) - seen[one]).abs().max() < 1e-6


def test_thousands_of_icons_are_each_found_again() -> None:
    """5,000 icons in one tall picture: float32 coordinates still tell their texels apart."""
    side, count = 16, 5000
    number = np.arange(count)
    pictures = np.zeros((count, side, side, 4), np.uint8)
    pictures[..., 3] = 255
    pictures[..., 0], pictures[..., 1] = (v[:, None, None] for v in (number // 100, number % 100))
    pictures[:, :, side // 2 :, 2] = 200  # the right half is blue
    atlas = IconAtlas.from_pictures(list(pictures), [str(k) for k in number], side)
    rows = torch.tensor([0, 1, 2499, 4998, 4999])
    steps = torch.linspace(-0.9, 0.9, 16)
    plate = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), 2).expand(5, 16, 16, 2)
    seen = atlas.look_up(rows, plate, torch.ones(5)) * 255
    assert (seen[:, 3] - 255).abs().max() < 1
    assert (seen[:, 0] * 100 + seen[:, 1] - rows[:, None, None] * 1.0).abs().max() < 1
    assert seen[:, 2, :, 0].max() < 2
    assert seen[:, 2, :, -1].min() > 198


# --- picking -----------------------------------------------------------------------------------


def test_half_of_the_picks_are_the_main_icon_and_none_is_of_another_class() -> None:
    codes = ["1.1", "1.1", "1.1", "2", "3", "3"]
    atlas = IconAtlas.from_pictures([flat(row * 10) for row in range(6)], codes, 8)
    assert atlas.first.tolist() == [0, 3, 4]
    assert atlas.count.tolist() == [3, 1, 2]
    rows = atlas.pick(torch.arange(3).repeat(3000), keys(9000))
    assert [codes[row] for row in rows[:3].tolist()] == ["1.1", "2", "3"]
    counts = torch.bincount(rows, minlength=6)
    assert counts[:3].tolist() == pytest.approx([1500, 750, 750], abs=130)
    assert counts[3] == 3000
    assert counts[4:].tolist() == pytest.approx([1500] * 2, abs=150)


def test_a_pick_does_not_know_its_batch() -> None:
    atlas = IconAtlas.from_pictures([flat(row) for row in range(50)], ["a"] * 20 + ["b"] * 30, 8)
    labels, rows = torch.arange(40) % 2, torch.tensor([39, 4, 17])
    together = atlas.pick(labels, keys(40))
    assert torch.equal(atlas.pick(labels[rows], keys(40).take(rows)), together[rows])


def test_variants_of_a_class_come_with_it(own_data: Path, catalogue: SignCatalogue) -> None:
    """`<code>@<variant>` belongs to <code>, whatever other codes begin alike."""
    source = own_data / "icons" / "4.1.1.svg"
    (own_data / "icons" / "4.1.1@old.svg").write_bytes(source.read_bytes())
    atlas = IconAtlas.from_catalogue(SignCatalogue.from_folder(own_data), 16)
    assert int(atlas.count[catalogue.label_of("4.1.1")]) == 2
    assert atlas.codes.count("4.1.1") == 2
    assert int(atlas.count.sum()) == len(atlas.codes)


def test_embedded_signs_differ_from_each_other() -> None:
    codes = tuple(code for code in FORTY if render_sign(code, 32).shape[0] == 32)
    atlas = IconAtlas.from_pictures(icon_pictures(codes, 32), codes, 32)
    icons = torch.stack([atlas.icon(row, 32) for row in range(len(codes))]).flatten(1)
    assert torch.cdist(icons, icons).fill_diagonal_(9).min() > 0.5


@pytest.mark.parametrize("side", [4, 5, 9, 31, 100])
@pytest.mark.parametrize("size", [8, 40])
def test_icons_of_any_side_serve(side: int, size: int) -> None:
    pictures = icon_pictures(LOPSIDED, side)
    atlas = IconAtlas.from_pictures(pictures, LOPSIDED, size)
    assert atlas.sides[0] == side
    assert min(atlas.sides) >= 4
    seen = atlas.look_up(torch.arange(5), plates(5, size), torch.ones(5))
    assert seen.shape == (5, 4, size, size)
    assert torch.isfinite(seen).all()


def test_five_thousand_icons_keep_apart() -> None:
    """The picture is 200,000 texels high: a coordinate in float32 must still hit its icon."""
    count, side = 5000, 32
    numbers = np.arange(count)
    colours = np.stack([numbers // 256, numbers % 256, 255 - numbers % 256], 1).astype(np.uint8)
    icons = np.full((count, side, side, 4), 255, np.uint8)
    icons[..., :3] = colours[:, None, None]
    atlas = IconAtlas.from_pictures(list(icons), [str(number) for number in numbers], side)
    rows = torch.from_numpy(np.random.default_rng(0).choice(count, 60, replace=False))
    rows = torch.cat([rows, torch.tensor([0, count - 1])])
    seen = atlas.look_up(
        rows, plate_coordinates(torch.eye(3).expand(len(rows), 3, 3), side), torch.ones(len(rows))
    )
    expected = torch.from_numpy(colours)[rows].float()[:, :, None, None] / 255
    inside = slice(2, -2)  # the outermost texels fade into the transparent border
    assert (seen[:, :3, inside, inside] - expected).abs().max() < 1e-3
    assert (seen[:, 3, inside, inside] - 1).abs().max() < 1e-3
    small = plate_coordinates(torch.diag(torch.tensor([2.5, 2.5, 1.0])).expand(len(rows), 3, 3), 64)
    around = atlas.look_up(rows, small, torch.full((len(rows),), 2.5))[:, 3]
    outside = small.abs().amax(3) > 1.2  # no part of an icon, nor of its neighbour
    assert around[outside].max() < 2e-3
