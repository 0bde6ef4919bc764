"""Boxes of signs in whole frames, as a detector or a person gives them: `predict --boxes`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from raresign.crops.crop_table import CropTable
from raresign.crops.decode import UnreadableFile, picture_size
from raresign.crops.layouts.coco import from_coco
from raresign.crops.layouts.csv_file import csv_rows
from raresign.crops.layouts.labelling import BROKEN_BOXES, Box, sound_box, warn_of_skipped
from raresign.crops.layouts.listing import pictures_under
from raresign.errors import InputError

FILE_COLUMNS = ("file", "path", "filename", "file_name", "image")
_CORNERS = (
    ("x0", "y0", "x1", "y1"),
    ("xmin", "ymin", "xmax", "ymax"),
    ("x1", "y1", "x2", "y2"),
    ("Roi.X1", "Roi.Y1", "Roi.X2", "Roi.Y2"),
)
_SIDES = (("x", "y", "width", "height"), ("x_from", "y_from", "width", "height"))
_HINT = "give a COCO file (.json), a CSV with file,x0,y0,x1,y1, or a folder of YOLO label files"


class AnyClass:
    """A code book that knows every name: what a detector calls a sign does not matter here."""

    def label_of(self, code: str) -> int:
        """0, whatever the code."""
        return 0


def boxed_crops(boxes: str | Path, frames: Sequence[str | Path]) -> CropTable:
    """The signs that a file of boxes marks in whole frames.

    Args:
        boxes: COCO (`.json`), a CSV with a column of files and four of boxes, or a folder of YOLO
            label files named like the frames. Classes are not read.
        frames: The folder that file names are relative to, the folder of `boxes` unless given; or
            the frames themselves, others are left out then.

    Returns:
        One row a box, frame by frame, all labels -1.

    Raises:
        InputError: The file is missing or of no such kind, or no box is left.
    """
    file, given = Path(boxes), [Path(frame) for frame in frames]
    if not file.exists():
        raise InputError(f"{file}: there is no such file", _HINT)
    folders = [path for path in given if path.is_dir()]
    home = file if file.is_dir() else file.parent
    base = folders[0] if folders else given[0].parent if given else home
    if file.is_dir():
        rows = _of_labels(file, given or [base])
    elif file.suffix.lower() == ".json":
        table = from_coco(file, base, AnyClass(), margin=0.0)
        corners = np.empty((0, 4)) if table.boxes is None else table.boxes
        rows = [(path, _box(box)) for path, box in zip(table.paths, corners, strict=True)]
    else:
        rows = [(path, box) for _, path, box, _ in rows_of_files(file, base) if box]
    files = {path.resolve() for path in given if not path.is_dir()}
    if files and not folders:
        rows = [(path, box) for path, box in rows if path.resolve() in files]
    if not rows:
        raise InputError(f"{file} holds no box of the frames in {base}", _HINT)
    rows.sort(key=lambda row: row[0])
    paths = tuple(path for path, _ in rows)
    corners = np.array([box for _, box in rows], np.float64)
    return CropTable(paths, np.full(len(rows), -1), corners, ("",) * len(rows))


def _box(values: np.ndarray) -> Box:
    x0, y0, x1, y1 = map(float, values)
    return x0, y0, x1, y1


def rows_of_files(file: Path, base: Path) -> list[tuple[int, Path, Box | None, dict[str, str]]]:
    """The rows of a CSV that names files: line, file, box (None: the whole picture), all cells.

    A file name is relative to `base`, or to the folder of the CSV where it is not there.

    Raises:
        InputError: It cannot be read, or no column names files.
    """
    found: list[tuple[int, Path, Box | None, dict[str, str]]] = []
    broken: list[str] = []
    for line, row in csv_rows(file, ()):
        column = next((name for name in FILE_COLUMNS if name in row), None)
        if column is None:
            raise InputError(
                f"{file} has no column of files; its columns are: {', '.join(row)}",
                f"name one of them {' or '.join(FILE_COLUMNS[:3])}",
            )
        corners = _corners(row)
        box = sound_box(corners) if corners is not None else None
        if corners is not None and box is None:
            broken.append(f"line {line}")
            continue
        name = row[column]
        path = base / name
        found.append((line, path if path.exists() else file.parent / name, box, row))
    warn_of_skipped(BROKEN_BOXES, broken, file)
    return found


def _corners(row: dict[str, str]) -> list[str] | list[float] | None:
    """The cells of a box, None where the row has none."""
    for names in _CORNERS:
        if all(row.get(name) for name in names):
            return [row[name] for name in names]
    for names in _SIDES:
        if all(row.get(name) for name in names):
            try:
                x, y, width, height = (float(row[name]) for name in names)
            except ValueError:
                return []
            return [x, y, x + width, y + height]
    return None


def _of_labels(labels: Path, frames: Sequence[Path]) -> list[tuple[Path, Box]]:
    """The boxes of YOLO label files: class cx cy width height, in shares of the frame.

    A sixth number, the certainty of a detector, may follow.
    """
    texts = {path.stem: path for path in sorted(labels.rglob("*.txt"))}
    found: list[tuple[Path, Box]] = []
    broken: list[str] = []
    pictures = [own for path in frames for own in (pictures_under(path) or [path])]
    for frame in pictures:
        text = texts.get(frame.stem)
        lines = text.read_text(encoding="utf-8", errors="replace").splitlines() if text else []
        for number, line in enumerate(lines, 1):
            cells = line.split()
            if not cells:
                continue
            try:
                width, height = picture_size(frame)
                x, y, w, h = map(float, cells[1:5])
            except (UnreadableFile, ValueError):
                broken.append(f"{text}, line {number}")
                continue
            left, right = (x - w / 2) * width, (x + w / 2) * width
            top, bottom = (y - h / 2) * height, (y + h / 2) * height
            box = sound_box((left, top, right, bottom))
            if box is None:
                broken.append(f"{text}, line {number}")
            else:
                found.append((frame, box))
    warn_of_skipped(BROKEN_BOXES, broken, labels)
    return found
