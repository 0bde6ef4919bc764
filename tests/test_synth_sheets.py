"""`synth --sheet`: every page is drawn, shows something, and is the same each time."""

from __future__ import annotations

import csv
import shutil
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from raresign.commands.picture_page import Cell, Row, draw_page
from raresign.commands.synth import effect_strips
from raresign.commands.synth.effect_strips import examples, slider, slider_fields
from raresign.commands.synth.engine import SynthEngine, open_engine
from raresign.commands.synth.sheets import synth_sheets
from raresign.errors import InputError
from raresign.synthesis.groups import GROUPS
from raresign.synthesis.preset import RoadPreset, load_preset

Cli = Callable[..., Any]


@pytest.fixture(scope="module", autouse=True)
def _few_candidates() -> Iterator[None]:
    """Sliders have 3 steps and look among 4 crops for one that shows them, for speed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(effect_strips, "_LABELS", 2)
        patch.setattr(effect_strips, "_NUMBERS", 2)
        patch.setattr(effect_strips, "STEPS", 3)
        patch.setattr(sys.modules["raresign.commands.synth.sheets"], "STEPS", 3)
        yield


@pytest.fixture(scope="module")
def sheets(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sheets") / "out"
    synth_sheets(data_folder, folder, size=16)
    return folder


@pytest.fixture(scope="module")
def engine(data_folder: Path) -> SynthEngine:
    return open_engine(data_folder, load_preset("road"), 32, 0)


def test_which_sheets(sheets: Path) -> None:
    names = {path.name for path in sheets.iterdir()}
    assert names == {
        "classes-1.png",
        "effects.png",
        "real.png",
        "blind.png",
        "blind-key.csv",
        *(f"effect-{group}.png" for group in GROUPS),
    }
    for path in sheets.glob("*.png"):
        with Image.open(path) as page:
            assert np.asarray(page.convert("L")).std() > 5, path.name


def test_they_are_deterministic(
    data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules["raresign.commands.synth.sheets"]
    monkeypatch.setattr(module, "GROUPS", {"file": GROUPS["file"]})  # the others take a minute
    monkeypatch.setattr(module, "overview", lambda engine: module._strips(engine, "file"))
    pages = [
        {file.name: file.read_bytes() for file in synth_sheets(data_folder, out, size=16)}
        for out in (tmp_path / "once", tmp_path / "again")
    ]
    assert len(pages[0]) > 4
    assert pages[0] == pages[1]


def test_blind_key_is_balanced_and_shuffled(sheets: Path) -> None:
    with (sheets / "blind-key.csv").open() as file:
        rows = list(csv.DictReader(file))
    kinds = [row["kind"] for row in rows]
    assert kinds.count("real") == kinds.count("synthetic") == 32  # all that the folder has
    assert [int(row["number"]) for row in rows] == list(range(1, 65))
    assert sum(a != b for a, b in pairwise(kinds)) > 15
    by_kind = [sorted(row["class"] for row in rows if row["kind"] == kind) for kind in set(kinds)]
    assert by_kind[0] == by_kind[1]


def test_icons_alone(own_data: Path, tmp_path: Path) -> None:
    shutil.rmtree(own_data / "cropped-train")
    said: list[str] = []
    files = synth_sheets(own_data, tmp_path / "out", size=16, preset="reference", say=said.append)
    assert [path.name for path in files] == ["classes-1.png"]
    assert any("no cropped-train" in line for line in said)
    assert any("no effects" in line for line in said)


ROAD = load_preset("road")
assert isinstance(ROAD, RoadPreset)
EFFECTS = ROAD.effects()


@pytest.mark.parametrize("name", EFFECTS)
def test_examples_show_the_effect(engine: SynthEngine, name: str) -> None:
    without, with_it = examples(engine, name, 6)
    assert with_it.shape == (6, 32, 32, 3)
    if slider_fields(EFFECTS[name]):
        assert (without != with_it).any()


@pytest.mark.parametrize(
    ("name", "field"),
    [(name, field) for name in ("jpeg", "dirt", "pole", "sensor") for field in
     slider_fields(EFFECTS[name])],
)  # fmt: skip
def test_sliders_move(engine: SynthEngine, name: str, field: str) -> None:
    crops, values = slider(engine, name, field)
    assert values == sorted(values)
    knots = getattr(EFFECTS[name], field)
    assert (values[0], values[-1]) == pytest.approx((knots[0], knots[-1]))
    assert (crops[0] != crops[-1]).any()


def test_a_slider_moves_one_range_only(engine: SynthEngine) -> None:
    crops, values = slider(engine, "exposure", "gain")
    light = crops.astype(float).mean((1, 2, 3))
    assert (np.diff(light) > 0).all()
    assert len(values) == len(crops)


def test_page_layout() -> None:
    red = np.zeros((20, 20, 3), np.uint8)
    red[..., 0] = 255
    rows = [Row(f"row {k}", [Cell(red), Cell(None)], "note") for k in range(3)]
    page = np.asarray(draw_page("Title", "What it is", rows, 2, [(0, "first")]))
    is_red = (page == (255, 0, 0)).all(2)
    assert is_red.sum() == 3 * 80 * 80  # enlarged four times
    assert page.shape[1] > 4 * 80


def test_command(cli: Cli, data_folder: Path, tmp_path: Path) -> None:
    ended = cli(
        "synth", data_folder, "--sheet", tmp_path / "out", "--preset", "reference", "--json"
    )
    assert ended.code == 0
    assert '"sheets": [' in ended.out
    (tmp_path / "file").write_text("")
    assert cli("synth", data_folder, "--sheet", tmp_path / "file").code == 2
    with pytest.raises(InputError, match="700 pixels"):
        synth_sheets(data_folder, tmp_path / "large", size=700)
