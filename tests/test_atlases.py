"""Icons and backgrounds as tensors: each crop is a true window, each pick even and of its class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from raresign.catalogue import SignCatalogue, load_icon
from raresign.embedded import embedded_codes, procedural_backgrounds, render_sign
from raresign.errors import InputError
from raresign.randomness import CropRandom
from raresign.synthesis import BackgroundAtlas, IconAtlas


def keys(n: int, seed: int = 0) -> CropRandom:
    return CropRandom.from_seed(seed, torch.arange(n))


# --- icons ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def atlas(catalogue: SignCatalogue) -> IconAtlas:
    return IconAtlas.from_catalogue(catalogue, 32)


def test_every_icon_is_its_file_premultiplied(atlas: IconAtlas, catalogue: SignCatalogue) -> None:
    assert atlas.icons.shape == (len(catalogue), 4, 32, 32)
    for label, sign in enumerate(catalogue.classes):
        row = int(atlas.first[label])
        assert atlas.codes[row] == sign.code
        straight = load_icon(sign.icons[0], 32).astype(np.float64) / 255
        expected = straight.copy()
        expected[..., :3] *= straight[..., 3:]
        assert np.abs(atlas.icons[row].permute(1, 2, 0).numpy() - expected).max() < 1e-6


def test_premultiplied_colours_never_exceed_alpha(atlas: IconAtlas) -> None:
    assert atlas.icons.min() >= 0
    assert (atlas.icons[:, :3] <= atlas.icons[:, 3:] + 1e-6).all()
    assert atlas.icons[:, 3].amax((1, 2)).min() == 1


def flat(value: int) -> np.ndarray:
    return np.full((8, 8, 4), value, np.uint8)


def test_icons_of_a_class_are_picked_evenly_and_no_others() -> None:
    codes = ["1.1", "1.1", "1.1", "2", "3", "3"]
    atlas = IconAtlas.from_pictures([flat(row * 10) for row in range(6)], codes)
    assert atlas.first.tolist() == [0, 3, 4]
    assert atlas.count.tolist() == [3, 1, 2]
    labels = torch.arange(3).repeat(3000)
    rows = atlas.pick(labels, keys(9000))
    assert [codes[row] for row in rows[:3].tolist()] == ["1.1", "2", "3"]
    counts = torch.bincount(rows, minlength=6)
    assert counts[:3].tolist() == pytest.approx([1000] * 3, abs=130)
    assert counts[3] == 3000
    assert counts[4:].tolist() == pytest.approx([1500] * 2, abs=150)


def test_a_pick_does_not_know_its_batch() -> None:
    atlas = IconAtlas.from_pictures([flat(row) for row in range(50)], ["a"] * 20 + ["b"] * 30)
    labels = torch.arange(40) % 2
    together = atlas.pick(labels, keys(40))
    rows = torch.tensor([39, 4, 17])
    assert torch.equal(atlas.pick(labels[rows], keys(40).take(rows)), together[rows])


def test_variants_of_a_class_come_with_it(own_data: Path, catalogue: SignCatalogue) -> None:
    """`<code>@<variant>` belongs to <code>, whatever other codes begin alike."""
    source = own_data / "icons" / "4.1.1.svg"
    (own_data / "icons" / "4.1.1@old.svg").write_bytes(source.read_bytes())
    atlas = IconAtlas.from_catalogue(SignCatalogue.from_folder(own_data), 16)
    label = catalogue.label_of("4.1.1")
    assert int(atlas.count[label]) == 2
    assert atlas.codes.count("4.1.1") == 2
    assert int(atlas.count.sum()) == len(atlas.codes) == len(atlas.icons)


def test_embedded_signs_differ_from_each_other() -> None:
    codes = [code for code in embedded_codes() if render_sign(code, 32).shape[0] == 32]
    icons = IconAtlas.from_pictures([render_sign(code, 32) for code in codes], codes).icons
    assert torch.cdist(icons.flatten(1), icons.flatten(1)).fill_diagonal_(9).min() > 0.5


# --- backgrounds ---------------------------------------------------------------------------------


def numbered(height: int, width: int, first: int) -> np.ndarray:
    """A picture whose pixels are all different: the colour is the pixel's number."""
    number = np.arange(first, first + height * width).reshape(height, width)
    return np.stack([number // 65536, number // 256 % 256, number % 256], 2).astype(np.uint8)


def windows(picture: np.ndarray, size: int) -> set[bytes]:
    """Every window of a picture."""
    height, width = picture.shape[:2]
    return {
        picture[y : y + size, x : x + size].tobytes()
        for y in range(height - size + 1)
        for x in range(width - size + 1)
    }


def levels(picture: np.ndarray, size: int) -> list[np.ndarray]:
    """The photo and its halves, as PIL reduces them."""
    photo, found = Image.fromarray(picture), []
    while min(photo.size) >= size:
        found.append(np.asarray(photo))
        photo = photo.reduce(2)
    return found


def test_every_crop_is_a_window_of_a_level_of_a_photo() -> None:
    pictures = [numbered(20, 37, 0), numbered(33, 16, 1000), numbered(8, 8, 2000)]
    atlas = BackgroundAtlas.from_pictures(pictures, 8)
    per_level = [windows(level, 8) for picture in pictures for level in levels(picture, 8)]
    assert len(per_level) == len(atlas.start) == 5  # 20x37, 10x19, 33x16, 17x8, 8x8
    crops = atlas.crop(keys(3000)).mul(255).round().byte().permute(0, 2, 3, 1).numpy()
    hits = np.array([[crop.tobytes() in level for level in per_level] for crop in crops])
    assert hits.any(1).all()
    assert (np.abs(hits.sum(0) - 600) < 120).all()  # each level as often as the next
    assert len({crop.tobytes() for crop in crops}) > 500  # and places all over


def test_the_corners_of_a_photo_are_reached() -> None:
    atlas = BackgroundAtlas.from_pictures([numbered(9, 10, 0)], 8)
    seen = {int(crop[2, 0, 0] * 255 + 0.5) for crop in atlas.crop(keys(200))}
    assert seen == {0, 1, 2, 10, 11, 12}


def test_a_crop_does_not_know_its_batch() -> None:
    atlas = BackgroundAtlas.from_pictures(procedural_backgrounds(3, seed=1), 16)
    together = atlas.crop(keys(20))
    rows = torch.tensor([19, 3, 8])
    assert torch.equal(atlas.crop(keys(20).take(rows)), together[rows])


@settings(max_examples=20, deadline=None)
@given(height=st.integers(1, 60), width=st.integers(1, 60), size=st.sampled_from([8, 16]))
def test_photos_of_any_shape_serve(height: int, width: int, size: int) -> None:
    picture = np.full((height, width, 3), 77, np.uint8)
    atlas = BackgroundAtlas.from_pictures([picture], size)
    crops = atlas.crop(keys(6))
    assert crops.shape == (6, 3, size, size)
    assert (crops - 77 / 255).abs().max() < 1e-6
    assert bool(((atlas.height >= size) & (atlas.width >= size)).all())


def test_small_photos_are_enlarged_without_being_squashed() -> None:
    atlas = BackgroundAtlas.from_pictures([np.zeros((10, 30, 3), np.uint8)], 16)
    assert (atlas.height.tolist(), atlas.width.tolist()) == ([16], [48])


def test_the_squashed_photos_are_whole() -> None:
    picture = np.zeros((40, 80, 3), np.uint8)
    picture[:20, :40, 0] = picture[20:, 40:, 1] = 255
    squashed = BackgroundAtlas.from_pictures([picture], 20).squashed
    assert squashed.shape == (1, 3, 20, 20)
    assert (squashed[0, 0, :10, :10] == 255).all()
    assert (squashed[0, 1, 10:, 10:] == 255).all()
    assert squashed[0].float().sum() == 2 * 100 * 255


def test_no_photos_are_an_error() -> None:
    with pytest.raises(InputError, match="no background"):
        BackgroundAtlas.from_pictures([], 16)
