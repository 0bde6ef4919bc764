"""Annotations of tools and columns without a known name: read as meant, or refused with why."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from raresign.commands.layout_choice import choose_layout
from raresign.crops.crop_table import CropTable
from raresign.crops.layouts.recognise import recognised
from raresign.crops.whole_frames import warn_of_frames
from raresign.errors import InputError
from raresign.signs.catalogue.classes_file import read_classes
from raresign.signs.catalogue.sign_catalogue import SignCatalogue

SIZE = (160, 120)
Box = tuple[int, int, int, int]


class Signs:
    codes = ("stop", "go", "1")

    def label_of(self, code: str) -> int:
        return self.codes.index(code) if code in self.codes else -1


def frames(folder: Path, count: int = 6, edge: int = 0) -> list[tuple[str, str, Box]]:
    """Frames with a red sign each; name, class and box, `edge` pixels outside of the sign."""
    random = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for k in range(count):
        x, y, wide, high = (int(v) for v in random.integers((15, 15, 18, 18), (90, 60, 34, 34)))
        picture = Image.fromarray(random.integers(90, 130, (*SIZE[::-1], 3), dtype=np.uint8))
        picture.paste((220, 20, 20), (x, y, x + wide, y + high))
        picture.paste((240, 240, 240), (x + 5, y + high // 2 - 2, x + wide - 5, y + high // 2 + 2))
        picture.save(folder / f"{k}.png")
        box = (x - edge, y - edge, x + wide + edge, y + high + edge)
        rows.append((f"{k}.png", "stop" if k % 2 else "go", box))
    return rows


def read(place: Path, layout: str = "auto") -> tuple[CropTable, CropTable | None, str]:
    """Training and test crops, and what was said."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = choose_layout(place, layout, place.parent.parent).read(Signs())
    return found.training, found.test, " | ".join(str(one.message) for one in caught)


Cells = Callable[[str, str, Box], tuple[Any, ...]]


def table(folder: Path, header: str, cells: Cells, separator: str = ",") -> Path:
    lines = [separator.join(map(str, cells(*row))) for row in frames(folder)]
    (folder / "labels.csv").write_text("\n".join([header, *lines]))
    return folder


def as_size(name: str, code: str, box: Box) -> tuple[Any, ...]:
    return name, code, box[0], box[1], box[2] - box[0], box[3] - box[1]


def as_corners(name: str, code: str, box: Box) -> tuple[Any, ...]:
    return name, code, *box


@pytest.mark.parametrize(
    ("columns", "cells"),
    [
        ("A,B,C,D", as_corners),
        ("u0,v0,u1,v1", as_corners),
        ("column,row,cols,rows", as_size),
        ("a,b,c,d", lambda n, c, b: (n, c, *(b[k] / SIZE[k % 2] for k in range(4)))),
        ("place", lambda n, c, b: (n, c, f"{b[0]} {b[1]} {b[2]} {b[3]}")),
        ("tl,br", lambda n, c, b: (n, c, f'"({b[0]}, {b[1]})"', f'"({b[2]}, {b[3]})"')),
        ("mark_x,mark_y,radius", lambda n, c, b: (n, c, b[0], b[1], b[2] - b[0])),
        ("width,height", lambda n, c, b: (n, c, b[2] - b[0], b[3] - b[1])),
    ],
)
def test_numbers_that_may_be_boxes_are_no_whole_frames(
    tmp_path: Path, columns: str, cells: Cells
) -> None:
    place = table(tmp_path / "d", f"image,class,{columns}", cells)
    with pytest.raises(InputError, match=r"hold.? numbers that may well be boxes") as error:
        read(place)
    assert columns.split(",")[0] in error.value.problem


def test_other_numbers_are_no_boxes(tmp_path: Path) -> None:
    place = table(
        tmp_path / "d",
        "image,class,id,track,year,lat,lon,width,height",
        lambda n, c, b: (n, c, 9000 + b[0], n[0], 2012, 55.1 + b[1] / 9, 37.2, *SIZE),
    )
    assert len(read(place)[0]) == 6


