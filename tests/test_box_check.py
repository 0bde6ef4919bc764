"""Boxes against pictures: what is certain is understood and said, the rest refused or counted."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from raresign.crops.crop_table import CropTable
from raresign.crops.decode import decode_crop
from raresign.crops.layouts.box_columns import box_columns
from raresign.crops.layouts.box_form import as_corners, settled_form
from raresign.crops.layouts.coco import from_coco
from raresign.crops.layouts.csv_layout import from_csv
from raresign.crops.layouts.yolo import from_yolo
from raresign.errors import InputError

SIZE = (320, 240)
BOXES = [(200, 100, 250, 152), (40, 50, 90, 104), (260, 170, 300, 214)]
RED = (250, 10, 20)


class Signs:
    def label_of(self, code: str) -> int:
        return ("stop", "go").index(code) if code in ("stop", "go") else -1


def frame(path: Path, turn: int = 1, size: tuple[int, int] = SIZE) -> Path:
    """A frame with a red sign on each of the boxes, stored turned by EXIF, or scaled."""
    picture = Image.new("RGB", SIZE, (0, 0, 90))
    for box in BOXES:
        picture.paste(RED, box)
    exif = Image.Exif()
    if turn == 6:
        exif[0x0112] = 6
        picture = picture.transpose(Image.Transpose.ROTATE_90)
    elif size != SIZE:
        picture = picture.resize(size, Image.Resampling.BOX)
    picture.save(path, exif=exif)
    return path


def coco(folder: Path, boxes: Any, size: tuple[int, int] | None = SIZE, **more: Any) -> Path:
    image: dict[str, Any] = {"id": 1, "file_name": "a.png"}
    if size:
        image |= {"width": size[0], "height": size[1]}
    rows = [
        {"id": n, "image_id": 1, "category_id": 0, "bbox": list(box)} | more
        for n, box in enumerate(boxes)
    ]
    content = {"images": [image], "categories": [{"id": 0, "name": "stop"}], "annotations": rows}
    (folder / "a.json").write_text(json.dumps(content))
    return folder / "a.json"


def sides(box: tuple[float, ...]) -> list[float]:
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]


def read(file: Path) -> tuple[CropTable, str]:
    """The table of a COCO file, and what was said."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table = from_coco(file, file.parent, Signs(), margin=0.0)
    return table, " | ".join(str(one.message) for one in caught)


def check_signs(table: CropTable, count: int = 3) -> None:
    """Every crop is red all over."""
    assert len(table) == count
    assert table.boxes is not None
    for path, box in zip(table.paths, table.boxes.round(6), strict=True):
        crop = np.asarray(decode_crop(path, box)).astype(int)
        assert np.abs(crop - RED).max() < 12


def test_shares_of_the_frame_in_place_of_pixels(tmp_path: Path) -> None:
    frame(tmp_path / "a.png")
    scale = np.array([*SIZE, *SIZE])
    shares = [(np.array(sides(box)) / scale).tolist() for box in BOXES]
    table, said = read(coco(tmp_path, shares))
    check_signs(table)
    assert "shares of the frame, not pixels, and are read so" in said
    table, said = read(coco(tmp_path, [*map(sides, BOXES), shares[0]]))
    check_signs(table)
    assert "looks like shares of the frame among boxes in pixels: annotation 3" in said


def percents(boxes: Any = BOXES) -> list[list[float]]:
    """x, y, width, height in per cent of the frame."""
    scale = np.array([*SIZE, *SIZE])
    return [(100 * np.array(sides(box)) / scale).tolist() for box in boxes]


def test_per_cent_of_the_frame_in_place_of_pixels(tmp_path: Path) -> None:
    frame(tmp_path / "a.png")
    table, said = read(coco(tmp_path, percents()))
    check_signs(table)
    assert "its boxes are per cent of the frame, not pixels, and are read so" in said
    with pytest.raises(InputError, match=r"may be pixels or per cent .*annotation 0: \[62\.5"):
        read(coco(tmp_path, percents()[:1]))
    near = [(3, 5, 40, 43), (50, 2, 80, 33), (10, 60, 46, 95)]
    for boxes in (BOXES, BOXES[:1], near):  # pixels stay pixels, in the corner, too
        table, said = read(coco(tmp_path, map(sides, boxes)))
        assert "per cent" not in said
        assert table.boxes is not None
        np.testing.assert_allclose(table.boxes, boxes)


def test_columns_that_say_per_cent(tmp_path: Path) -> None:
    frame(tmp_path / "a.png")
    for head in ("x_percent,y_percent,w_percent,h_percent", "x (%),y (%),width (%),height (%)"):
        rows = [",".join(["a.png", "stop", *map(str, box)]) for box in percents()]
        for lines in (rows, rows[:1]):
            (tmp_path / "a.csv").write_text("\n".join([f"path,class,{head}", *lines]))
            check_signs(from_csv(tmp_path / "a.csv", Signs()), len(lines))


