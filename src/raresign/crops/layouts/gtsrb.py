"""Reads GTSRB's official layout: `GT-<class>.csv` a training folder, `GT-final_test.csv`."""

from __future__ import annotations

import os
import re
from pathlib import Path

from raresign.crops.crop_table import CodeBook, CropTable
from raresign.crops.layouts.csv_file import csv_rows
from raresign.crops.layouts.labelling import (
    BROKEN_BOXES,
    Box,
    BoxRow,
    box_table,
    sound_box,
    warn_of_skipped,
)
from raresign.crops.layouts.listing import existing_folder
from raresign.errors import InputError

_TRAIN_CSV = re.compile(r"GT-\d+\.csv")
_TEST_CSV = "GT-final_test.csv"

_ROI_COLUMNS = ("Roi.X1", "Roi.Y1", "Roi.X2", "Roi.Y2")


def from_gtsrb(
    root: str | Path, catalogue: CodeBook, strict: bool = False
) -> tuple[CropTable, CropTable]:
    """Read the German Traffic Sign Recognition Benchmark as it is unpacked from its archives.

    Training: any folder with `GT-<class>.csv` and its pictures. Test: `GT-final_test.csv`, with the
    pictures beside it or in a folder `Final_Test/Images` under `root`. The class code is the
    `ClassId` with five digits, which is also the name of the training folder: "00014". The region
    of interest becomes the box; its second corner is exclusive (the official crops have equal
    margins under this reading).

    Source: Stallkamp et al., "Man vs. computer", Neural Networks 32, 2012.

    Args:
        root: A folder above the training or the test part or both.
        catalogue: Knows the labels.
        strict: Pictures that a CSV names but that do not exist are an error.

    Returns:
        The training crops and the test crops; a part that is not there is empty.

    Raises:
        InputError: Neither part is there, a CSV lacks its columns or a ClassId is no number, or
            (`strict`) pictures are missing.

    Example:
        >>> import tempfile
        >>> from types import SimpleNamespace
        >>> catalogue = SimpleNamespace(label_of=["00014"].index)
        >>> folder = Path(tempfile.mkdtemp()) / "Final_Training" / "Images" / "00014"
        >>> folder.mkdir(parents=True)
        >>> (folder / "00000_00000.ppm").touch()
        >>> _ = (folder / "GT-00014.csv").write_text(
        ...     "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\\n"
        ...     "00000_00000.ppm;29;30;5;6;24;25;14\\n")
        >>> train, test = from_gtsrb(folder.parents[1], catalogue)
        >>> train.class_names, train.boxes.tolist(), len(test)
        (('00014',), [[5.0, 6.0, 24.0, 25.0]], 0)
    """
    root = existing_folder(root, "give the folder that holds Final_Training or Final_Test")
    train_csvs: list[Path] = []
    test_csvs: list[Path] = []
    test_folders: list[Path] = []
    for place, folders, names in os.walk(root):
        folders.sort()
        folder = Path(place)
        train_csvs.extend(folder / name for name in sorted(names) if _TRAIN_CSV.fullmatch(name))
        test_csvs.extend(folder / name for name in names if name == _TEST_CSV)
        if folder.parts[-2:] == ("Final_Test", "Images"):
            test_folders.append(folder)
    if not train_csvs and not test_csvs:
        raise InputError(
            f"there is no GT-<class>.csv and no {_TEST_CSV} under {root}",
            "give the folder that GTSRB's archives were unpacked into",
        )
    train = [row for path in train_csvs for row in _rows(path, [path.parent])]
    test = [row for path in test_csvs for row in _rows(path, [path.parent, *test_folders])]
    return box_table(train, catalogue, root, strict), box_table(test, catalogue, root, strict)


def _rows(csv: Path, folders: list[Path]) -> list[BoxRow]:
    """The rows of one CSV, its pictures in the first of `folders` that has the first of them."""
    rows: list[tuple[str, str, Box]] = []
    broken: list[str] = []
    for line, row in csv_rows(csv, ("Filename", *_ROI_COLUMNS, "ClassId")):
        box = sound_box([row[column] for column in _ROI_COLUMNS])
        if box is None:
            broken.append(f"line {line}")
            continue
        if not row["ClassId"].isdecimal() or len(row["ClassId"]) > 9:
            raise InputError(f"{csv}, line {line}: ClassId is {row['ClassId']!r}", "mend the line")
        rows.append((row["Filename"], f"{int(row['ClassId']):05d}", box))
    warn_of_skipped(BROKEN_BOXES, broken, csv)
    having = [folder for folder in folders if rows and (folder / rows[0][0]).exists()]
    folder = (having or folders)[0]
    return [(folder / file, code, box) for file, code, box in rows]
