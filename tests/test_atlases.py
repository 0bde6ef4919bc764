"""Background photos as a buffer of pixels: each crop is a true window of a level of a photo."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from raresign.errors import InputError
from raresign.simulated.backgrounds import procedural_backgrounds
from raresign.synthesis.background_atlas import BackgroundAtlas
from synthesis_core import keys


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
    assert len(per_level) == len(atlas.usable) == 5  # 20x37, 10x19, 33x16, 17x8, 8x8
    crops = atlas.crop(keys(3000)).mul(255).round().byte().permute(0, 2, 3, 1).numpy()
    hits = np.array([[crop.tobytes() in level for level in per_level] for crop in crops])
    assert hits.any(1).all()
    assert (np.abs(hits.sum(0) - 600) < 120).all()  # each level as often as the next
    assert len({crop.tobytes() for crop in crops}) > 500  # and places all over


@pytest.mark.parametrize("canvas", [4, 6, 7])
def test_a_smaller_canvas_shows_windows_too(canvas: int) -> None:
    """Half as wide: of the half of a level, so it shows as much of the photo. Else of the level."""
    pictures = [numbered(20, 37, 0), numbered(8, 8, 2000)]
    atlas = BackgroundAtlas.from_pictures(pictures, 8)
    per_level = []
    for level in (level for picture in pictures for level in levels(picture, 8)):
        half = np.asarray(Image.fromarray(level).reduce(2))
        per_level.append(windows(half if canvas == 4 else level, canvas))
    crops = atlas.crop(keys(900), canvas).mul(255).round().byte().permute(0, 2, 3, 1).numpy()
    hits = np.array([[crop.tobytes() in level for level in per_level] for crop in crops])
    assert hits.any(1).all()
    assert (np.abs(hits.sum(0) - 900 / len(per_level)) < 100).all()


def test_the_corners_of_a_photo_are_reached() -> None:
    atlas = BackgroundAtlas.from_pictures([numbered(9, 10, 0)], 8)
    seen = {int(crop[2, 0, 0] * 255 + 0.5) for crop in atlas.crop(keys(200))}
    assert seen == {0, 1, 2, 10, 11, 12}


def test_a_crop_does_not_know_its_batch() -> None:
    atlas = BackgroundAtlas.from_pictures(procedural_backgrounds(3, seed=1), 16)
    together = atlas.crop(keys(20))
    rows = torch.tensor([19, 3, 8])
    assert torch.equal(atlas.crop(keys(20).take(rows)), together[rows])


@settings(max_examples=40, deadline=None)
@given(height=st.integers(1, 60), width=st.integers(1, 60), size=st.sampled_from([8, 16]))
def test_photos_of_any_shape_serve(height: int, width: int, size: int) -> None:
    picture = np.full((height, width, 3), 77, np.uint8)
    atlas = BackgroundAtlas.from_pictures([picture], size)
    crops = atlas.crop(keys(6))
    assert crops.shape == (6, 3, size, size)
    assert (crops - 77 / 255).abs().max() < 1e-6
    wide_enough = (atlas.height >= size) & (atlas.width >= size)
    assert atlas.usable.tolist() == wide_enough.nonzero().squeeze(1).tolist()


def test_small_photos_are_enlarged_without_being_squashed() -> None:
    atlas = BackgroundAtlas.from_pictures([np.zeros((10, 30, 3), np.uint8)], 16)
    assert (int(atlas.height[0]), int(atlas.width[0])) == (16, 48)


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
