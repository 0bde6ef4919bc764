"""Reads a CSV of pictures and classes, with boxes or without, whatever its columns are called."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from raresign.crops.crop_table import CodeBook, CropTable
from raresign.crops.layouts.annotated_crops import LayoutCrops, annotated_crops
from raresign.crops.layouts.annotation import Annotation, Annotations
from raresign.crops.layouts.box_columns import BoxColumns, box_columns
from raresign.crops.layouts.csv_cells import box_of_cell, class_of_cell, with_point
from raresign.crops.layouts.csv_file import csv_header, csv_rows
from raresign.crops.layouts.frame_files import FrameFiles
from raresign.crops.layouts.listing import PICTURE_SUFFIXES, files_under
from raresign.crops.layouts.percent import says_percent
from raresign.crops.layouts.split_names import Split, split_of_parts
from raresign.crops.layouts.text_files import check_utf8
from raresign.crops.layouts.unread_columns import declared_parts, marked_classes, refuse_boxes
from raresign.errors import InputError
from raresign.language.spoken import _

_PATH = (
    "path filename file file_name filepath file_path image image_path img img_path image_name "
    "image_file picture frame image_id imageid name"
)
_CLASS = (
    "class class_name classname label label_name labelname sign_class classid class_id category "
    "category_name code cls sign annotation_tag sign_type target region_attributes lbl"
)


def from_csv(
    csv: str | Path, catalogue: CodeBook, root: str | Path | None = None, strict: bool = False
) -> CropTable:
    """Read a CSV with the columns `path` and `class` and, optionally, `x0`, `y0`, `x1`, `y1`.

    Columns may be called otherwise where it is clear what they are: `filename`, `label`, `xmin`,
    `Roi.X1`, `x_center`, `width` and so on. What looks like a box and is none is refused. Empty box
    cells mean the whole picture, an empty class means unknown. Boxes without a sign are left out
    and counted in a warning, as are files that do not exist. Rows that a column `split` gives to
    the test are not returned.

    Args:
        csv: The file.
        catalogue: Knows the labels.
        root: What relative paths are relative to; the folder of the CSV by default.
        strict: Files that do not exist are an error.

    Raises:
        InputError: The CSV is missing, lacks its columns, has some of the box columns only or no
            usable row, gives a picture without a box two classes, or (`strict`) names missing
            files.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> from types import SimpleNamespace
        >>> catalogue = SimpleNamespace(label_of=["1.1"].index)
        >>> root = Path(tempfile.mkdtemp())
        >>> Image.new("RGB", (64, 48)).save(root / "frame.jpg")
        >>> _ = (root / "a.csv").write_text("path,class,x0,y0,x1,y1\\nframe.jpg,1.1,4,5,20,21\\n")
        >>> from_csv(root / "a.csv", catalogue).boxes.tolist()
        [[4.0, 5.0, 20.0, 21.0]]
    """
    csv = Path(csv)
    part = csv_annotations(csv, FrameFiles(csv.parent if root is None else Path(root)))
    return annotated_crops([part], csv, catalogue, strict, margin=0.0).training


def read_csv_layout(place: Path, catalogue: CodeBook, strict: bool = False) -> LayoutCrops:
    """Read a CSV, or all of a folder: `train.csv` and `test.csv`, `train/_annotations.csv`.

    Raises:
        InputError: As `from_csv`, or the folder holds no CSV.
    """
    parts = csv_parts(place)
    return annotated_crops(parts, place, catalogue, strict, margin=0.0)


def csv_parts(place: Path) -> list[Annotations]:
    """The annotations of a CSV, or of all CSV files of a folder."""
    if not place.is_dir():
        return [csv_annotations(place, FrameFiles(place.parent))]
    files = files_under(place, (".csv", ".tsv"))
    if not files:
        raise InputError(f"{place} holds no CSV", "give a CSV with the columns path and class")
    top = FrameFiles(place)
    parts = []
    for file in files:
        inside = file.relative_to(place)
        split = split_of_parts([*inside.parts[:-1], inside.stem])
        frames = FrameFiles(file.parent, place) if len(inside.parts) > 1 else top
        parts.append(csv_annotations(file, frames, split))
    return parts


def csv_annotations(
    csv: Path, frames: FrameFiles, split: Split = "", with_class: bool = True
) -> Annotations:
    """The signs of a CSV.

    Args:
        csv: The file.
        frames: Finds its pictures.
        split: The part that the file's name declares.
        with_class: Whether there must be a class; else it is read where it is there.

    Raises:
        InputError: The CSV cannot be read, lacks its columns, or has a part of a box.
    """
    header = csv_header(csv)
    path_column, class_column = _column(header, _PATH), _column(header, _CLASS)
    rows = list(csv_rows(csv, [column for column in (path_column, class_column) if column]))
    others = [name for name in header if name and name not in (path_column, class_column)]
    marked = None if class_column else marked_classes([row for _, row in rows], others)
    missing = ["path"] * (not path_column) + ["class"] * (
        with_class and not class_column and not marked
    )
    if missing:
        raise InputError(
            _lacking(csv, header, missing),
            _(
                "the first line must name path and class (and x0, y0, x1, y1 where a picture is a "
                "whole frame)"
            ),
        )
    box = None if marked else box_columns(others, csv)
    read = (*box.columns, *box.stated) if box else ()
    unread = [] if marked else [name for name in others if name not in read]
    cells = [row for _, row in rows]
    splits = declared_parts(cells, unread, csv)
    if not marked and not box:
        paths = [frames.find(row[path_column]) for row in cells]
        refuse_boxes(cells, unread, paths, csv)
    percent = box is not None and says_percent(box.columns)
    given = Annotations(csv, box.form if box else "corners", "percent" if percent else "pixels")
    for number, (line, row) in enumerate(rows):
        where = f"line {line}"
        codes = marked[number] if marked else [class_of_cell(row.get(class_column, ""))]
        for code in codes:
            check_utf8(code, f"{csv}, {where}: the class")
            if code.startswith(("[{", "{")):
                raise InputError(
                    f"{csv}, {where}: the class is no name but a list of objects: {code[:60]}",
                    "give the file that the annotation tool exports for COCO or YOLO",
                )
        if not row[path_column]:
            given.left.add("no picture is named", where)
            continue
        if not codes:
            given.left.add("no class is marked", where)
        given.rows += [
            Annotation(
                frames.find(row[path_column]),
                code,
                _numbers(row, box),
                where,
                _stated(row, box),
                splits[number] or split,
            )
            for code in codes
        ]
    return given


def columns_problem(csv: Path) -> str:
    """Why a CSV is no list of pictures and classes, "" if it is one.

    Raises:
        InputError: It cannot be read.
    """
    header = csv_header(csv)
    path_column, class_column = _column(header, _PATH), _column(header, _CLASS)
    if path_column and not class_column:
        rows = [row for _, row in csv_rows(csv, [path_column])]
        marked = marked_classes(rows, [name for name in header if name and name != path_column])
        class_column = "marked" if marked else ""
    if path_column.lower() == "name" and not _names_pictures(csv, path_column):
        path_column = ""
    lacks = ["path"] * (not path_column) + ["class"] * (not class_column)
    return _lacking(csv, header, lacks) if lacks else ""


def _names_pictures(csv: Path, column: str) -> bool:
    first = next((row for _, row in csv_rows(csv, [column])), {column: ""})
    return _is_picture(first[column])


def _is_picture(name: str) -> bool:
    return name.lower().rpartition(".")[2] in PICTURE_SUFFIXES


def _lacking(csv: Path, header: Sequence[str], lacks: Sequence[str]) -> str:
    """What columns are missing, or that there is no line of columns at all."""
    shown = ", ".join(header[:12]) or _("(none)")
    numbers = sum(bool(re.fullmatch(r"-?[\d.]+", cell)) for cell in header)
    if any(map(_is_picture, header)) or numbers > 2:
        return _("{file} has no line of column names; it begins with {shown}").format(
            file=csv, shown=shown
        )
    return _("{file} has no column {missing}; its columns are: {columns}").format(
        file=csv, missing=", ".join(lacks), columns=shown
    )


def _column(header: Sequence[str], names: str) -> str:
    """The column that has the first of these names, "" if none has any."""
    plain = {re.sub(r"[\W_]+", "_", name.lower()).strip("_"): name for name in reversed(header)}
    return next((plain[name] for name in names.split() if name in plain), "")


def _numbers(row: Mapping[str, str], box: BoxColumns | None) -> list[str] | None:
    """The cells of a box; None for the whole picture."""
    if box is None:
        return None
    cells = [with_point(row[column]) for column in box.columns]
    if len(cells) == 1 and cells[0]:
        return box_of_cell(row[box.columns[0]], box.form) or cells
    return cells if any(cells) else None


def _stated(row: Mapping[str, str], box: BoxColumns | None) -> tuple[float, float] | None:
    """Width and height of the picture as the row has them."""
    if box is None or len(box.stated) < 2:
        return None
    try:
        return float(row[box.stated[0]]), float(row[box.stated[1]])
    except ValueError:
        return None
