"""The sign is found in its crop, whatever its framing, and the crop is cut to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from raresign.framing.finder import FILL, find_sign, framing_boxes, read_crop, read_crops
from raresign.framing.framed_picture import framed
from raresign.runtime.squashed_pictures import squashed_in_threads
from raresign.signs.countries.drawn_folder import drawn_icons
from raresign.signs.icons.icon_file import load_icon
from raresign.simulated.backgrounds import procedural_backgrounds
from raresign.synthesis.background_atlas import BackgroundAtlas
from raresign.synthesis.icon_atlas import IconAtlas
from raresign.synthesis.outlines import icon_outlines, sign_boxes
from raresign.synthesis.preset import RoadPreset, load_preset
from raresign.synthesis.synthesiser import build_synthesiser

CODES = ("1.1", "2.1", "2.5", "3.24.n50", "3.27", "4.1.1", "5.19.1", "8.2.1")


def on_photo(
    code: str, place: tuple[float, float, float, float], side: int, seed: int
) -> Image.Image:
    """A sign at a box, as `find_sign` gives it, on a made photo."""
    x, y, half_width, half_height = place
    photo = Image.fromarray(procedural_backgrounds(1, seed=seed)[0]).resize((side, side))
    size = max(1, round(half_width * side)), max(1, round(half_height * side))
    icon = Image.fromarray(load_icon(drawn_icons("gost", [code]) / f"{code}.svg", 128, code))
    icon = icon.resize(size, Image.Resampling.LANCZOS)
    corner = round((x + 1) / 2 * side - size[0] / 2), round((y + 1) / 2 * side - size[1] / 2)
    photo.paste(icon, corner, icon)
    return photo


def misses(found: np.ndarray, place: tuple[float, float, float, float]) -> np.ndarray:
    """By which share of the sign's own half sides middle and size are wrong."""
    truth = np.array(place)
    return np.abs(found - truth) / np.tile(truth[2:], 2)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 60),
    st.integers(1, 60),
    st.tuples(*[st.floats(-0.2, 0.2)] * 2, *[st.floats(1.3, 1.6)] * 2),  # beyond every edge
)
def test_the_part_of_a_picture_is_that_of_a_picture_with_more_edge(width, height, box):
    pixels = np.random.default_rng(width * height).integers(0, 256, (height, width, 3), np.uint8)
    more = 200
    padded = np.pad(pixels, ((more, more), (more, more), (0, 0)), mode="edge")
    x, y, half_width, half_height = box
    wide, high = width / (width + 2 * more), height / (height + 2 * more)
    same = x * wide, y * high, half_width * wide, half_height * high
    ours = framed(Image.fromarray(pixels), 16, box).astype(int)
    assert np.abs(ours - framed(Image.fromarray(padded), 16, same)).mean() < 2


def test_a_picture_of_the_right_size_is_not_resampled():
    pixels = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)
    assert (framed(Image.fromarray(pixels), 24) == pixels.transpose(2, 0, 1)).all()
    quarter = framed(Image.fromarray(pixels), 12, (-0.5, 0.5, 0.5, 0.5))
    assert (quarter == pixels[12:, :12].transpose(2, 0, 1)).all()


def test_signs_are_found_at_every_framing():
    random = np.random.default_rng(3)
    wrong = []
    for number in range(96):
        half = random.uniform(0.42, 1.0)
        room = max(0.0, 1 - half)
        place = (*(random.uniform(-room, room, 2) * 0.7), half, half * random.uniform(0.9, 1.1))
        photo = on_photo(CODES[number % len(CODES)], place, int(random.integers(20, 160)), number)
        wrong.append(misses(find_sign(photo), place).max())
    assert np.median(wrong) < 0.08
    assert np.quantile(wrong, 0.9) < 0.25


@pytest.mark.parametrize("shares", [(0.9, 0.3), (0.25, 0.85)])
def test_a_long_plate_fills_its_crop(shares):
    plate = (0.0, 0.0, *shares)
    found = np.stack([find_sign(on_photo("8.2.1", plate, 120, seed)) for seed in range(8)])
    assert np.abs(np.log(np.median(found, 0)[2:] / shares)).max() < 0.25


