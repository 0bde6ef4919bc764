"""Frames with COCO or YOLO boxes: the crop that comes out is the sign that was put in."""

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
from raresign.crops.decode import UnreadableFile, cut_box, decode_crop
from raresign.crops.layouts.coco import from_coco
from raresign.crops.layouts.yolo import from_yolo
from raresign.errors import InputError

SIGNS = {"1.1": 0, "1.10": 1}
# (frame, class, x0, y0, x1, y1): the sign is painted on exactly these pixels.
PAINTED = [
    ("a.png", "1.1", 10, 20, 30, 50),
    ("a.png", "1.10", 60, 10, 80, 20),
    ("b.png", "1.10", 0, 0, 8, 9),
    ("b.png", "1.1", 90, 70, 100, 80),
]
SIZE = (100, 80)


class Signs:
    def label_of(self, code: str) -> int:
        return SIGNS.get(code, -1)


def colour_of(code: str) -> tuple[int, int, int]:
    return (255, 40 * SIGNS[code], 7)


def paint_frames(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in sorted({row[0] for row in PAINTED}):
        frame = Image.new("RGB", SIZE, (0, 0, 90))
        for file, code, *box in PAINTED:
            if file == name:
                frame.paste(colour_of(code), tuple(box))  # type: ignore[arg-type]
        frame.save(folder / name)


def write_coco(path: Path, **changes: Any) -> Path:
    files = sorted({row[0] for row in PAINTED})
    content: dict[str, Any] = {
        "images": [{"id": 100 + n, "file_name": name} for n, name in enumerate(files)],
        "categories": [{"id": 7, "name": "1.1"}, {"id": 3, "name": "1.10"}],
        "annotations": [
            {
                "id": n,
                "image_id": 100 + files.index(file),
                "category_id": 7 if code == "1.1" else 3,
                "bbox": [x0, y0, x1 - x0, y1 - y0],
            }
            for n, (file, code, x0, y0, x1, y1) in enumerate(PAINTED)
        ],
    }
    path.write_text(json.dumps(content | changes))
    return path


def check_against_paint(table: CropTable, margin: float) -> None:
    assert [path.name for path in table.paths] == [row[0] for row in PAINTED]
    assert table.class_names == tuple(row[1] for row in PAINTED)
    assert table.labels.tolist() == [SIGNS[row[1]] for row in PAINTED]
    assert table.boxes is not None
    for row, (_, code, x0, y0, x1, y1) in enumerate(PAINTED):
        dx, dy = margin * (x1 - x0), margin * (y1 - y0)
        expected = (x0 - dx, y0 - dy, x1 + dx, y1 + dy)
        np.testing.assert_allclose(table.boxes[row], expected, atol=1e-6)
        crop = np.asarray(decode_crop(table.paths[row], table.boxes[row].round(6)))
        painted = (crop == colour_of(code)).all(axis=2)
        assert painted.sum() == (x1 - x0) * (y1 - y0)  # the whole sign is in the crop
        if margin == 0:
            assert painted.all()


@pytest.mark.parametrize("margin", [0.0, 0.1, 0.5])
def test_coco_round_trip(tmp_path: Path, margin: float) -> None:
    paint_frames(tmp_path / "frames")
    coco = write_coco(tmp_path / "coco.json")
    check_against_paint(from_coco(coco, tmp_path / "frames", Signs(), margin), margin)


@pytest.mark.parametrize("margin", [0.0, 0.1])
@pytest.mark.parametrize("twin_folders", [True, False])
@pytest.mark.parametrize("names", ["list", "txt", "yaml list", "yaml map"])
def test_yolo_round_trip(tmp_path: Path, margin: float, twin_folders: bool, names: str) -> None:
    root = tmp_path / "images-of-somebody"
    frames = root / "images" / "train" if twin_folders else root
    labels = root / "labels" / "train" if twin_folders else root
    paint_frames(frames)
    Image.new("RGB", SIZE).save(frames / "no-signs.jpg")
    labels.mkdir(parents=True, exist_ok=True)
    for file, code, x0, y0, x1, y1 in PAINTED:
        centre = ((x0 + x1) / 2 / SIZE[0], (y0 + y1) / 2 / SIZE[1])
        side = ((x1 - x0) / SIZE[0], (y1 - y0) / SIZE[1])
        with (labels / file).with_suffix(".txt").open("a") as text:
            text.write(" ".join(map(str, (SIGNS[code], *centre, *side))) + "\n")
    contents = {
        "txt": "1.1\n1.10\n",
        "yaml list": "names: [1.1, 1.10]\n",
        "yaml map": "nc: 2\nnames:\n  0: 1.1\n  1: 1.10\n",
    }
    given_names: Any = ["1.1", "1.10"]
    if names != "list":
        given_names = tmp_path / ("classes.txt" if names == "txt" else "data.yaml")
        given_names.write_text(contents[names])
    check_against_paint(from_yolo(root, given_names, Signs(), margin), margin)


def test_yolo_boxes_belong_to_the_upright_frame(tmp_path: Path) -> None:
    upright = Image.new("RGB", (40, 20), (0, 0, 0))
    upright.paste((255, 255, 255), (0, 0, 10, 10))
    exif = Image.Exif()
    exif[0x0112] = 6  # stored turned a quarter to the left
    stored = upright.transpose(Image.Transpose.ROTATE_90)
    stored.save(tmp_path / "a.png", exif=exif)
    (tmp_path / "a.txt").write_text("0 0.125 0.25 0.25 0.5\n")
    table = from_yolo(tmp_path, ["1.1"], Signs(), margin=0.0)
    assert table.boxes is not None
    np.testing.assert_allclose(table.boxes, [[0, 0, 10, 10]])
    assert (np.asarray(decode_crop(table.paths[0], table.boxes[0])) == 255).all()


def test_broken_coco_boxes_are_skipped_and_counted(tmp_path: Path) -> None:
    paint_frames(tmp_path)
    boxes: list[Any] = [[1, 2, 0, 5], [1, 2, float("nan"), 5], [1, 2, 3], None, ["a", 1, 2, 3]]
    boxes += [[1, 2, -4, 5], [5, 5, 10, 10], [5, 5, 20, 20]]
    annotations = [
        {"id": n, "image_id": 100, "category_id": 7, "bbox": box} for n, box in enumerate(boxes)
    ]
    annotations[-1]["iscrowd"] = 1
    annotations.append({"id": 50, "image_id": 999, "category_id": 7, "bbox": [5, 5, 10, 10]})
    annotations.append({"id": 51, "image_id": 100, "category_id": 8, "bbox": [5, 5, 10, 10]})
    coco = write_coco(tmp_path / "coco.json", annotations=annotations)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table = from_coco(coco, tmp_path, Signs())
    told = " | ".join(str(warning.message) for warning in caught)
    assert "1 left out, without a box: annotation 3" in told
    assert "their box is not four numbers: annotation 1: [1, 2, nan, 5], annotation 2" in told
    assert "2 left out, their box has no area: annotation 0: [1.0, 2.0, 1.0, 7.0]" in told
    assert "1 left out, marked iscrowd, a group or a mask: annotation 7" in told
    assert "1 left out, of an image that is not listed: annotation 50: image 999" in told
    assert "1 crop of a class that the catalogue does not have (category 8)" in told
    assert table.labels.tolist() == [0, -1]
    assert sum(count for _, count in table.left_out) == 8


def test_missing_frames(tmp_path: Path) -> None:
    paint_frames(tmp_path)
    (tmp_path / "a.png").unlink()
    coco = write_coco(tmp_path / "coco.json")
    with pytest.warns(UserWarning, match=r"1 files do not exist: .*a\.png"):
        assert len(from_coco(coco, tmp_path, Signs())) == 2
    with pytest.raises(InputError, match="1 files do not exist"):
        from_coco(coco, tmp_path, Signs(), strict=True)
    (tmp_path / "b.png").unlink()
    with (
        pytest.warns(UserWarning, match="2 files do not exist"),
        pytest.raises(InputError, match=r"no usable sign .their picture does not exist: 4"),
    ):
        from_coco(coco, tmp_path, Signs())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"images": [}', r"line 1, column 13"),
        ('{"images": []}', "lacks the key 'categories'"),
        ("[]", "not an object"),
        ('[{"image_id": 1, "bbox": []}]', "is a list of COCO results"),
        ('{"images": 3, "categories": [], "annotations": []}', "is not a COCO file"),
        ('{"images": [], "categories": [], "annotations": []}', "no usable sign"),
        ("\xff", "is cp1252 or Latin-1 .* text, not UTF-8"),
    ],
)
def test_rubbish_coco_files(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "coco.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=message):
        from_coco(tmp_path / "coco.json", tmp_path, Signs())


def test_rubbish_yolo_labels(tmp_path: Path) -> None:
    paint_frames(tmp_path)
    lines = ["0 0.5 0.5 0.2 0.2", "0 0.5 0.5 0.2", "0 0.5 0.5 0 0.2", "x 0.5 0.5 0.2 0.2", ""]
    lines += ["0 nan 0.5 0.2 0.2", "0 0.1 0.1 0.2 0.1 0.2 0.2", "0 5 5 2 2"]
    (tmp_path / "a.txt").write_text("\n".join(lines))
    (tmp_path / "c.png").write_text("no picture")
    (tmp_path / "c.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (tmp_path / "gone.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table = from_yolo(tmp_path, ["1.1"], Signs(), margin=0.0)
    assert table.boxes is not None
    np.testing.assert_allclose(table.boxes, [[40, 32, 60, 48], [10, 8, 20, 16]])
    told = " | ".join(str(warning.message) for warning in caught)
    assert "3 numbers behind the class; a box has four: a.txt, line 2: 0 0.5 0.5 0.2" in told
    assert "the class is 'x', no number: a.txt, line 4" in told
    assert "something that is no number: a.txt, line 6" in told
    assert "no share of the frame (0 to 1): a.txt, line 8: [5.0, 5.0, 2.0, 2.0]" in told
    assert "their box has no area: a.txt, line 3" in told
    assert "of pictures that cannot be read: c.png (no PNG" in told
    assert f"label files without a frame: {tmp_path / 'gone.txt'}" in told
    (tmp_path / "c.png").unlink()
    (tmp_path / "a.txt").write_text("3 0.5 0.5 0.2 0.2\n")
    with pytest.raises(InputError, match=r"a\.txt, line 1: class 3, but there are 1 names"):
        from_yolo(tmp_path, ["1.1"], Signs())
    with pytest.raises(InputError, match="cannot read the class names"):
        from_yolo(tmp_path, tmp_path / "nowhere.txt", Signs())
    with pytest.raises(InputError, match=r"margin -0\.1"):
        from_yolo(tmp_path, ["1.1"], Signs(), margin=-0.1)


@given(st.floats(-50, 150), st.floats(-50, 150), st.floats(0.01, 90), st.floats(0.01, 90))
def test_any_box_is_cut_like_a_mask(x0: float, y0: float, width: float, height: float) -> None:
    """The crop holds exactly the pixels that the box touches."""
    numbers = np.arange(100 * 80).reshape(80, 100)
    frame = Image.fromarray(
        np.stack([numbers % 256, numbers // 256, numbers * 0], axis=2).astype(np.uint8)
    )
    columns, rows = np.arange(100), np.arange(80)
    in_x = (columns + 1 > x0) & (columns < x0 + width)
    in_y = (rows + 1 > y0) & (rows < y0 + height)
    expected = np.asarray(frame)[in_y][:, in_x]
    box = (x0, y0, x0 + width, y0 + height)
    if expected.size:
        np.testing.assert_array_equal(np.asarray(cut_box(frame, box, "a.png")), expected)
    else:
        with pytest.raises(UnreadableFile, match="outside the picture of 100 x 80"):
            cut_box(frame, box, "a.png")