@pytest.mark.parametrize(
    ("header", "cells", "separator"),
    [
        ("file|class|xmin|ymin|xmax|ymax", as_corners, "|"),
        (
            "file;class;xmin;ymin;xmax;ymax",
            lambda n, c, b: (n, c, *(f"{v},0" for v in b)),
            ";",
        ),
        (
            "file,class,polygon",
            lambda n, c, b: (n, c, f'"[[{b[0]}, {b[1]}], [{b[2]}, {b[1]}], [{b[2]}, {b[3]}]]"'),
            ",",
        ),
        (
            "filename,file_size,region_id,region_shape_attributes,region_attributes",
            lambda n, c, b: (
                n, 7, 0,
                f'"{{""name"":""rect"",""x"":{b[0]},""y"":{b[1]},""width"":{b[2] - b[0]},'
                f'""height"":{b[3] - b[1]}}}"',
                f'"{{""sign"":""{c}""}}"',
            ),
            ",",
        ),
        ("file,class,xmin,ymin,xmax,ymax", lambda n, c, b: (n, c, *b[2:], *b[:2]), ","),
    ],
)  # fmt: skip
def test_cells_as_tools_write_them(
    tmp_path: Path, header: str, cells: Cells, separator: str
) -> None:
    training, _, _ = read(table(tmp_path / "d", header, cells, separator))
    assert training.boxes is not None
    assert training.boxes.tolist() == [list(map(float, box)) for _, _, box in frames(tmp_path)]
    assert training.class_names == ("go", "stop") * 3


@pytest.mark.parametrize(
    ("column", "mark"),
    [
        ("fold", ("training", "testing")),
        ("is_test", ("False", "True")),
        ("train", ("1", "0")),
        ("mode", ("train", "test")),
    ],
)
def test_parts_are_declared_by_cells(tmp_path: Path, column: str, mark: tuple[str, str]) -> None:
    header = f"file,class,x0,y0,x1,y1,{column}"
    place = table(tmp_path / "d", header, lambda n, c, b: (*as_corners(n, c, b), mark[n > "3.png"]))
    training, test, _ = read(place)
    assert (len(training), 0 if test is None else len(test)) == (4, 2)


def test_a_split_that_names_no_part_is_refused(tmp_path: Path) -> None:
    header = "file,class,x0,y0,x1,y1,split"
    place = table(tmp_path / "d", header, lambda n, c, b: (*as_corners(n, c, b), n[0]))
    with pytest.raises(InputError, match=r"the column split says 0, 1, 2, 3, which names no part"):
        read(place)


def test_marked_classes(tmp_path: Path) -> None:
    """Roboflow's `_classes.csv`: a column a class."""
    folder = tmp_path / "d"
    frames(folder / "train", 3)
    file = folder / "train" / "_classes.csv"
    file.write_text("filename, stop, go\n0.png, 1, 0\n1.png, 0, 1\n2.png, 0, 0\n")
    training, _, said = read(folder)
    assert training.class_names == ("stop", "go")
    assert "1 left out, no class is marked: line 4" in said
    file.write_text("filename, stop, go\n0.png, 1, 1\n1.png, 0, 1\n")
    with pytest.raises(InputError, match=r"0\.png is 'stop' .* and 'go' .*, and neither has a box"):
        read(folder)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"shapes": [], "imagePath": "0.png", "imageData": None}, "a file of LabelMe"),
        ({"objects": [{"classTitle": "stop", "points": {}}]}, "a file of Supervisely"),
        ({"0.png1": {"filename": "0.png", "regions": []}}, "a project of VIA"),
        ([{"name": "0.png", "labels": []}], "a file of BDD100K"),
        ([{"image": "0.png", "annotations": []}], "a file of CreateML"),
        ([{"frame_id": 1, "filename": "0.png", "objects": []}], "what darknet detected"),
    ],
)
def test_files_of_other_tools_are_named(tmp_path: Path, content: Any, words: str) -> None:
    frames(tmp_path / "d", 1)
    (tmp_path / "d" / "0.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=f"is {words}.*, which is not read"):
        recognised(tmp_path / "d" / "0.json")
    with pytest.raises(InputError, match=words):
        choose_layout(tmp_path / "d", "auto", tmp_path)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 0.5 0.5 0.2 0.2", "is a YOLO label, but there are no class names"),
        ("stop 0.00 0 -1.5 10 20 30 40 1 1 1 1 1 1 1", "is a KITTI label, which is not read"),
        ("1 2 3 2 3 4 1 4 stop 0", "is a DOTA label, which is not read"),
    ],
)
def test_labels_beside_pictures_are_no_class_folders(tmp_path: Path, line: str, words: str) -> None:
    frames(tmp_path / "d" / "images", 3)
    (tmp_path / "d" / "labels").mkdir()
    for k in range(3):
        (tmp_path / "d" / "labels" / f"{k}.txt").write_text(line)
    with pytest.raises(InputError, match=re.escape(words)):
        choose_layout(tmp_path / "d", "auto", tmp_path)
    (tmp_path / "d" / "classes.txt").write_text("stop\ngo\n")
    if "YOLO" in words:
        assert len(read(tmp_path / "d")[0]) == 3
    else:
        with pytest.raises(InputError, match=words.split(",")[0].removeprefix("is ")):
            read(tmp_path / "d")


