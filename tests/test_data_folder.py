"""Data folders as they are opened: layout said, empty parts allowed, trained crops known."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from raresign.commands.catalogue_table import catalogue_rows
from raresign.commands.data_folder import open_data, open_test
from raresign.commands.trained_crops import note_training_crops, trained_with
from raresign.crops.crop_table import CropTable
from raresign.crops.pack import pack_crops
from raresign.errors import InputError
from raresign.signs.catalogue.sign_catalogue import SignCatalogue

ICON = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20"><{} fill="{}"/></svg>'
SHAPES = {
    "stop": ICON.format('path d="M6 0L14 0L20 6L20 14L14 20L6 20L0 14L0 6z"', "red"),
    "go": ICON.format('circle cx="10" cy="10" r="10"', "blue"),
}


def data_folder(root: Path, codes: tuple[str, ...] = ("stop", "go")) -> Path:
    (root / "icons").mkdir(parents=True)
    classes = {code: {"id": number, "type": "freq"} for number, code in enumerate(codes)}
    (root / "classes.json").write_text(json.dumps(classes), encoding="utf-8")
    for code, shape in zip(codes, SHAPES.values(), strict=True):
        (root / "icons" / f"{code}.svg").write_text(shape)
    return root


def picture(path: Path, colour: tuple[int, int, int] = (9, 8, 7)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 20), colour).save(path)
    return path


def with_test(root: Path) -> Path:
    picture(root / "smalltest" / "0.png")
    (root / "smalltest_annotations.csv").write_text("filename,class\n0.png,stop\n")
    return root


def test_icons_alone_still_test_where_there_are_test_crops(tmp_path: Path) -> None:
    root = data_folder(tmp_path / "d")
    bare = open_data(root)
    assert (bare.layout.name, len(bare.training), bare.test) == ("icons", 0, None)
    with_test(root)
    for layout in ("icons", "auto"):
        source = open_data(root, layout=layout)
        assert source.test is not None
        assert (len(source.training), source.test.class_names) == (0, ("stop",))
    for empty in ("cropped-train", "cropped-train/stop"):
        (root / empty).mkdir()
        (root / "cropped-train" / ".DS_Store").touch()
        source = open_data(root)
        assert source.layout.name == "reference"
        assert (len(source.training), len(source.test or ())) == (0, 1)
    test = open_test(root, source.catalogue)
    assert test is not None
    assert test.class_names == ("stop",)


def test_the_layout_and_what_is_left_out_are_said(tmp_path: Path) -> None:
    root = data_folder(tmp_path / "d")
    for part in ("train", "valid", "test"):
        picture(tmp_path / "c" / part / "stop" / "a.png")
    picture(tmp_path / "c" / "train" / "tree" / "a.png")
    (tmp_path / "c" / "train" / "stop" / "boxes.csv").touch()
    said: list[str] = []
    with pytest.warns(UserWarning, match="tree"):
        rows = catalogue_rows(root, tmp_path / "c", "auto", say=said.append)
    assert [(row.training_crops, row.test_crops) for row in rows] == [(1, 1), (0, 0)]
    assert "layout: folders, recognised by folders of pictures: test, train, valid" in said
    assert any(line.startswith("left out: 1 annotation files, which this") for line in said)
    assert "left out: 1 of the validation part, which neither trains nor tests" in said
    assert "left out: 1 of a class that the catalogue does not have" in said


def test_icons_and_codes_meet_after_unicode_normalisation(tmp_path: Path) -> None:
    composed = "Übung й"
    root = data_folder(tmp_path / "d", (composed, "go"))
    apart = unicodedata.normalize("NFD", composed)
    (root / "icons" / f"{composed}.svg").rename(root / "icons" / f"{apart}.svg")
    picture(root / "cropped-train" / apart / "a.png")
    source = open_data(root)
    assert source.catalogue.codes == (composed, "go")
    assert source.training.labels.tolist() == [0]
    first, second = source.catalogue.classes
    twice = type(first)(apart, 7, "freq", first.icons, first.family, None)
    with pytest.raises(InputError, match=f"two classes are called '{composed}'"):
        SignCatalogue([first, second, twice])


def test_crops_that_a_run_was_trained_with_are_known_again(tmp_path: Path) -> None:
    paths = tuple(picture(tmp_path / "a" / f"{k}.png", (k, 2 * k, 9)) for k in range(4))
    moved = tuple(picture(tmp_path / "b" / f"x{k}.png", (k, 2 * k, 9)) for k in (1, 3, 9))
    cache, run = tmp_path / "cache", tmp_path / "run"
    run.mkdir()
    packs = [
        pack_crops(CropTable(some, np.zeros(len(some), int), None, ("",) * len(some)), 16, cache)
        for some in (paths, moved)
    ]
    assert trained_with(run, packs[1]) == 0
    note_training_crops(run, packs[0])
    assert trained_with(run, packs[0]) == 4
    assert trained_with(run, packs[1]) == 2
