"""Crops framed otherwise, against a loop over pixels; the sweep of a tiny run and its report."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from raresign.commands.evaluate_run import evaluate
from raresign.commands.sweep_run import sweep_framing
from raresign.crops.crop_table import CropTable
from raresign.crops.decode import cut_box
from raresign.crops.reframing import (
    UNCHANGED,
    Reframing,
    reframed,
    reframed_rows,
    sweep_reframings,
)
from raresign.errors import InputError
from raresign.evaluation.reframed_recall import compare_windows, sweep_from_dict
from raresign.runs.loading import load

Box = tuple[int, int, int, int]


def noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(width * height).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


def by_loop(frame: Image.Image, scale: float, shift: tuple[float, float], box: Box) -> np.ndarray:
    """Pixel by pixel: where it lies in the frame, or the nearest edge pixel."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    wide = max(1, int(scale * width + 0.5))
    high = max(1, int(scale * height + 0.5))
    x0 = left + math.floor((width - wide) / 2 + shift[0] * width + 0.5)
    y0 = top + math.floor((height - high) / 2 + shift[1] * height + 0.5)
    pixels, found = np.asarray(frame), np.empty((high, wide, 3), np.uint8)
    for y in range(high):
        for x in range(wide):
            place = min(max(y0 + y, 0), frame.height - 1), min(max(x0 + x, 0), frame.width - 1)
            found[y, x] = pixels[place]
    return found


@settings(deadline=None, max_examples=50)
@given(
    st.integers(1, 23),
    st.integers(1, 23),
    st.floats(0.05, 3.0),
    st.tuples(st.floats(-2, 2), st.floats(-2, 2)),
    st.data(),
)
def test_a_window_against_a_loop(
    width: int, height: int, scale: float, shift: tuple[float, float], data: Any
) -> None:
    frame = noise(width, height)
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    box = (
        left,
        top,
        data.draw(st.integers(left + 1, width)),
        data.draw(st.integers(top + 1, height)),
    )
    found = np.asarray(reframed(frame, scale, shift, box))
    np.testing.assert_array_equal(found, by_loop(frame, scale, shift, box))
    whole = np.asarray(reframed(frame, scale, shift))
    np.testing.assert_array_equal(whole, by_loop(frame, scale, shift, (0, 0, width, height)))


def test_the_unchanged_window_is_the_crop() -> None:
    frame = noise(30, 20)
    np.testing.assert_array_equal(reframed(frame, 1.0), frame)
    assert sum(window == UNCHANGED for window in sweep_reframings()) == 1
    assert len(set(sweep_reframings())) == 9 + 24


@pytest.mark.parametrize("wrong", [(0.0, (0, 0)), (-1.0, (0, 0)), (math.nan, (0, 0))])
def test_windows_without_size_are_refused(wrong: tuple[float, tuple[float, float]]) -> None:
    with pytest.raises(InputError, match="above 0"):
        reframed(noise(4, 4), *wrong)