def test_lists_without_column_names_are_named(tmp_path: Path) -> None:
    frames(tmp_path / "d", 1)
    (tmp_path / "d" / "gt.txt").write_text("00000.ppm;774;411;815;446;11\n")
    for place in (tmp_path / "d", tmp_path / "d" / "gt.txt"):
        with pytest.raises(InputError, match=r"gt\.txt has no line of column names"):
            choose_layout(place, "auto", tmp_path)
    (tmp_path / "d" / "gt.txt").rename(tmp_path / "d" / "gt.csv")
    with pytest.raises(InputError, match=r"gt\.csv has no line of column names"):
        choose_layout(tmp_path / "d", "auto", tmp_path)


def test_quotes_and_decimal_commas_of_yolo(tmp_path: Path) -> None:
    frames(tmp_path / "d", 1)
    (tmp_path / "d" / "0.txt").write_text("1 0,5 0,5 0,25 0,5\n")
    (tmp_path / "d" / "classes.txt").write_text("'go'\n\"stop\"\n")
    training, _, _ = read(tmp_path / "d")
    assert training.class_names == ("stop",)
    assert training.boxes is not None
    assert training.boxes.round(6).tolist() == [[56.0, 24.0, 104.0, 96.0]]  # 10 % wider


def coco(folder: Path, rows: list[tuple[str, str, Box]]) -> dict[str, Any]:
    names = sorted({name for name, _, _ in rows})
    return {
        "images": [{"id": k, "file_name": name} for k, name in enumerate(names)],
        "categories": [{"id": 1, "name": "stop"}, {"id": 2, "name": "go"}],
        "annotations": [
            {
                "id": k,
                "image_id": names.index(name),
                "category_id": 1 if code == "stop" else 2,
                "bbox": [*box[:2], box[2] - box[0], box[3] - box[1]],
            }
            for k, (name, code, box) in enumerate(rows)
        ],
    }


def test_ids_that_mean_two_things_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    for key, more, words in (
        ("images", {"id": 0, "file_name": "5.png"}, "two images have the id 0"),
        ("categories", {"id": 1, "name": "go"}, "two categories have the id 1: stop and go"),
    ):
        content = coco(tmp_path, frames(tmp_path))
        content[key].append(more)
        file.write_text(json.dumps(content))
        with pytest.raises(InputError, match=words):
            read(file)
    content = coco(tmp_path, frames(tmp_path))
    for row in content["annotations"]:
        row["category_id"] -= 1
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match="count categories from 0, the list of categories from 1"):
        read(file)


def test_folders_of_pictures_declare_parts_of_coco(tmp_path: Path) -> None:
    rows = frames(tmp_path / "d" / "train", 4)
    (tmp_path / "d" / "test").mkdir()
    (tmp_path / "d" / "train" / "3.png").rename(tmp_path / "d" / "test" / "3.png")
    (tmp_path / "d" / "a.json").write_text(json.dumps(coco(tmp_path, rows)))
    training, test, _ = read(tmp_path / "d")
    assert test is not None
    assert (len(training), [path.name for path in test.paths]) == (3, ["3.png"])