def test_corners_in_place_of_width_and_height(tmp_path: Path) -> None:
    frame(tmp_path / "a.png")
    table, said = read(coco(tmp_path, BOXES))
    check_signs(table)
    assert "its boxes are x0 y0 x1 y1, not x y width height" in said
    lines = [",".join(map(str, ("a.png", "stop", *sides(box)))) for box in BOXES]
    (tmp_path / "a.csv").write_text("\n".join(["path,class,x1,y1,x2,y2", *lines]))
    with pytest.warns(UserWarning, match="its boxes are x y width height, not x0 y0 x1 y1"):
        check_signs(from_csv(tmp_path / "a.csv", Signs()))


def test_where_both_forms_fit_the_stated_area_decides_or_nobody(tmp_path: Path) -> None:
    frame(tmp_path / "a.png")
    near = [(20, 90, 50, 120), (30, 5, 70, 45), (10, 60, 44, 92)]
    with pytest.raises(InputError, match=r"look like x0 y0 x1 y1 .*both fit"):
        read(coco(tmp_path, near))
    rows = coco(tmp_path, near)
    content = json.loads(rows.read_text())
    for row, box in zip(content["annotations"], near, strict=True):
        row["area"] = sides(box)[2] * sides(box)[3]
    rows.write_text(json.dumps(content))
    table, said = read(rows)
    assert table.boxes is not None
    assert table.boxes.tolist() == [list(map(float, box)) for box in near]
    assert "its boxes are x0 y0 x1 y1" in said


@given(st.lists(st.tuples(*[st.integers(8, 60)] * 4), min_size=1, max_size=20), st.data())
def test_a_right_form_is_never_changed(given_boxes: list[tuple[int, ...]], data: Any) -> None:
    """Boxes of signs (nearly square) anywhere in large frames stay what they are called."""
    numbers = np.array(given_boxes, float)
    numbers[:, 3] = numbers[:, 2] * 1.1
    numbers[:, :2] *= 20
    sizes = np.full((len(numbers), 2), 1600.0)
    assert settled_form(numbers, "size", sizes, np.zeros(len(numbers)), "a") == "size"
    corners = as_corners(numbers, "size")
    assert settled_form(corners, "corners", sizes, np.zeros(len(numbers)), "a") == "corners"


@pytest.mark.parametrize("stated", [SIZE, None])
def test_frames_turned_by_exif(tmp_path: Path, stated: tuple[int, int] | None) -> None:
    frame(tmp_path / "a.png", turn=6)
    table, said = read(coco(tmp_path, map(sides, BOXES), stated))
    check_signs(table)
    assert said == ""
    unturned = [(box[1], SIZE[0] - box[2], box[3], SIZE[0] - box[0]) for box in BOXES]
    raw = None if stated is None else (SIZE[1], SIZE[0])
    table, said = read(coco(tmp_path, map(sides, unturned), raw))
    check_signs(table)
    assert "of 3 signs are turned by EXIF, their boxes were not; now they are" in said


@pytest.mark.parametrize("stated", [(240, 320), None])
def test_turned_frames_whose_boxes_fit_either_way(
    tmp_path: Path, stated: tuple[int, int] | None
) -> None:
    """Label Studio states the stored size and draws on the upright picture; others do not."""
    near = [(20, 30, 60, 74), (110, 40, 150, 80), (150, 160, 190, 200), (60, 120, 100, 164)]
    picture = Image.new("RGB", SIZE, (0, 0, 90))
    for box in near:
        picture.paste(RED, box)
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "a.png", exif=exif)
    table, said = read(coco(tmp_path, map(sides, near), stated))
    check_signs(table, 4)
    unturned = [(box[1], SIZE[0] - box[2], box[3], SIZE[0] - box[0]) for box in near]
    shifted = [tuple(side - 80 * (k % 2) for k, side in enumerate(box)) for box in unturned[2:]]
    table, said = read(coco(tmp_path, map(sides, unturned), stated))
    check_signs(table, 4)
    Image.new("RGB", (240, 320), (0, 0, 90)).save(tmp_path / "a.png", exif=exif)
    if stated:
        with pytest.raises(InputError, match="it is not clear whether the boxes are: 2"):
            read(coco(tmp_path, map(sides, shifted), stated))
    else:
        _, said = read(coco(tmp_path, map(sides, shifted), stated))
        assert "boxes are taken as of the turned picture" in said


def test_frames_scaled_after_annotating(tmp_path: Path) -> None:
    frame(tmp_path / "a.png", size=(160, 120))
    table, said = read(coco(tmp_path, map(sides, BOXES)))
    check_signs(table)
    assert "scaled after annotating; so are the boxes" in said
    with pytest.raises(
        InputError, match=r"2 of 3 boxes lie outside .*annotation 0: \[200.*160 x 120"
    ):
        read(coco(tmp_path, map(sides, BOXES), None))
    frame(tmp_path / "a.png", size=(120, 120))
    with pytest.raises(InputError, match=r"another shape than stated: 3 .annotation 0: 320 x 240"):
        read(coco(tmp_path, map(sides, BOXES)))


