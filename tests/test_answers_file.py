"""`predict --out`: a row a crop, and the corrected file read back."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

from raresign.answers.answer import Answer, FileAnswer
from raresign.commands.answers_file import check_answers_file, read_checked, save_answers
from raresign.commands.boxes_file import boxed_crops
from raresign.errors import InputError

CODES: Any = SimpleNamespace()
CODES.label_of = lambda code: {"2.5": 0, "1.1": 1}.get(code, -1)


@pytest.fixture
def answers(tmp_path: Path) -> list[FileAnswer]:
    """Sure, doubtful, unknown, broken; the first from a frame."""
    sure = FileAnswer("", (Answer("2.5", "Стоп", 0.98, "octagon"),), family="octagon")
    frame = tmp_path / "frame.png"
    Image.new("RGB", (200, 100)).save(frame)
    doubtful = replace(sure, answers=(Answer("2.5", "Стоп", 0.5, "octagon"),))
    return [
        replace(sure, path=str(frame), box=(10.0, 20.0, 40.0, 50.5)),
        replace(doubtful, path=str(tmp_path / "b.png")),
        replace(sure, path=os.fsdecode(b"c\xff;,.png"), level="family"),
        FileAnswer("d.png", (), "the file is empty"),
    ]


def rows_of(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".csv":
        text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
        return list(csv.DictReader(text.splitlines()))
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return list(pq.read_table(path).to_pylist())


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_row_a_crop(answers: list[FileAnswer], tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"answers{suffix}"
    assert save_answers(path, answers) == 4
    rows = rows_of(path)
    assert [row["code"] or None for row in rows] == ["2.5", "2.5", None, None]
    assert [row["level"] or None for row in rows] == ["class", "class", "family", None]
    assert [row["check me"] for row in rows] == ["", "yes", "yes", "yes"]
    assert [row["guess"] or None for row in rows] == [None, None, "2.5", None]
    assert rows[0]["name"] == "Стоп"
    assert float(rows[0]["y1"]) == 50.5
    assert float(rows[1]["probability"]) == 0.5


def test_forms_that_are_not_written() -> None:
    with pytest.raises(InputError, match="Excel"):
        check_answers_file("answers.xlsx")
    with pytest.raises(InputError, match="no ending"):
        check_answers_file("answers")


def test_what_a_person_corrected_comes_back(answers: list[FileAnswer], tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    save_answers(path, answers)
    with pytest.raises(InputError, match="no code was changed or confirmed"):
        read_checked(path, CODES)
    rows = rows_of(path)
    rows[0]["check me"] = "ok"
    rows[1]["code"] = "1.1"
    (tmp_path / "b.png").touch()
    with path.open("w", newline="") as file:  # as a spreadsheet saves it: `;`, no mark
        table = csv.DictWriter(file, rows[0], delimiter=";")
        table.writeheader()
        table.writerows(rows[:2] + rows[3:])
    checked = read_checked(path, CODES)
    assert checked.left_out == 1
    boxes = checked.table.boxes
    assert boxes is not None
    by_name = {path.name: row for row, path in enumerate(checked.table.paths)}
    assert checked.table.labels[[by_name["frame.png"], by_name["b.png"]]].tolist() == [0, 1]
    assert boxes[by_name["frame.png"]].tolist() == [10.0, 20.0, 40.0, 50.5]
    rows[1]["code"] = "9.9"
    path.write_text("file,code\nb.png,9.9\n")
    with pytest.raises(InputError, match=r"line 2: the run has no class '9\.9'"):
        read_checked(path, CODES)


def test_boxes_of_every_kind_are_the_same(tmp_path: Path) -> None:
    frames = tmp_path / "frames"
    labels = tmp_path / "labels"
    frames.mkdir()
    labels.mkdir()
    for name in ("a", "b"):
        Image.new("RGB", (200, 100)).save(frames / f"{name}.png")
    (labels / "a.txt").write_text("0 0.5 0.5 0.2 0.4 0.93\n")
    (tmp_path / "x0.csv").write_text("file,x0,y0,x1,y1\na.png,80,30,120,70\n")
    (tmp_path / "side.csv").write_text("filename;x;y;width;height\na.png;80;30;40;40\n")
    (tmp_path / "min.csv").write_text("path,xmin,ymin,xmax,ymax\na.png,80,30,120,70\n")
    coco = {
        "images": [{"id": 1, "file_name": "a.png"}],
        "categories": [{"id": 7, "name": "sign"}],
        "annotations": [{"image_id": 1, "category_id": 7, "bbox": [80, 30, 40, 40]}],
    }
    (tmp_path / "coco.json").write_text(json.dumps(coco))
    for file in ("x0.csv", "side.csv", "min.csv", "coco.json", "labels"):
        table = boxed_crops(tmp_path / file, [frames])
        assert [path.name for path in table.paths] == ["a.png"], file
        assert table.boxes is not None
        assert table.boxes.round(6).tolist() == [[80.0, 30.0, 120.0, 70.0]], file
    with pytest.raises(InputError, match="no box of the frames"):
        boxed_crops(tmp_path / "x0.csv", [frames / "b.png"])
    (tmp_path / "odd.csv").write_text("datei,x0\na.png,1\n")
    with pytest.raises(InputError, match="no column path; its columns are: datei, x0"):
        boxed_crops(tmp_path / "odd.csv", [frames])
