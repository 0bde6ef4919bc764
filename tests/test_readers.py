"""Readers: what is written in a layout is read back, and rubbish is told clearly."""

from __future__ import annotations

import csv
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from raresign.crops.crop_table import CropTable
from raresign.crops.decode import decode_crop
from raresign.crops.layouts.csv_layout import from_csv
from raresign.crops.layouts.folder_layout import from_folders
from raresign.crops.layouts.gtsrb import from_gtsrb
from raresign.crops.layouts.plain_layouts import from_files
from raresign.crops.layouts.reference_layout import from_reference
from raresign.errors import InputError

CODES = {"1.1": 0, "1.10": 1, "3.24.n60": 2, "00000": 3, "00014": 4}


class Signs:
    """A catalogue that knows a few codes."""

    def label_of(self, code: str) -> int:
        return CODES.get(code, -1)


def picture(path: Path, size: tuple[int, int] = (8, 6), colour: object = (10, 200, 30)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)  # type: ignore[arg-type]
    return path


def reference_folder(root: Path) -> Path:
    for name in ("1.1/b.png", "1.1/a.JPG", "1.10/c.webp", "9.9/d.bmp"):
        picture(root / "cropped-train" / name)
    (root / "cropped-train" / "1.1" / "Thumbs.db").write_text("x")
    (root / "cropped-train" / "1.1" / "._a.png").write_text("x")
    (root / "cropped-train" / "2.1").mkdir()
    for name in ("0.png", "1.png", "2.png"):
        picture(root / "smalltest" / name)
    (root / "smalltest_annotations.csv").write_text(
        "filename,class\n0.png,3.24.n60\n1.png,1.10\n2.png,1.1\n"
    )
    return root


@contextmanager
def no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_reference_layout_is_read_with_its_labels(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=r"1 crop of a class that .* \(9\.9\) is not used"):
        train, test = from_reference(reference_folder(tmp_path), Signs())
    assert [path.name for path in train.paths] == ["a.JPG", "b.png", "c.webp", "d.bmp"]
    assert train.class_names == ("1.1", "1.1", "1.10", "9.9")
    assert train.labels.tolist() == [0, 0, 1, -1]
    assert train.labels.dtype == np.int64
    assert test.class_names == ("3.24.n60", "1.10", "1.1")
    assert test.labels.tolist() == [2, 1, 0]
    assert train.boxes is None
    assert test.boxes is None