@pytest.mark.parametrize("edge", [-3, 0, 4])
def test_boxes_beside_their_signs_are_told(tmp_path: Path, edge: int) -> None:
    rows = frames(tmp_path, 12, edge)
    content = coco(tmp_path, rows)
    (tmp_path / "a.json").write_text(json.dumps(content))
    assert "would lie" not in read(tmp_path / "a.json")[2]
    if edge:
        return
    ways: dict[str, Callable[[float, float, float, float], list[float]]] = {
        "x and y were the middle": lambda x, y, w, h: [x + w / 2, y + h / 2, w, h],
        "y counted from the bottom": lambda x, y, w, h: [x, SIZE[1] - y - h, w, h],
        "x and y changed places": lambda x, y, w, h: [y, x, h, w],
    }
    for words, changed in ways.items():
        wrong = json.loads(json.dumps(content))
        for row in wrong["annotations"]:
            row["bbox"] = changed(*row["bbox"])
        (tmp_path / "a.json").write_text(json.dumps(wrong))
        assert f"would lie on their signs better if {words}" in read(tmp_path / "a.json")[2]


def test_a_stated_size_that_is_wrong_scales_no_box(tmp_path: Path) -> None:
    rows = frames(tmp_path)
    content = coco(tmp_path, rows)
    for image in content["images"]:
        image |= {"width": 2 * SIZE[0], "height": 2 * SIZE[1]}
    (tmp_path / "a.json").write_text(json.dumps(content))
    training, _, said = read(tmp_path / "a.json")
    assert "have other sizes than stated; the boxes fit them as they are" in said
    assert training.boxes is not None
    assert training.boxes.mean(axis=1).tolist() == pytest.approx(
        [np.mean(box) for _, _, box in rows]
    )


def test_kaggles_test_csv_tests_though_it_is_alone(tmp_path: Path) -> None:
    head = "Width,Height,Roi.X1,Roi.Y1,Roi.X2,Roi.Y2,ClassId,Path"
    frames(tmp_path / "Test", 2)
    rows = [f"{SIZE[0]},{SIZE[1]},5,5,30,30,1,Test/{k}.png" for k in range(2)]
    (tmp_path / "Test.csv").write_text("\n".join([head, *rows]))
    for place in (tmp_path / "Test.csv", tmp_path):
        training, test, _ = read(place)
        assert test is not None
        assert (len(training), len(test)) == (0, 2)


def test_what_lies_in_a_part_beside_class_folders_is_counted_once(tmp_path: Path) -> None:
    frames(tmp_path / "d" / "train" / "stop", 2)
    frames(tmp_path / "d" / "train", 1)
    (tmp_path / "d" / "train" / "notes.csv").write_text("a,b\n")
    training, _, said = read(tmp_path / "d", "folders")
    assert len(training) == 2
    assert "1 left out, beside the class folders" in said
    assert dict(training.left_out) == {
        "annotation files, which this layout does not read (--layout auto may)": 1,
        "beside the class folders, not in one": 1,
    }


@pytest.fixture(autouse=True)
def _no_stray_warning() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def test_encodings_of_classes_json_are_named(tmp_path: Path) -> None:
    for encoding, words in (("cp1251", "cp1251"), ("utf-16", "UTF-16")):
        text = '{"Уступите дорогу": {"id": 0, "type": "rare"}}'
        (tmp_path / "classes.json").write_bytes(text.encode(encoding))
        with pytest.raises(InputError, match=f"is {words}.* text, not UTF-8"):
            read_classes(tmp_path / "classes.json")


def test_a_code_that_names_no_file_is_told(tmp_path: Path) -> None:
    Image.new("RGBA", (40, 40), "red").save(tmp_path / "stop.png")
    with pytest.raises(InputError, match=r"'50 km/h' can have no icon.* without / and"):
        SignCatalogue.from_icons(tmp_path, {"stop": "freq", "50 km/h": "freq"})


def test_whole_frames_in_class_folders_are_told(tmp_path: Path) -> None:
    Image.new("RGB", (1280, 720)).save(tmp_path / "a.png")
    Image.new("RGB", (60, 60)).save(tmp_path / "b.png")
    frame, crop = tmp_path / "a.png", tmp_path / "b.png"
    for paths, told in (((frame, frame), True), ((frame, crop, crop), False)):
        crops = CropTable(paths, np.zeros(len(paths), np.int64), None, ("stop",) * len(paths))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warn_of_frames(crops)
        assert bool(caught) == told
