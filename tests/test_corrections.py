"""Corrected labels: written beside the data, and read by whoever reads the data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from raresign.commands.corrections import (
    UNREADABLE,
    CropCorrection,
    apply_corrections,
    read_corrections,
    save_corrections,
)
from raresign.commands.data_folder import open_data, open_test
from raresign.crops.crop_table import CropTable
from raresign.errors import InputError


def _data(root: Path) -> Path:
    """A small data folder in the layout of the reference."""
    (root / "icons").mkdir(parents=True)
    for code, colour in (("a", "red"), ("b", "blue")):
        icon = Image.new("RGBA", (32, 32))
        ImageDraw.Draw(icon).ellipse((2, 2, 30, 30), colour, "white", 4)
        icon.save(root / "icons" / f"{code}.png")
        (root / "cropped-train" / code).mkdir(parents=True)
        for name in "12":
            Image.new("RGB", (24, 24), colour).save(root / "cropped-train" / code / f"{name}.png")
    (root / "smalltest").mkdir()
    for name in "xyz":
        Image.new("RGB", (24, 24), "red").save(root / "smalltest" / f"{name}.png")
    rows = "filename,class\nx.png,a\ny.png,b\nz.png,b\n"
    (root / "smalltest_annotations.csv").write_text(rows)
    (root / "classes.json").write_text(
        '{"a": {"id": 0, "type": "freq"}, "b": {"id": 1, "type": "freq"}}'
    )
    return root


def test_training_and_test_follow_the_corrections(tmp_path: Path) -> None:
    root = _data(tmp_path / "data")
    save_corrections(
        root,
        [
            CropCorrection("smalltest/y.png", None, "b", "a", "Anna", "2026-11-29T10:00:00"),
            CropCorrection("smalltest/z.png", None, "b", UNREADABLE),
            CropCorrection("cropped-train/a/1.png", None, "a", "b"),
            CropCorrection("cropped-train/a/2.png", None, "b", "a"),  # another label: mended since
            CropCorrection("cropped-train/b/2.png", None, "b", "c"),  # no such class
            CropCorrection("gone.png", None, "a", "b"),
        ],
    )
    data = open_data(root, country="none")
    assert data.layout.name == "reference"
    assert data.training.labels.tolist() == [1, 0, 1]
    assert data.test is not None
    assert data.test.labels.tolist() == [0, 0]
    assert data.corrected is not None
    assert data.corrected.as_dict() == {"relabelled": 3, "unreadable": 1, "without_effect": 2}
    assert data.left_out == {
        "marked unreadable in corrections.csv": 1,
        "corrected to a class that is not in the catalogue": 1,
    }
    with pytest.warns(UserWarning, match="1 labels corrected, 1 crops left out"):
        again = open_test(root, data.catalogue)
    assert again is not None
    assert again.labels.tolist() == [0, 0]


def test_the_file_of_corrections_is_no_layout(tmp_path: Path) -> None:
    root = _data(tmp_path / "data")
    rows = "path,class\n" + "".join(f"cropped-train/{c}/{n}.png,{c}\n" for c in "ab" for n in "12")
    (root / "cropped-train").rename(root / "photos")
    (root / "crops.csv").write_text(rows.replace("cropped-train", "photos"))
    save_corrections(root, [CropCorrection("photos/a/1.png", None, "a", "b")])
    data = open_data(root, country="none")
    assert data.layout.name == "csv"
    assert data.training.labels.tolist() == [1, 0, 1, 1]


def test_boxes_tell_the_signs_of_a_frame_apart(tmp_path: Path) -> None:
    class Codes:
        def label_of(self, code: str) -> int:
            return ["a", "b"].index(code)

    boxes = np.array([[0, 0, 10, 10.004], [20, 0, 30, 10]])
    frame = tmp_path / "f.jpg"
    table = CropTable((frame, frame), np.array([0, 0]), boxes, ("a", "a"))
    file = save_corrections(tmp_path, [CropCorrection("f.jpg", (0, 0, 10, 10), "a", "b")])
    [found], _ = apply_corrections([table], tmp_path, read_corrections(file), Codes())
    assert found is not None
    assert found.labels.tolist() == [1, 0]


def test_names_survive_the_file(tmp_path: Path) -> None:
    strange = [
        CropCorrection("=1+1.png", None, "", "-stop", "=Eve()"),
        CropCorrection('a,"b"\n<script>.png', None, "'t", "<b>", "Анна", "2026"),
    ]
    found = read_corrections(save_corrections(tmp_path, strange))
    assert [Path(one.file).name for one in found] == [one.file for one in strange]
    assert [one.after for one in found] == ["-stop", "<b>"]
    assert found[0].who == "=Eve()"


def test_two_corrections_of_one_crop_are_refused(tmp_path: Path) -> None:
    (tmp_path / "corrections.csv").write_text("file,after\na.png,x\n./a.png,y\n")
    with pytest.raises(InputError, match=r"line 3: \./a\.png is corrected a second time"):
        read_corrections(tmp_path)
