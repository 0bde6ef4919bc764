"""Layouts as the field's tools write them: recognised, split as declared, nothing lost unsaid."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from raresign.commands.layout_choice import choose_layout
from raresign.crops.crop_table import CropTable
from raresign.crops.decode import decode_crop
from raresign.crops.layouts.csv_layout import from_csv
from raresign.crops.layouts.folder_layout import from_folders
from raresign.crops.layouts.frame_files import FrameFiles
from raresign.crops.layouts.reference_layout import from_reference_test
from raresign.crops.layouts.yolo_names import class_names
from raresign.errors import InputError
from raresign.parsing import encoding_of

SIZE = (200, 100)
BOX = (40, 20, 80, 60)
LETTERS = ("stop", "go")


class Signs:
    codes: tuple[str, ...] = ("stop", "go", "3.24.n40", "14", "Übung")

    def label_of(self, code: str) -> int:
        return self.codes.index(code) if code in self.codes else -1


def colour(code: str) -> tuple[int, int, int]:
    return (250, 10, 20) if code == "stop" else (10, 220, 30)


def frame(path: Path, code: str = "stop") -> Path:
    """A frame that shows a sign on the box."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.new("RGB", SIZE, (0, 0, 90))
    picture.paste(colour(code), BOX)
    picture.save(path)
    return path


def yolo_line(number: object = 0) -> str:
    x0, y0, x1, y1 = BOX
    numbers = (x0 + x1) / 2 / 200, (y0 + y1) / 2 / 100, (x1 - x0) / 200, (y1 - y0) / 100
    return " ".join(map(str, (number, *numbers)))


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def coco_text(name: str, **image: Any) -> str:
    content = {
        "images": [{"id": 1, "file_name": name, "width": 200, "height": 100} | image],
        "categories": [{"id": 3, "name": "stop"}],
        "annotations": [{"id": 9, "image_id": "1", "category_id": 3, "bbox": [40, 20, 40, 40]}],
    }
    return json.dumps(content)


def corners(**more: Any) -> dict[str, Any]:
    return dict(zip(("xmin", "ymin", "xmax", "ymax"), BOX, strict=True)) | more


def yolo(root: Path) -> Path:
    for part, code in (("train", "stop"), ("valid", "go"), ("test", "go")):
        frame(root / part / "images" / f"{part}.png", code)
        write(root / part / "labels" / f"{part}.txt", yolo_line(LETTERS.index(code)))
    text = "train: ../train/images\nval: ../valid/images\ntest: ../test/images\nnames: [stop, go]\n"
    write(root / "data.yaml", text)
    return root


def darknet(root: Path) -> Path:
    for name in ("a", "b"):
        frame(root / "obj_train_data" / f"{name}.png", LETTERS[name == "b"])
        write(root / "obj_train_data" / f"{name}.txt", yolo_line(int(name == "b")))
    write(root / "train.txt", "data/obj_train_data/a.png\n")
    write(root / "test.txt", "data/obj_train_data/b.png\n")
    write(root / "obj.names", "stop\ngo\n")
    return root


def coco(root: Path) -> Path:
    for part in ("train", "test"):
        frame(root / part / "a.jpg")
        write(root / part / "_annotations.coco.json", coco_text("a.jpg"))
    return root


def csv_export(root: Path) -> Path:
    for part in ("train", "test"):
        frame(root / part / "a.png")
        line = "filename,width,height,class,xmin,ymin,xmax,ymax\na.png,200,100,stop,40,20,80,60\n"
        write(root / part / "_annotations.csv", line)
    return root


def kaggle(root: Path) -> Path:
    head = "Width,Height,Roi.X1,Roi.Y1,Roi.X2,Roi.Y2,ClassId,Path\n"
    for part in ("Train", "Test"):
        frame(root / part / "a.png")
        write(root / f"{part}.csv", f"{head}200,100,40,20,80,60,14,{part}/a.png\n")
    frame(root / "Meta" / "14.png")
    write(root / "Meta.csv", "Path,ClassId,ShapeId\nMeta/14.png,14,1\n")
    return root


def belgium(root: Path) -> Path:
    head = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n"
    for part in ("Training", "Testing"):
        frame(root / part / "00014" / "a.ppm")
        write(root / part / "00014" / "GT-00014.csv", f"{head}a.ppm;200;100;40;20;80;60;14\n")
    return root


