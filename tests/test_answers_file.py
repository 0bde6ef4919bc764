"""`predict --out`: a row a crop, and the corrected file read back."""

from __future__ import annotations

import csv
import json
import os
import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook, load_workbook
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


def _none_as_text(cell: Any) -> Any:
    return "" if cell is None else cell


def rows_of(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".csv":
        text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
        return list(csv.DictReader(text.splitlines()))
    if path.suffix == ".xlsx":
        lines = list(load_workbook(path).active.iter_rows(values_only=True))
        return [dict(zip(lines[0], map(_none_as_text, line), strict=True)) for line in lines[1:]]
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return list(pq.read_table(path).to_pylist())


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".jsonl", ".parquet"])
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
        check_answers_file("answers.xls")
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


def test_a_workbook_comes_back(answers: list[FileAnswer], tmp_path: Path) -> None:
    path = tmp_path / "answers.xlsx"
    save_answers(path, answers)
    (tmp_path / "b.png").touch()
    book = load_workbook(path)
    sheet = book.active
    heads = [cell.value for cell in sheet[1]]
    sheet.cell(2, 1 + heads.index("check me")).value = "OK"
    sheet.cell(3, 1 + heads.index("code")).value = 1.1  # a number, whatever the format says
    book.save(path)
    checked = read_checked(path, CODES)
    assert checked.left_out == 2
    assert checked.table.labels.tolist() == [1, 0]  # by picture
    assert checked.table.boxes is not None
    assert checked.table.boxes[1].tolist() == [10.0, 20.0, 40.0, 50.5]
    sheet.cell(3, 1 + heads.index("code")).value = datetime(2026, 3, 1)
    book.save(path)
    with pytest.raises(InputError, match="row 3 holds a date"):
        read_checked(path, CODES)


def test_rubbish_is_no_workbook(tmp_path: Path) -> None:
    for content in (b"", b"file,code", b"PK\x03\x04"):
        (tmp_path / "a.xlsx").write_bytes(content)
        with pytest.raises(InputError, match="is no workbook that can be read"):
            read_checked(tmp_path / "a.xlsx", CODES)
    book = Workbook()
    book.active.append(["file"])
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(InputError, match="has no column class; its columns are: file"):
        read_checked(tmp_path / "a.xlsx", CODES)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "'"])
def test_no_name_is_a_formula(tmp_path: Path, monkeypatch: Any, start: str) -> None:
    """A file called `=HYPERLINK(...)` opens nothing in a spreadsheet, and its row finds it."""
    monkeypatch.chdir(tmp_path)
    name, code = f"{start}1+1.png", f"{start}2.5"
    Image.new("RGB", (32, 32)).save(name)
    codes: Any = SimpleNamespace(label_of=lambda given: 0 if given == code.strip() else -1)
    answer = FileAnswer(name, (Answer(code, f"{start}cmd", 0.98, "octagon"),), family="octagon")
    for suffix in (".csv", ".xlsx"):
        path = tmp_path / f"answers{suffix}"
        save_answers(path, [answer])
        if suffix == ".csv":
            cells = next(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()[1:]))
            assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in cells)
            text = path.read_text(encoding="utf-8-sig").replace(",,", ",ok,", 1)
            path.write_text(text)
        else:
            book = load_workbook(path)
            assert "f" not in {cell.data_type for cell in book.active[2]}
            heads = [cell.value for cell in book.active[1]]
            book.active.cell(2, 1 + heads.index("check me")).value = "ok"
            for cell in book.active[2]:
                if isinstance(cell.value, str):
                    cell.data_type = "s"
            book.save(path)
        if start != "\t=":  # cells are stripped
            assert read_checked(path, codes).table.labels.tolist() == [0]


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
    (tmp_path / "yolo" / "labels").mkdir(parents=True)
    shutil.copytree(frames, tmp_path / "yolo" / "images")
    shutil.copy(labels / "a.txt", tmp_path / "yolo" / "labels")
    (tmp_path / "yolo" / "data.yaml").write_text("names: [sign]")
    for file in ("x0.csv", "side.csv", "min.csv", "coco.json", "labels", "yolo"):
        table = boxed_crops(tmp_path / file, [] if file == "yolo" else [frames])
        assert [path.name for path in table.paths] == ["a.png"], file
        assert table.boxes is not None
        assert table.boxes.round(6).tolist() == [[80.0, 30.0, 120.0, 70.0]], file
    with pytest.raises(InputError, match="no box of the frames"):
        boxed_crops(tmp_path / "x0.csv", [frames / "b.png"])
    (tmp_path / "odd.csv").write_text("datei,x0\na.png,1\n")
    with pytest.raises(InputError, match="has no column path"):
        boxed_crops(tmp_path / "odd.csv", [frames])
