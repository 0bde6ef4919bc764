"""The embedded signs, backgrounds, simulated photos and the demo folder made of them."""

from __future__ import annotations

import csv
import itertools
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from raresign.errors import InputError
from raresign.signs.countries.drawn_sign import render_sign
from raresign.signs.countries.registry import standard
from raresign.simulated import demo_data as demo
from raresign.simulated.backgrounds import procedural_backgrounds
from raresign.simulated.demo_data import write_demo
from raresign.simulated.photo import simulated_photo
from raresign.simulated.pinhole import Pinhole, rotation, warp_sign
from raresign.simulated.sensor import demosaic

CLASSES = standard("gost").classes
CODES = tuple(CLASSES)


def on_grey(code: str, width: int) -> np.ndarray:
    """(width, width, 3) float: the sign on grey, stretched to a square."""
    picture = Image.fromarray(render_sign(code, width))
    canvas = Image.new("RGBA", picture.size, (128, 128, 128, 255))
    canvas.alpha_composite(picture)
    return np.asarray(canvas.convert("RGB").resize((width, width)), float)


def test_an_unknown_code_is_told() -> None:
    with pytest.raises(InputError, match="no sign with the code 'nonsense'"):
        simulated_photo("nonsense", 0, 0)


def test_backgrounds_depend_on_seed_and_number_alone() -> None:
    few, more = procedural_backgrounds(3, 5, size=96), procedural_backgrounds(18, 5, size=96)
    for one, other in zip(few, more, strict=False):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(few[0], procedural_backgrounds(1, 6, size=96)[0])
    assert all(picture.shape == (96, 96, 3) and picture.dtype == np.uint8 for picture in more)
    assert np.mean([picture.std() > 4 for picture in more]) > 0.8  # hardly any is one flat colour


def test_projection_agrees_with_the_homography_of_its_plane() -> None:
    camera = Pinhole(rotation(0.4, -0.2, 0.1), 8.0, 300.0, (40.0, 30.0))
    points = np.random.default_rng(0).uniform(-0.4, 0.4, (20, 2))
    for depth in (0.0, 0.05):
        seen = np.column_stack([points, np.ones(20)]) @ camera.plane(depth).T
        expected = camera.project(np.column_stack([points, np.full(20, depth)]))
        np.testing.assert_allclose(seen[:, :2] / seen[:, 2:], expected)


def test_a_sign_seen_straight_on_is_the_drawing() -> None:
    camera = Pinhole(np.eye(3), 10.0, 10.0 * 120 / 0.7, (60.0, 60.0))
    seen = warp_sign("3.24.n40", camera, (120, 120)).astype(int)
    drawn = render_sign("3.24.n40", 120).astype(int)
    assert np.abs(seen - drawn)[drawn[..., 3] == 255].mean() < 8