def rtsd(root: Path) -> Path:
    frame(root / "frames" / "a.jpg")
    head = "filename,x_from,y_from,width,height,sign_class,sign_id\n"
    write(root / "full-gt.csv", f"{head}a.jpg,40,20,40,40,3_24_n40,0\n")
    return root


def tt100k(root: Path) -> Path:
    images = {}
    for key, part in (("1", "train"), ("2", "test")):
        frame(root / part / f"{key}.jpg")
        objects = [{"bbox": corners(), "category": "stop"}]
        images[key] = {"id": key, "path": f"{part}/{key}.jpg", "objects": objects}
    write(root / "annotations_all.json", json.dumps({"types": ["stop"], "imgs": images}))
    return root


def mapillary(root: Path) -> Path:
    for key, part in (("aB", "train"), ("cD", "val")):
        frame(root / "images" / f"{key}.jpg")
        cut = {"bbox": corners(cross_boundary={}), "label": "stop"}
        objects = [{"key": "k", "label": "stop", "bbox": corners()}, *([cut] * (part == "val"))]
        content = {"width": 200, "height": 100, "objects": objects}
        write(root / "annotations" / f"{key}.json", json.dumps(content))
        write(root / "splits" / f"{part}.txt", key)
    return root


def cvat(root: Path) -> Path:
    frame(root / "images" / "a.png")
    frame(root / "images" / "b.png")
    frame(root / "frame_000007.png")
    shapes = [
        '<box label="stop" xtl="40" ytl="20" xbr="80" ybr="60" />',
        '<polygon label="stop" points="40,20;80,20;80,60;40,60" />',
        '<mask label="stop" left="40" top="20" width="40" height="40" rle="1" />',
        '<ellipse label="stop" cx="60" cy="40" rx="20" ry="20" />',
        '<polyline label="stop" points="1,2;3,4" />',
    ]
    image = '<image name="{}" subset="{}" width="200" height="100">{}</image>'
    inner = '<box frame="7" outside="{}" xtl="40" ytl="20" xbr="80" ybr="60" />'
    track = f'<track id="3" label="stop">{inner}</track>'
    parts = [
        image.format("a.png", "Train", "".join(shapes)),
        image.format("b.png", "Test", shapes[0]),
    ]
    parts += [track.format(0), track.format(1)]
    write(root / "annotations.xml", f"<annotations>{''.join(parts)}</annotations>")
    return root


def label_studio(root: Path) -> Path:
    frame(root / "upload" / "a b.png")
    value = {"x": 20.0, "y": 20.0, "width": 20.0, "height": 40.0, "rotation": 0}
    region = {"original_width": 200, "original_height": 100}
    result = region | {"type": "rectanglelabels", "value": value | {"rectanglelabels": ["stop"]}}
    brush = region | {"type": "brushlabels", "value": {"format": "rle", "brushlabels": ["stop"]}}
    done = {"result": [result, brush]}
    tasks = [
        {
            "id": 5,
            "data": {"image": "/data/upload/4/9f2b11a0-a%20b.png"},
            "annotations": [{"was_cancelled": True, "result": [result]}, done, done],
        }
    ]
    write(root / "export.json", json.dumps(tasks))
    return root


REGION = '[{"x": 20, "y": 20, "width": 20, "height": 40, "rotation": 0, "rectanglelabels": ["stop"]'


@pytest.mark.parametrize("size", ["", ', "original_width": 200, "original_height": 100'])
@pytest.mark.parametrize("head", ["image,label", "annotation_id,annotator,image,label,lead_time"])
def test_label_studio_csv(tmp_path: Path, size: str, head: str) -> None:
    """The cell of regions is JSON, in per cent; older versions leave the frame's size out."""
    frame(tmp_path / "a.png")
    cells = {"image": "/data/upload/1/a.png", "label": REGION + size + "}]"}
    out = io.StringIO()
    lines = csv.DictWriter(out, head.split(","), restval="1")
    lines.writeheader()
    lines.writerow(cells | {"label": ""})
    lines.writerow(cells)
    file = write(tmp_path / "export.csv", out.getvalue())
    for place in (file, tmp_path):
        table, _, said = read(place)
        assert "layout: label-studio, recognised by export.csv" in said
        check_colours(table)
        assert table.class_names == ("stop",)
    with pytest.raises(InputError, match="the class is no name but a list of objects") as caught:
        read(file, "csv")
    assert "give --layout label-studio" in str(caught.value)