def test_reference_layout_whose_csv_and_folder_differ(tmp_path: Path) -> None:
    root = reference_folder(tmp_path)
    (root / "smalltest_annotations.csv").write_text(
        "filename,class\n0.png,1.1\n1.png,7.7\nx.png,1.1\ny.png,1.1\n"
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _, test = from_reference(root, Signs())
    told = " | ".join(str(warning.message) for warning in caught)
    assert "names 2 missing files: x.png, y.png" in told
    assert "does not name 1 pictures: 2.png" in told
    assert "1 crop of a class that the catalogue does not have (7.7) is not measured" in told
    assert test.labels.tolist() == [0, -1, -1]
    assert test.class_names == ("1.1", "7.7", "")
    with pytest.raises(InputError, match=r"names 2 missing files: x\.png, y\.png"):
        from_reference(root, Signs(), strict=True)


def test_reference_layout_without_annotations_is_unlabelled(tmp_path: Path) -> None:
    root = reference_folder(tmp_path)
    (root / "smalltest_annotations.csv").unlink()
    (root / "cropped-train" / "9.9" / "d.bmp").unlink()
    with pytest.warns(UserWarning, match="all test crops get label -1"):
        assert from_reference(root, Signs())[1].labels.tolist() == [-1, -1, -1]
    with pytest.raises(InputError, match=r"cannot read .*smalltest_annotations\.csv"):
        from_reference(root, Signs(), strict=True)


def test_reference_layout_errors_show_what_was_found(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no folder .*nowhere"):
        from_reference(tmp_path / "nowhere", Signs())
    (tmp_path / "train").mkdir()
    with pytest.raises(InputError, match=r"cropped-train .*holds: train\); the reference layout"):
        from_reference(tmp_path, Signs())
    (tmp_path / "cropped-train").mkdir()
    (tmp_path / "smalltest").mkdir()
    with pytest.raises(InputError, match="smalltest holds no picture"):
        from_reference(tmp_path, Signs())
    picture(tmp_path / "smalltest" / "0.png")
    (tmp_path / "smalltest_annotations.csv").write_text("file;label\n0.png;1.1\n")
    with pytest.raises(
        InputError, match=r"no column filename, class; its columns are: file, label"
    ):
        from_reference(tmp_path, Signs())
    (tmp_path / "smalltest_annotations.csv").write_text("filename,class\n0.png,1.1\n0.png,1.10\n")
    with pytest.raises(InputError, match=r"line 3: 0\.png is 1\.10 here, 1\.1 above"):
        from_reference(tmp_path, Signs())
    (tmp_path / "smalltest_annotations.csv").write_text("filename,class\n0.png,1.1\n")
    with pytest.raises(InputError, match="cropped-train holds no class folders"):
        from_reference(tmp_path, Signs())
    (tmp_path / "cropped-train" / "1.1").mkdir()
    with pytest.raises(InputError, match="hold no picture"):
        from_reference(tmp_path, Signs())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"no column filename, class; its columns are: \(none\)"),
        (b"filename,class\n0.png\n", "line 2: 1 cells; give one a column, that is 2"),
        (b"filename,class\n\x00\x01\n", "is not a text file"),
    ],
)
def test_rubbish_annotations(tmp_path: Path, content: bytes, message: str) -> None:
    root = reference_folder(tmp_path)
    (root / "smalltest_annotations.csv").write_bytes(content)
    with pytest.raises(InputError, match=message):
        from_reference(root, Signs())


def test_annotations_of_a_spreadsheet_are_read(tmp_path: Path) -> None:
    root = reference_folder(tmp_path)
    text = "\ufefffilename;class\r\n0.png; 1.10 \r\n\r\n1.png;1.1\r\n2.png;1.1\r\n"
    (root / "smalltest_annotations.csv").write_bytes(text.encode())
    with pytest.warns(UserWarning, match=r"9\.9"):
        assert from_reference(root, Signs())[1].labels.tolist() == [1, 0, 0]


def test_folders_match_class_names_exactly(tmp_path: Path) -> None:
    for code in ("1.1", "1.10", "3.24.n60"):
        picture(tmp_path / code / "a.png")
    with no_warnings():
        table = from_folders(tmp_path, Signs())
    assert dict(zip(table.class_names, table.labels.tolist(), strict=True)) == {
        "1.1": 0,
        "1.10": 1,
        "3.24.n60": 2,
    }