def test_demosaic_against_a_naive_loop() -> None:
    mosaic = np.random.default_rng(1).uniform(size=(7, 8)).astype(np.float32)
    colour_at = np.array([[0, 1], [1, 2]])  # red, green, blue
    got = demosaic(mosaic)
    for y, x, colour in itertools.product(range(1, 6), range(1, 7), range(3)):
        if colour_at[y % 2, x % 2] == colour:
            expected = float(mosaic[y, x])
        else:
            window = [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
            same = [mosaic[p] for p in window if colour_at[p[0] % 2, p[1] % 2] == colour]
            expected = float(np.mean(same))
        assert got[y, x, colour] == pytest.approx(expected, abs=1e-6)


def test_a_photo_is_a_function_of_code_seed_and_number() -> None:
    photo = simulated_photo("1.22", 3, 7)
    simulated_photo("2.5", 0, 0)  # what happens between makes no difference
    np.testing.assert_array_equal(photo, simulated_photo("1.22", 3, 7))
    others = [simulated_photo("1.22", 4, 7), simulated_photo("1.22", 3, 8)]
    others.append(simulated_photo("1.11.1", 3, 7))
    assert all(other.shape != photo.shape or (other != photo).any() for other in others)
    assert simulated_photo("1.22", -1, 0).dtype == np.uint8  # any integer is a seed


def test_photos_have_natural_sizes_and_show_their_sign() -> None:
    sizes, similar = [], []
    for number, code in enumerate(CODES[::5] * 3):
        photo = simulated_photo(code, 11, number)
        assert photo.ndim == 3
        assert 14 <= min(photo.shape[:2]) <= max(photo.shape[:2]) <= 80
        sizes.append(max(photo.shape[:2]))
        grey = np.asarray(Image.fromarray(photo).convert("L").resize((32, 32)), float).ravel()
        drawing = on_grey(code, 32).mean(axis=-1).ravel()
        if grey.std() > 1:
            similar.append(np.corrcoef(grey, drawing)[0, 1])
    assert min(sizes) < 24
    assert max(sizes) > 64
    assert np.median(similar) > 0.4  # most look like their drawing, even unaligned


def test_the_demo_folder_is_readable_with_plain_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in [("_FEWEST", 1), ("_MOST", 4), ("_MEAN", 2), ("_TESTS", 1)]:
        monkeypatch.setattr(demo, name, value)
    few = {code: CLASSES[code] for code in CODES[::7]}  # 205 classes take half a minute
    monkeypatch.setattr(demo, "standard", lambda name: replace(standard(name), classes=few))
    monkeypatch.setattr(demo, "_BACKGROUNDS", 4)
    calls: list[tuple[int, int]] = []
    root = write_demo(tmp_path / "new" / "demo", 2, lambda *call: calls.append(call))
    classes: dict[str, Any] = json.loads((root / "classes.json").read_text())
    assert classes.pop("country") == "RU"
    assert set(classes) == set(few)
    assert {code: (row["id"], row["type"]) for code, row in classes.items()} == few
    assert {path.stem.partition("@")[0] for path in (root / "icons").iterdir()} == set(few)
    counts = {path.name: len(list(path.iterdir())) for path in (root / "cropped-train").iterdir()}
    assert set(counts) == {code for code in few if classes[code]["type"] == "freq"}
    assert min(counts.values()) == 1
    assert max(counts.values()) == 4
    with (root / "smalltest_annotations.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert Counter(row["class"] for row in rows) == dict.fromkeys(few, 1)
    assert {row["filename"] for row in rows} == {path.name for path in root.glob("smalltest/*")}
    for path in itertools.chain(root.glob("smalltest/*.png"), root.glob("background_images/*")):
        Image.open(path).load()
    assert len(list(root.glob("background_images/*.jpg"))) == 4
    assert "SIMULATED" in (root / "README.txt").read_text()
    assert calls[-1][0] == calls[-1][1] == len(calls)
    assert [path.name for path in root.parent.iterdir()] == ["demo"]  # no litter

    photo = next(root.glob("smalltest/*.png"))
    before = photo.read_bytes()
    photo.write_bytes(b"marked")
    write_demo(root, 2)  # same seed: left alone
    assert photo.read_bytes() == b"marked"
    write_demo(root, 3)  # another seed: replaced
    assert photo.read_bytes() not in (b"marked", before)
    write_demo(root, 2)
    assert photo.read_bytes() == before
    assert [path.name for path in root.parent.iterdir()] == ["demo"]


def test_the_demo_is_whole_or_not_there_and_spares_the_users_files(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_demo(tmp_path / "demo", 0, stop)
    assert list(tmp_path.iterdir()) == []

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    (tmp_path / "file").write_text("a file")
    for name in ("mine", "file"):
        with pytest.raises(InputError, match="is not a demo dataset"):
            write_demo(tmp_path / name, 0)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


def test_full_demo_has_the_promised_size() -> None:
    freq = [code for code, (_, kind) in CLASSES.items() if kind == "freq"]
    counts = demo._training_counts(np.random.default_rng(0), freq)
    assert min(counts.values()) == 6
    assert max(counts.values()) == 30
    assert 900 <= sum(counts.values()) <= 1200
