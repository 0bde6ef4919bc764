"""Reads class folders, a CSV of paths, and plain files without any label."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from raresign.crops.crop_table import BOX_COLUMNS, CodeBook, CropTable
from raresign.crops.layouts.csv_file import csv_rows
from raresign.crops.layouts.labelling import (
    BROKEN_BOXES,
    WHOLE,
    BoxRow,
    box_table,
    label_crops,
    sound_box,
    warn_of_skipped,
)
from raresign.crops.layouts.listing import (
    class_folders,
    existing_folder,
    pictures_in,
    pictures_under,
)
from raresign.errors import InputError


def from_folders(root: str | Path, catalogue: CodeBook) -> CropTable:
    """Read `root/<class>/*.png` (or any other picture format), ordered by path.

    Args:
        root: The folder of class folders.
        catalogue: Knows the labels; a class that it does not know gets -1 and a warning.

    Raises:
        InputError: The folder is missing, holds no class folder or no picture.

    Example:
        >>> import tempfile
        >>> from types import SimpleNamespace
        >>> catalogue = SimpleNamespace(label_of=["1.1"].index)
        >>> root = Path(tempfile.mkdtemp())
        >>> (root / "1.1").mkdir()
        >>> (root / "1.1" / "a.jpg").touch()
        >>> from_folders(root, catalogue).class_names
        ('1.1',)
    """
    root = existing_folder(root, "give the folder that holds one folder a class")
    paths = [path for folder in class_folders(root) for path in pictures_in(folder)]
    if not paths:
        raise InputError(f"the class folders of {root} hold no picture", "put pictures into them")
    return label_crops(paths, [path.parent.name for path in paths], None, catalogue, root)


def from_csv(
    csv: str | Path, catalogue: CodeBook, root: str | Path | None = None, strict: bool = False
) -> CropTable:
    """Read a CSV with the columns `path` and `class` and, optionally, `x0`, `y0`, `x1`, `y1`.

    Empty box cells mean the whole picture, an empty class means unknown. Broken boxes (zero area,
    no numbers) are skipped and counted in a warning, as are files that do not exist.

    Args:
        csv: The file; columns `path` and `class`.
        catalogue: Knows the labels.
        root: What relative paths are relative to; the folder of the CSV by default.
        strict: Files that do not exist are an error.

    Raises:
        InputError: The CSV is missing, lacks its columns, has some of the box columns only or no
            usable row, or (`strict`) names missing files.

    Example:
        >>> import tempfile
        >>> from types import SimpleNamespace
        >>> catalogue = SimpleNamespace(label_of=["1.1"].index)
        >>> root = Path(tempfile.mkdtemp())
        >>> (root / "frame.jpg").touch()
        >>> _ = (root / "a.csv").write_text("path,class,x0,y0,x1,y1\\nframe.jpg,1.1,4,5,20,21\\n")
        >>> from_csv(root / "a.csv", catalogue).boxes.tolist()
        [[4.0, 5.0, 20.0, 21.0]]
    """
    csv = Path(csv)
    base = csv.parent if root is None else Path(root)
    rows: list[BoxRow] = []
    broken: list[str] = []
    boxed = False
    for line, row in csv_rows(csv, ("path", "class")):
        given = [column for column in BOX_COLUMNS if column in row]
        if given and len(given) < 4:
            raise InputError(
                f"{csv} has only {', '.join(given)} of the box columns", "give x0, y0, x1 and y1"
            )
        boxed = bool(given)
        cells = [row[column] for column in given]
        box = sound_box(cells) if any(cells) else WHOLE
        if box is None:
            broken.append(f"line {line}")
        else:
            rows.append((base / row["path"], row["class"], box))
    warn_of_skipped(BROKEN_BOXES, broken, csv)
    table = box_table(rows, catalogue, csv, strict)
    if not len(table):
        raise InputError(f"{csv} has no usable row", "check its paths and the root folder")
    return table if boxed else replace(table, boxes=None)


def from_files(paths: Sequence[str | Path]) -> CropTable:
    """List pictures for prediction: files as they are, folders with all that lies under them.

    All labels are -1. A file that does not exist, or that is no picture, stays in the table:
    decoding it tells the reason in its row.

    Args:
        paths: Files and folders.

    Raises:
        InputError: Nothing was given, or only folders without pictures.

    Example:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> (root / "a.png").touch()
        >>> [path.name for path in from_files([root, "b.png"]).paths]
        ['a.png', 'b.png']
    """
    if not paths:
        raise InputError("no files were given", "name picture files or folders")
    given = {path: pictures_under(path) if path.is_dir() else [path] for path in map(Path, paths)}
    found = [picture for path in map(Path, paths) for picture in given[path]]
    listed = ", ".join(str(path) for path, pictures in given.items() if not pictures)
    if not found:
        raise InputError(f"{listed}: no picture in it", "name a folder that holds pictures")
    if listed:
        warnings.warn(f"{listed}: no picture in it", stacklevel=2)
    return CropTable(tuple(found), np.full(len(found), -1), None, ("",) * len(found))