def test_the_crop_is_the_same_however_it_was_framed():
    photo = on_photo("3.24.n50", (0.0, 0.0, 0.5, 0.5), 240, 5)
    tight, wide = photo.crop((50, 50, 190, 190)), photo.crop((5, 5, 235, 235))
    one, other = (read_crop(picture, 48, "found").astype(int) for picture in (tight, wide))
    unframed = framed(tight, 48).astype(int) - framed(wide, 48)
    assert np.abs(one - other).mean() < np.abs(unframed).mean() / 3
    assert (read_crop(tight, 48, "whole") == framed(tight, 48)).all()


def test_company_changes_no_bit_of_a_crop():
    rng = np.random.default_rng(3)
    sizes = rng.integers(9, 120, (19, 2)).tolist()
    pictures = [Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)) for size in sizes]
    for framing in ("found", "whole"):
        alone = [read_crop(picture, 32, framing) for picture in pictures]
        assert np.array_equal(read_crops(pictures, 32, framing), alone)
    assert read_crops([], 32, "found") == []


def test_files_are_read_together_as_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken ones and large ones among them, of which one is in memory at a time."""
    rng = np.random.default_rng(4)
    paths = [tmp_path / f"{number}.png" for number in range(40)]
    for number, path in enumerate(paths):
        pixels = rng.integers(0, 256, (24, 20 + number, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
        if number % 7 == 3:
            path.write_bytes(path.read_bytes()[:-900])
    alone = [next(squashed_in_threads([path], 32, "found", None, 256)) for path in paths]
    monkeypatch.setattr("raresign.crops.decode.LARGE_PIXELS", 1200)
    monkeypatch.setattr("raresign.framing.finder._PIXELS_TOGETHER", 1200)
    together = squashed_in_threads(paths, 32, "found", None, 5)
    for path, one, other in zip(paths, alone, together, strict=True):
        assert one[0] == other[0] == str(path)
        assert one[2] == other[2]
        assert np.array_equal(one[1], other[1])
    assert sum(isinstance(crop, str) for _, crop, _ in alone) == 6


def test_what_is_no_sign_still_gives_a_crop():
    for picture in (Image.new("RGB", (1, 1)), Image.new("RGB", (300, 2), (255, 255, 255))):
        x, y, half_width, half_height = framing_boxes([picture], "found")[0]
        assert abs(x) <= 0.85
        assert abs(y) <= 0.85
        assert 0.2 < half_width < 1.5 * FILL
        assert 0.2 < half_height < 1.5 * FILL
        assert read_crop(picture, 32, "found").shape == (3, 32, 32)


def test_boxes_of_synthetic_crops_are_those_of_the_visible_plate():
    preset = load_preset("road")
    assert isinstance(preset, RoadPreset)
    off = {
        name: effect.model_copy(update={"probability": 0})
        for name, effect in preset.effects().items()
        if effect.probability < 1
    }
    pose = preset.pose.model_copy(update={"margin": (0.1, 1.0), "rotation": (-20, 20)})
    icon = np.full((64, 64, 4), 255, np.uint8)
    y, x = np.mgrid[:64, :64]
    icon[..., 3] = np.where(np.abs(x - 31.5) < y / 2 + 0.6, 255, 0)  # a triangle
    icons = IconAtlas.from_pictures([icon], ["a"], 64)
    photos = BackgroundAtlas.from_pictures([np.zeros((80, 80, 3), np.uint8)], 64)
    off["background"] = preset.background.model_copy(update={"flat": 0, "textured": 0})
    engine = build_synthesiser(preset.model_copy(update={**off, "pose": pose}), icons, photos, 0)
    made = engine.render(torch.zeros(30, dtype=torch.int64), torch.arange(30), record=True)
    boxes = sign_boxes(made, pose, icon_outlines([icon])).numpy()
    for crop, (x0, y0, half_width, half_height) in zip(made.crops.numpy(), boxes, strict=True):
        light = crop.mean(0)
        rows, columns = np.nonzero(light > light.max() / 2)
        seen = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) / 32 - 1
        told = np.array([x0 - half_width, y0 - half_height, x0 + half_width, y0 + half_height])
        assert np.abs(seen - told.clip(-1, 1)).max() < 0.2  # the tip is thin