def test_csv_keeps_boxes_labels_and_odd_names(tmp_path: Path) -> None:
    paths = (picture(tmp_path / "a b,c.png", (40, 30)), picture(tmp_path / 'q"\u044f.png'))
    boxes = np.array([[0.1, 1 / 3, 5.0, 6e-3 + 9], [np.nan] * 4])
    with (tmp_path / "t.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "class", "x0", "y0", "x1", "y1"])
        writer.writerow([paths[0], "1.10", *boxes[0].tolist()])
        writer.writerow([paths[1], "", *[""] * 4])
    with no_warnings():
        table = from_csv(tmp_path / "t.csv", Signs())
    assert table.paths == paths
    assert table.class_names == ("1.10", "")
    assert table.labels.tolist() == [1, -1]
    np.testing.assert_array_equal(table.boxes, boxes)
    (tmp_path / "t.csv").write_text("path,class\na b.png,1.10\n", encoding="utf-8")
    picture(tmp_path / "a b.png")
    assert from_csv(tmp_path / "t.csv", Signs()).boxes is None


def test_csv_of_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    try:
        path = picture(tmp_path / "ok.png").rename(tmp_path / os.fsdecode(b"\xe7\xed.png"))
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    (tmp_path / "t.csv").write_bytes(b"path,class\n\xe7\xed.png,1.1\n")
    assert from_csv(tmp_path / "t.csv", Signs()).paths == (path,)


def test_csv_skips_and_counts_broken_boxes_and_missing_files(tmp_path: Path) -> None:
    picture(tmp_path / "data" / "a.png", (40, 30))
    lines = ["a.png,1.1,1,2,9,9", "a.png,1.1,3,2,3,9", "a.png,1.1,1,2,,4", "a.png,1.1,nan,2,3,4"]
    lines += ["a.png,1.1,1,2,x,4", "gone.png,1.1,1,2,3,4", "a.png,,,,,"]
    (tmp_path / "t.csv").write_text("\n".join(["path,class,x0,y0,x1,y1", *lines]))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table = from_csv(tmp_path / "t.csv", Signs(), root=tmp_path / "data")
    told = " | ".join(str(warning.message) for warning in caught)
    assert "3 left out, their box is not four numbers: line 4: ['1', '2', '', '4']" in told
    assert "1 left out, their box has no area: line 3: [3.0, 2.0, 3.0, 9.0]" in told
    assert dict(table.left_out)["their picture does not exist"] == 1
    assert "1 files do not exist" in told
    assert table.labels.tolist() == [0, -1]
    assert table.boxes is not None
    np.testing.assert_array_equal(table.boxes, [[1, 2, 9, 9], [np.nan] * 4])
    with pytest.raises(InputError, match="1 files do not exist"):
        from_csv(tmp_path / "t.csv", Signs(), root=tmp_path / "data", strict=True)


def test_csv_errors(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    with pytest.raises(InputError, match=r"cannot read .*t\.csv: No such file"):
        from_csv(file, Signs())
    file.write_text("path,class,x0\na.png,1.1,4\n")
    with pytest.raises(InputError, match="the column x0 looks like part of a box"):
        from_csv(file, Signs())
    file.write_text("path,class\n")
    with pytest.raises(InputError, match=r"no usable sign .it holds no sign"):
        from_csv(file, Signs())


def write_gtsrb_csv(path: Path, rows: list[tuple[object, ...]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(
            [
                "Filename",
                "Width",
                "Height",
                *(f"Roi.{c}" for c in ("X1", "Y1", "X2", "Y2")),
                "ClassId",
            ]
        )
        writer.writerows(rows)


@pytest.mark.parametrize("csv_folder", ["Final_Test/Images", "."])
def test_gtsrb_round_trip_gives_train_and_test_the_same_codes(
    tmp_path: Path, csv_folder: str
) -> None:
    train_folder = tmp_path / "Final_Training" / "Images"
    for code in (0, 14):
        place = train_folder / f"{code:05d}"
        image = Image.new("RGB", (29, 30), (0, 0, 0))
        image.paste((255, code, 0), (5, 6, 24, 25))
        place.mkdir(parents=True)
        image.save(place / "00000_00000.ppm")
        rows: list[tuple[object, ...]] = [("00000_00000.ppm", 29, 30, 5, 6, 24, 25, code)]
        write_gtsrb_csv(place / f"GT-{code:05d}.csv", rows)
    picture(tmp_path / "Final_Test" / "Images" / "00000.ppm", (53, 54))
    write_gtsrb_csv(
        tmp_path / csv_folder / "GT-final_test.csv", [("00000.ppm", 53, 54, 6, 5, 48, 49, 14)]
    )
    with no_warnings():
        train, test = from_gtsrb(tmp_path, Signs())
    assert train.class_names == ("00000", "00014")
    assert train.labels.tolist() == [3, 4]
    assert test.class_names == ("00014",)
    assert test.labels.tolist() == [4]
    assert test.paths == (tmp_path / "Final_Test" / "Images" / "00000.ppm",)
    assert train.boxes is not None
    np.testing.assert_array_equal(train.boxes, [[5, 6, 24, 25]] * 2)
    crop = np.asarray(decode_crop(train.paths[1], train.boxes[1]))
    assert crop.shape == (19, 19, 3)
    assert (crop == (255, 14, 0)).all()


def test_gtsrb_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no GT-<class>\.csv"):
        from_gtsrb(tmp_path, Signs())
    write_gtsrb_csv(tmp_path / "GT-00000.csv", [("gone.ppm", 9, 9, 1, 1, 5, 5, 0)])
    with pytest.raises(InputError, match="1 files do not exist"):
        from_gtsrb(tmp_path, Signs(), strict=True)
    with (
        pytest.warns(UserWarning, match="1 files do not exist"),
        pytest.raises(InputError, match=r"no usable sign .their picture does not exist: 1"),
    ):
        from_gtsrb(tmp_path, Signs())
    write_gtsrb_csv(tmp_path / "GT-00000.csv", [("gone.ppm", 9, 9, 1, 1, 5, 5, "stop")])
    with pytest.raises(InputError, match="line 2: ClassId is 'stop'"):
        from_gtsrb(tmp_path, Signs())


def test_files_are_listed_recursively_and_errors_stay_rows(tmp_path: Path) -> None:
    inside = [picture(tmp_path / "d" / name) for name in ("2.png", "sub/1.jpg")]
    (tmp_path / "d" / "notes.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    text = tmp_path / "d" / "notes.txt"
    with pytest.warns(UserWarning, match="empty: no picture in it"):
        table = from_files([tmp_path / "d", text, tmp_path / "gone.png", tmp_path / "empty"])
    assert table.paths == (*inside, text, tmp_path / "gone.png")
    assert set(table.labels.tolist()) == {-1}
    with pytest.raises(InputError, match="no files were given"):
        from_files([])
    with pytest.raises(InputError, match="empty: no picture in it"):
        from_files([tmp_path / "empty"])


@pytest.mark.parametrize(
    ("labels", "boxes", "names", "message"),
    [
        ([0], None, ("a", "b"), r"labels of shape \(1,\)"),
        ([0.5, 1.0], None, ("a", "b"), "type float64"),
        ([0, -2], None, ("a", "b"), "label -2 is below -1"),
        ([0, 1], None, ("a",), "1 class names for 2 paths"),
        ([0, 1], np.zeros((2, 3)), ("a", "b"), r"boxes of shape \(2, 3\)"),
        ([0, 1], np.array([[0, 0, 1, 1], [2, 0, 2, 1.0]]), ("a", "b"), "of b is empty"),
        ([0, 1], np.array([[0, 0, 1, np.nan]] * 2), ("a", "b"), "of a is empty or not finite"),
        ([0, 1], np.array([[0, 0, 1, np.inf]] * 2), ("a", "b"), "of a is empty or not finite"),
    ],
)
def test_tables_are_validated(
    labels: list[float], boxes: np.ndarray | None, names: tuple[str, ...], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        CropTable((Path("a"), Path("b")), np.array(labels), boxes, names)


@pytest.mark.real_data
def test_real_reference_folder() -> None:
    data = os.environ.get("RARESIGN_DATA")
    if not data:
        pytest.skip("RARESIGN_DATA is not set: it names the folder with rtsd-r1")
    root = Path(data) / "rtsd-r1"

    class Known:
        def label_of(self, code: str) -> int:
            return 5

    train, test = from_reference(root, Known(), strict=True)
    assert (len(train), len(test)) == (8011, 2337)
    with (root / "smalltest_annotations.csv").open() as file:
        expected = {row["filename"]: row["class"] for row in csv.DictReader(file)}
    assert {p.name: n for p, n in zip(test.paths, test.class_names, strict=True)} == expected
    assert all(
        path.parent.name == name for path, name in zip(train.paths, train.class_names, strict=True)
    )