def test_stated_sizes_that_are_wrong_do_no_harm(tmp_path: Path) -> None:
    frame(tmp_path / "a.png")
    for wrong in ((240, 320), (100, 75)):  # swapped; another picture's
        table, said = read(coco(tmp_path, map(sides, BOXES), wrong))
        check_signs(table)
        assert "other sizes than stated; the boxes fit them as they are" in said
    table, said = read(coco(tmp_path, map(sides, BOXES), (1, 1)))
    check_signs(table)
    assert said == ""


def test_boxes_without_a_sign_are_counted_with_their_reason(tmp_path: Path) -> None:
    frame(tmp_path / "a.png")
    good = [sides(box) for box in BOXES] * 3
    table, said = read(coco(tmp_path, [*good, [310, 50, 30, 30], [5, 5, 3, 40], [400, 9, 30, 30]]))
    check_signs(table, 9)
    assert "outside the picture, or most of it does: annotation 9: [310.0, 50.0" in said
    assert "narrower than 4 pixels: annotation 10: [5.0, 5.0, 8.0, 45.0]" in said
    assert dict(table.left_out) == {
        "their box lies outside the picture, or most of it does": 2,
        "their box is narrower than 4 pixels": 1,
    }


def test_yolo_in_pixels_is_refused(tmp_path: Path) -> None:
    frame(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("0 225 126 50 52\n")
    with pytest.raises(InputError, match=r"no box is in shares .*a\.txt, line 1: \[225"):
        from_yolo(tmp_path, ["stop"], Signs())


@pytest.mark.parametrize(
    ("header", "columns", "form"),
    [
        ("Roi.X1 Roi.Y1 Roi.X2 Roi.Y2", "Roi.X1 Roi.Y1 Roi.X2 Roi.Y2", "corners"),
        ("width height xmin ymin xmax ymax", "xmin ymin xmax ymax", "corners"),
        ("XMin XMax YMin YMax", "XMin YMin XMax YMax", "corners"),
        ("leftCol topRow rightCol bottomRow", "leftCol topRow rightCol bottomRow", "corners"),
        ("bbox_left bbox_top bbox_width bbox_height", None, "size"),
        ("x_from y_from width height", None, "size"),
        ("x y w h image_width image_height", "x y w h", "size"),
        ("x_center y_center width height", None, "centre"),
        ("cx cy w h", None, "centre"),
        ("upper_left_x upper_left_y lower_right_x lower_right_y", None, "corners"),
        ("startX startY endX endY", None, "corners"),
        ("bbox", "bbox", "size"),
    ],
)
def test_columns_of_boxes(header: str, columns: str | None, form: str) -> None:
    found = box_columns(["note", *header.split()], "a.csv")
    assert found is not None
    assert (found.columns, found.form) == (tuple((columns or header).split()), form)


@pytest.mark.parametrize(
    "header", ["x y", "x0", "xmin ymin xmax", "x_center y_center", "x1 y1 x2 y2 xmin ymin"]
)
def test_parts_of_a_box_are_refused(header: str) -> None:
    with pytest.raises(InputError, match=r"part of a box|so does"):
        box_columns(["path", "class", *header.split()], "a.csv")


@pytest.mark.parametrize("header", ["width height", "lon lat", "left", "sign_id year text index"])
def test_columns_that_are_no_box(header: str) -> None:
    assert box_columns(["path", "class", *header.split()], "a.csv") is None


def test_a_csv_of_other_columns_is_cut_by_its_boxes(tmp_path: Path) -> None:
    frame(tmp_path / "a.png")
    head = "filename,width,height,label,xmin,ymin,xmax,ymax"
    lines = [",".join(map(str, ("a.png", *SIZE, "stop", *box))) for box in BOXES]
    (tmp_path / "a.csv").write_text("\n".join([head, *lines]))
    check_signs(from_csv(tmp_path / "a.csv", Signs()))
    cell = [f'a.png,stop,"{list(sides(box))}"' for box in BOXES]
    (tmp_path / "a.csv").write_text("\n".join(["image,category,bbox", *cell]))
    check_signs(from_csv(tmp_path / "a.csv", Signs()))


def test_one_whole_picture_has_one_class(tmp_path: Path) -> None:
    frame(tmp_path / "a.png")
    (tmp_path / "a.csv").write_text("path,class,width\na.png,stop,3\na.png,stop,3\n")
    with pytest.warns(UserWarning, match="1 left out, named twice: line 3"):
        assert len(from_csv(tmp_path / "a.csv", Signs())) == 1
    (tmp_path / "a.csv").write_text("path,class\na.png,stop\na.png,go\n")
    with pytest.raises(InputError, match=r"a\.png is 'stop' \(line 2\) and 'go' \(line 3\)"):
        from_csv(tmp_path / "a.csv", Signs())