def test_crops_of_a_frame_get_its_pixels(tmp_path: Path) -> None:
    """As packing cuts them; what cannot be read or lies outside is left out."""
    frame = noise(40, 30)
    frame.save(tmp_path / "frame.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    boxes = np.array([[10.4, 5, 20, 17.5], [90, 90, 95, 95], [np.nan] * 4, [np.nan] * 4])
    names = ("frame.png", "frame.png", "broken.png", "frame.png")
    table = CropTable(tuple(tmp_path / name for name in names), np.zeros(4, int), boxes, ("",) * 4)
    windows = [UNCHANGED, Reframing(1.5, 0.1, 0.0)]
    rows = dict(reframed_rows(table, windows))
    assert list(rows) == [0, 3]
    np.testing.assert_array_equal(rows[0][0], cut_box(frame, boxes[0], ""))
    np.testing.assert_array_equal(rows[0][1], by_loop(frame, 1.5, (0.1, 0.0), (10, 5, 20, 18)))
    np.testing.assert_array_equal(rows[3][0], frame)


def test_losses_against_loops() -> None:
    rng = np.random.default_rng(0)
    right = rng.random((3, 50)) < 0.7
    rare = rng.random(50) < 0.4
    windows = [Reframing(0.8), UNCHANGED, Reframing(1.0, 0.1, -0.1)]
    sweep = compare_windows(
        windows, right, {"all": rare | True, "rare": rare, "freq": rare & False}
    )
    for row, after in zip(sweep.rows, right, strict=True):
        lost = [int(right[1, n]) - int(after[n]) for n in range(50) if rare[n]]
        loss = row.loss["rare"]
        assert loss.value == pytest.approx(sum(lost) / len(lost))
        assert loss.low <= loss.value <= loss.high
        assert row.recall["rare"].value == pytest.approx(after[rare].mean())
        assert math.isnan(row.loss["freq"].value)
    assert sweep.unchanged.loss["all"].value == 0
    assert [row.words for row in sweep.rows] == ["x 0.8", "x 1", "10 % right and up"]
    assert sweep.mean_shift_losses("all") == {0.1: sweep.rows[2].loss["all"].value}
    again = sweep_from_dict(json.loads(json.dumps(sweep.as_dict())))
    assert again.as_dict() == sweep.as_dict()


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


def test_sweep_of_a_run(run: Path, data_folder: Path, cli: Callable[..., Any]) -> None:
    """Unchanged crops are those of `evaluate`; another window is what `answer` says of it."""
    ended = cli("evaluate", run, data_folder, "--framing-sweep", "--json")
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    sweep = sweep_from_dict(told["framing"])
    kept = json.loads((run / "evaluation" / "framing.json").read_text(encoding="utf-8"))
    assert kept == told["framing"]
    for group in ("all", "rare", "freq"):
        assert kept["rows"][4]["recall"][group] == told[group]["micro"]
    model = load(run)
    rows = (data_folder / "smalltest_annotations.csv").read_text().splitlines()[1:]
    chosen = sweep.rows[0]
    hits = 0
    for name, code in (row.split(",") for row in rows):
        with Image.open(data_folder / "smalltest" / name) as file:
            picture = file.convert("RGB")
        cut = Image.fromarray(by_loop(picture, chosen.scale, (0, 0), (0, 0, *picture.size)))
        hits += model.answer(cut).answers[0].code == code
    assert chosen.scale == 0.6
    assert chosen.recall["all"].n == len(rows)
    assert chosen.recall["all"].value == pytest.approx(hits / len(rows))
    page = (run / "report.html").read_text(encoding="utf-8")
    assert 'id="framing"' in page
    assert 'href="#framing"' in page
    assert page.count("Recall by scale") == 2
    assert "15 % right and down" in page


def test_a_sweep_that_does_not_belong_becomes_a_note(run: Path, data_folder: Path) -> None:
    sweep = sweep_framing(run, data_folder).as_dict()
    file = run / "evaluation" / "framing.json"
    older = json.loads(json.dumps(sweep))
    older["rows"][4]["recall"]["all"]["value"] = 0.123
    lacking = {"rows": sweep["rows"][:4]}
    for wrong, words in ((older, "older than the figures"), (lacking, "no unchanged crops")):
        file.write_text(json.dumps(wrong), encoding="utf-8")
        evaluate(run, data_folder)
        page = (run / "report.html").read_text(encoding="utf-8")
        assert 'id="framing"' not in page
        assert words in page


def test_a_sweep_elsewhere_leaves_the_report(run: Path, data_folder: Path, tmp_path: Path) -> None:
    before = (run / "report.html").read_bytes()
    sweep_framing(run, data_folder, out=tmp_path / "out")
    assert (tmp_path / "out" / "framing.json").is_file()
    assert not (run / "evaluation" / "framing.json").exists()
    assert (run / "report.html").read_bytes() == before