def test_label_studio_choices_are_whole_pictures(tmp_path: Path) -> None:
    frame(tmp_path / "a.png")
    rows = "annotation_id,annotator,choice,image,lead_time\n1,1,stop,a.png,2.5\n"
    table, _, _ = read(write(tmp_path / "export.csv", rows))
    assert table.class_names == ("stop",)
    assert table.boxes is None or np.isnan(table.boxes).all()


def voc(root: Path) -> Path:
    for name, part in (("a", "train"), ("b", "test")):
        frame(root / "JPEGImages" / f"{name}.jpg")
        box = "".join(f"<{key}>{value}</{key}>" for key, value in corners().items())
        write(
            root / "Annotations" / f"{name}.xml",
            f"<annotation><filename>{name}.jpg</filename><size><width>200</width><height>100</height>"
            f"</size><object><name>stop</name><bndbox>{box}</bndbox></object></annotation>",
        )
        write(root / "ImageSets" / "Main" / f"{part}.txt", name)
    return root


def folders(root: Path) -> Path:
    for part in ("train", "valid", "test"):
        for code in LETTERS:
            frame(root / part / code / "a.png", code)
    return root


Tables = tuple[CropTable, CropTable | None, str]


def read(place: Path, layout: str = "auto") -> Tables:
    """Training, test, and all that was said."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        choice = choose_layout(place, layout, place.parent)
        found = choice.read(Signs())
    told = [str(choice), *(str(one.message) for one in caught)]
    return found.training, found.test, " | ".join(told)


def check_colours(table: CropTable, inner: bool = True) -> None:
    """Every crop shows its sign; with `inner` nothing but the sign in the middle."""
    for row, path in enumerate(table.paths):
        box = None if table.boxes is None else table.boxes[row]
        crop = np.asarray(decode_crop(path, box)).astype(int)
        centre = crop[crop.shape[0] // 2, crop.shape[1] // 2] if box is not None else crop[40, 60]
        assert np.abs(centre - colour(table.class_names[row])).max() < 60 or not inner
        if box is not None:
            np.testing.assert_allclose((box[:2] + box[2:]) / 2, (60, 40), atol=0.5)


@pytest.mark.parametrize(
    ("make", "layout", "training", "test"),
    [
        (yolo, "yolo", ["stop"], ["go"]),
        (darknet, "yolo", ["stop"], ["go"]),
        (coco, "coco", ["stop"], ["stop"]),
        (csv_export, "csv", ["stop"], ["stop"]),
        (kaggle, "gtsrb", ["14"], ["14"]),
        (belgium, "gtsrb", ["14"], ["14"]),
        (rtsd, "rtsd", ["3.24.n40"], None),
        (tt100k, "tt100k", ["stop"], ["stop"]),
        (mapillary, "mapillary", ["stop"], ["stop"]),
        (cvat, "cvat", ["stop"] * 5, ["stop"]),
        (label_studio, "label-studio", ["stop"], None),
        (voc, "voc", ["stop"], ["stop"]),
        (folders, "folders", ["go", "stop"], ["go", "stop"]),
    ],
)
def test_every_layout_is_recognised_and_split_as_declared(
    tmp_path: Path,
    make: Callable[[Path], Path],
    layout: str,
    training: list[str],
    test: list[str] | None,
) -> None:
    place = make(tmp_path / "field")
    trained, tested, said = read(place)
    assert f"layout: {layout}, recognised by" in said
    assert sorted(trained.class_names) == training
    assert (trained.labels >= 0).all()
    assert tested is None if test is None else sorted(tested.class_names) == test  # type: ignore[union-attr]
    check_colours(trained, inner=layout not in ("gtsrb", "rtsd"))
    if tested is not None:
        assert not set(trained.paths) & set(tested.paths)
        check_colours(tested, inner=layout not in ("gtsrb", "rtsd"))
    again = read(place, layout)[0] if layout not in ("tt100k", "cvat", "label-studio") else trained
    assert again.class_names == trained.class_names


def test_what_the_layouts_leave_out_is_counted(tmp_path: Path) -> None:
    left: dict[str, int] = {}
    for make in (yolo, mapillary, cvat, label_studio, folders):
        left |= dict(read(make(tmp_path / make.__name__))[0].left_out)
    assert left == {
        "of the validation part, which neither trains nor tests": 2,
        "cut by the edge of a panorama": 1,
        "a polyline, which has no area": 1,
        "a brush": 1,
        "a further annotation of one task": 1,
    }


def test_one_part_of_a_larger_folder_is_what_the_user_says_it_is(tmp_path: Path) -> None:
    place = yolo(tmp_path / "field")
    training, test, said = read(place / "test")
    assert test is not None
    assert (training.class_names, test.class_names) == ((), ("go",))
    assert "layout: yolo, recognised by data.yaml; this is the test part" in said
    training, test, _ = read(place / "train")
    assert (training.class_names, test) == (("stop",), None)
    training, test, _ = read(kaggle(tmp_path / "kaggle") / "Test.csv")
    assert test is not None
    assert (len(training), len(test)) == (0, 1)


def test_a_yaml_apart_from_its_data(tmp_path: Path) -> None:
    yolo(tmp_path / "signs")
    text = "path: ../signs\ntrain: train/images\ntest: test/images\nnames: [stop, go]\n"
    training, test, _ = read(write(tmp_path / "cfg" / "signs.yaml", text))
    assert test is not None
    assert (training.class_names, test.class_names) == (("stop",), ("go",))


def test_validation_tests_where_no_test_is_declared(tmp_path: Path) -> None:
    place = yolo(tmp_path / "field")
    write(place / "data.yaml", "train: train/images\nval: valid/images\nnames: {0: stop, 1: go}\n")
    training, test, said = read(place)
    assert training.class_names == ("stop",)
    assert test is not None
    assert test.class_names == ("go",)
    assert "of frames that the data.yaml gives to no part: test/labels/test.txt, line 1" in said


def test_a_split_column_is_kept(tmp_path: Path) -> None:
    for name in "abc":
        frame(tmp_path / "d" / f"{name}.png")
    write(
        tmp_path / "d" / "all.csv",
        "file,label,split\na.png,stop,train\nb.png,stop,Test\nc.png,go,\n",
    )
    training, test, _ = read(tmp_path / "d" / "all.csv")
    assert [path.name for path in training.paths] == ["a.png", "c.png"]
    assert test is not None
    assert [path.name for path in test.paths] == ["b.png"]


@pytest.mark.parametrize(
    ("line", "fits"),
    [
        (yolo_line("0.0"), True),
        (yolo_line("0e+00"), True),
        (yolo_line("stop"), True),
        (yolo_line().replace(" ", ","), True),
        (yolo_line() + " 0.91", True),
        ("0 0.2 0.2 0.4 0.2 0.4 0.6 0.2 0.6", True),
        ("0 0.2 0.2 0.4 0.2 0.4 0.6 0.2 0.6 0.9", True),
        (yolo_line("0.5"), False),
        (yolo_line("tree"), False),
    ],
)
def test_label_lines_as_tools_write_them(tmp_path: Path, line: str, fits: bool) -> None:
    frame(tmp_path / "d" / "images" / "a.png")
    write(tmp_path / "d" / "labels" / "a.txt", f"{yolo_line()}\n{line}\n")
    write(tmp_path / "d" / "labels" / "classes.txt", "stop\ngo\n")
    training, _, said = read(tmp_path / "d")
    assert len(training) == 1 + fits
    assert ("labels/a.txt, line 2: " in said) != fits
    assert training.boxes is not None
    np.testing.assert_allclose(training.boxes, [[36, 16, 84, 64]] * (1 + fits), atol=1e-6)


def test_gaps_and_blanks_in_class_names_are_named(tmp_path: Path) -> None:
    assert class_names(write(tmp_path / "a.yaml", "names: {0: stop, 7: go}")) == {
        0: "stop",
        7: "go",
    }
    with pytest.raises(InputError, match="line 2 is empty"):
        class_names(write(tmp_path / "classes.txt", "stop\n\ngo\n"))
    frame(tmp_path / "d" / "a.png")
    write(tmp_path / "d" / "a.txt", yolo_line(3))
    write(tmp_path / "d" / "data.yaml", "names: {0: stop, 7: go}")
    with pytest.raises(InputError, match=r"class 3, but the names are 0, 7; 1, 2, 3, 4, 5, 6 lack"):
        read(tmp_path / "d")


@pytest.mark.parametrize(
    "name",
    [
        "images\\a b.png",
        "..\\..\\label-studio\\media\\upload\\4\\9f2b11a0-a b.png",
        "images/a%20b.png",
        "/data/local-files/?d=images/a%20b.png",
        "C:\\work\\images\\a b.png",
        "a b",
        "IMAGES/A B.png",
    ],
)
def test_paths_as_tools_write_them(tmp_path: Path, name: str) -> None:
    path = frame(tmp_path / "images" / "a b.png")
    frame(tmp_path / "other" / "c.png")
    assert FrameFiles(tmp_path).find(name) == path


def test_a_path_that_fits_two_pictures_is_none(tmp_path: Path) -> None:
    frame(tmp_path / "x" / "a.png")
    frame(tmp_path / "y" / "a.png")
    assert not FrameFiles(tmp_path).find("z/a.png").exists()
    assert FrameFiles(tmp_path).find("q/y/a.png") == tmp_path / "y" / "a.png"


def test_coco_of_cvat_masks(tmp_path: Path) -> None:
    place = tmp_path / "annotations" / "instances_default.json"
    frame(tmp_path / "images" / "a.png")
    content = json.loads(coco_text("a.png"))
    content["annotations"][0] |= {"iscrowd": 1}
    write(place, json.dumps(content))
    training, _, said = read(place)
    assert len(training) == 1
    assert "all 1 annotations are iscrowd, so their boxes are used" in said
    content["annotations"] += [{"id": 1, "image_id": 1, "category_id": 3, "bbox": [40, 20, 40, 40]}]
    content["annotations"][1]["iscrowd"] = "0"
    outline = [[44, 20, 76, 20, 80, 60, 40, 60]]
    content["annotations"].append({"id": 2, "image_id": 1, "category_id": 3})
    content["annotations"].append(content["annotations"][2] | {"segmentation": outline, "id": 3})
    write(place, json.dumps(content))
    training, _, said = read(place)
    assert training.boxes is not None
    np.testing.assert_allclose(training.boxes, [[36, 16, 84, 64]] * 2)
    assert "marked iscrowd, a group or a mask: annotation 9" in said
    assert "without a box: annotation 2" in said


def test_folders_below_class_folders(tmp_path: Path) -> None:
    root = tmp_path / "d"
    for name in ("stop/a.tif", "stop/day/b.GIF", "group/go/c.jfif", "stop/go/d.png", "e.png"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = {"tif": "TIFF", "gif": "GIF", "jfif": "JPEG", "png": "PNG"}[
            name[-4:].strip(".").lower()
        ]
        Image.new("RGB", (9, 9)).save(path, kind)
    write(root / "stop" / "notes.txt", "x")
    write(root / "stop" / ".DS_Store", "x")
    write(root / "stop" / "Thumbs.db", "x")
    training, _, said = read(root)
    names = dict(zip([path.name for path in training.paths], training.class_names, strict=True))
    assert names == {"a.tif": "stop", "b.GIF": "stop", "c.jfif": "go"}
    assert all(decode_crop(path).size == (9, 9) for path in training.paths)
    assert dict(training.left_out) == {
        "beside the class folders, not in one": 1,
        "they are no pictures": 1,
        "in a folder inside that of another class": 1,
    }
    assert f"in a folder inside that of another class: {root / 'stop' / 'go' / 'd.png'}" in said


def test_names_are_compared_after_unicode_normalisation(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "Übung")
    frame(tmp_path / "d" / decomposed / "a.png")
    assert from_folders(tmp_path / "d", Signs()).labels.tolist() == [4]
    frame(tmp_path / "smalltest" / f"{decomposed}.png")
    write(tmp_path / "smalltest_annotations.csv", "filename,class\nsmalltest/Übung.png,Übung\n")
    assert from_reference_test(tmp_path, Signs()).labels.tolist() == [4]


def test_names_that_are_nearly_codes_are_asked_about(tmp_path: Path) -> None:
    for name in ("stop ", "Go", "3_24_n40", "tree"):
        frame(tmp_path / name / "a.png")
    with pytest.warns(UserWarning, match=r"'stop ' - did you mean 'stop'\?, tree") as caught:
        assert (from_folders(tmp_path, Signs()).labels == -1).all()
    assert "'Go' - did you mean 'go'?" in str(caught[0].message)
    assert "'3_24_n40' - did you mean '3.24.n40'?" in str(caught[0].message)


def test_other_encodings_are_named(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes("path,class\na.png,Уступи\n".encode("cp1251"))
    with pytest.raises(
        InputError, match=r"line 2: the class is cp1251 .*'Уступи'; save it as UTF-8"
    ):
        from_csv(file, Signs())
    file.write_bytes("path,class\na.png,stop\n".encode("utf-16"))
    with pytest.raises(InputError, match="is UTF-16 text, not UTF-8"):
        from_csv(file, Signs())
    names = tmp_path / "classes.txt"
    names.write_bytes("Уступи дорогу\nСтоп\n".encode("cp1251"))
    with pytest.raises(InputError, match="is cp1251"):
        class_names(names)
    assert encoding_of("façade, Übung".encode("cp1252")).startswith("cp1252")
    assert encoding_of("stop".encode("utf-16-le") * 9).startswith("UTF-16")


def test_test_annotations_with_boxes_are_refused(tmp_path: Path) -> None:
    frame(tmp_path / "smalltest" / "a.png")
    write(tmp_path / "smalltest_annotations.csv", "filename,class,x_from,y_from,width,height\n")
    with pytest.raises(InputError, match=r"has the columns of a box \(x_from"):
        from_reference_test(tmp_path, Signs())


def test_a_wrong_layout_names_the_right_one(tmp_path: Path) -> None:
    for make, right in ((tt100k, "tt100k"), (mapillary, "mapillary"), (kaggle, "gtsrb")):
        place = make(tmp_path / right)
        with pytest.raises(InputError, match=f"looks like {right}: give --layout {right}"):
            read(place, "coco")
    with pytest.raises(InputError, match="no layout is called 'voc2007'"):
        read(tmp_path, "voc2007")
    write(tmp_path / "x" / "a.json", '{"cats": 1}')
    with pytest.raises(InputError, match="no annotation file that is known: it has cats"):
        read(tmp_path / "x" / "a.json")
    with pytest.raises(InputError, match=r"neither class folders nor annotations .*has cats\)"):
        read(tmp_path / "x")


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "3",
        "[]",
        "{}",
        "[[[[",
        '[{"data": 3, "annotations": [{"result": [3, {"value": {"rectanglelabels": []}}]}]}]',
        '{"imgs": {"a": 3, "b": {"path": 3, "objects": [3, {"bbox": 3}, {"bbox": {}}]}}}',
        '{"objects": [3, {"bbox": {}}], "width": "x"}',
        '{"images": [{"id": [], "file_name": null}], "categories": [], "annotations": [3, {}]}',
        '{"images": [{"id": 1, "file_name": "http://["}], "categories": [{"id": 1, "name": []}],'
        ' "annotations": [{"image_id": 1, "category_id": 1, "bbox": {"x": 1}}]}',
        "<annotations><image/><track><box frame='x'/></track></annotations>",
        "<annotation><object/><object><bndbox/></object></annotation>",
        "<annotation>",
        "path,class,x0,y0,x1,y1\n" + "a" * 5000 + ",stop,1,2,3,4\n",
        "Width,Height,Roi.X1,Roi.Y1,Roi.X2,Roi.Y2,ClassId,Path\n1,1,1,1,1,1," + "9" * 5000 + ",a\n",
        "filename,x_from,y_from,width,height,sign_class\n\x01,,,,,\n",
    ],
)
def test_rubbish_is_an_input_error(tmp_path: Path, text: str) -> None:
    suffix = {"<": "xml", "p": "csv", "W": "csv", "f": "csv"}.get(text[0], "json")
    file = write(tmp_path / "d" / f"a.{suffix}", text)
    for layout in ("auto", suffix if suffix == "csv" else "coco"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises(InputError):
                choose_layout(file, layout, tmp_path).read(Signs())
