"""Reads GTSRB: the official archives (`GT-<class>.csv`) and Kaggle's copy (`Train.csv`)."""

from __future__ import annotations

import os
import re
from pathlib import Path

from raresign.crops.crop_table import CodeBook, CropTable
from raresign.crops.layouts.annotated_crops import LayoutCrops, annotated_crops, empty_table
from raresign.crops.layouts.annotation import Annotation, Annotations
from raresign.crops.layouts.class_matching import number_spellings
from raresign.crops.layouts.csv_file import csv_header, csv_rows
from raresign.crops.layouts.csv_layout import csv_annotations
from raresign.crops.layouts.frame_files import FrameFiles
from raresign.crops.layouts.listing import existing_folder
from raresign.crops.layouts.split_names import Split, split_of, split_of_parts
from raresign.errors import InputError
from raresign.files import is_there

_TRAIN_CSV = re.compile(r"GT-\d+\.csv")
_TEST_CSV = "GT-final_test.csv"
_ROI_COLUMNS = ("Roi.X1", "Roi.Y1", "Roi.X2", "Roi.Y2")
_KAGGLE_COLUMNS = {*_ROI_COLUMNS, "ClassId", "Path"}


def from_gtsrb(
    root: str | Path, catalogue: CodeBook, strict: bool = False
) -> tuple[CropTable, CropTable]:
    """Read the German Traffic Sign Recognition Benchmark, and what is laid out like it.

    Training: any folder with `GT-<class>.csv` and its pictures, unless a folder above it declares
    a test (`Testing`, as in BelgiumTSC). Test: also `GT-final_test.csv`, with the pictures beside
    it or in a folder `Final_Test/Images` under `root`. Or Kaggle's copy: `Train.csv` and `Test.csv`
    with the columns ClassId and Path. The class code is the `ClassId`, with five digits as the
    folders have it or as many as the catalogue: "00014", "14". The region of interest becomes the
    box; its second corner is exclusive (the official crops have equal margins under this reading).

    `Online-Test`, whose pictures are part of the final training, is the test only where there is no
    other.

    Source: Stallkamp et al., "Man vs. computer", Neural Networks 32, 2012.

    Args:
        root: A folder above the training or the test part or both, or a CSV of Kaggle's copy.
        catalogue: Knows the labels.
        strict: Pictures that a CSV names but that do not exist are an error.

    Returns:
        The training crops and the test crops; a part that is not there is empty.

    Raises:
        InputError: Neither part is there, no crop is usable, a CSV lacks its columns or a ClassId
            is no number, or (`strict`) pictures are missing.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> from types import SimpleNamespace
        >>> catalogue = SimpleNamespace(label_of=["00014"].index)
        >>> folder = Path(tempfile.mkdtemp()) / "Final_Training" / "Images" / "00014"
        >>> folder.mkdir(parents=True)
        >>> Image.new("RGB", (29, 30)).save(folder / "00000_00000.ppm")
        >>> _ = (folder / "GT-00014.csv").write_text(
        ...     "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\\n"
        ...     "00000_00000.ppm;29;30;5;6;24;25;14\\n")
        >>> train, test = from_gtsrb(folder.parents[1], catalogue)
        >>> train.class_names, train.boxes.tolist(), len(test)
        (('00014',), [[5.0, 6.0, 24.0, 25.0]], 0)
    """
    found = read_gtsrb(Path(root), catalogue, strict)
    return found.training, empty_table() if found.test is None else found.test


def read_gtsrb(place: Path, catalogue: CodeBook, strict: bool = False) -> LayoutCrops:
    """As `from_gtsrb`, in one value."""
    parts = _kaggle_parts(place) or _official_parts(place)
    return annotated_crops(parts, place, catalogue, strict, 0.0, number_spellings)


def is_kaggle(csv: Path) -> bool:
    """Whether a CSV is one of Kaggle's copy of GTSRB."""
    return set(csv_header(csv)) >= _KAGGLE_COLUMNS


def _kaggle_parts(place: Path) -> list[Annotations]:
    """Train.csv and Test.csv of a folder, or the one CSV that is given; none if it is another."""
    if place.is_file():
        files = [place] if is_kaggle(place) else []  # Test.csv is the test, whatever is beside it
        return [
            csv_annotations(file, FrameFiles(file.parent), split_of(file.stem)) for file in files
        ]
    files = sorted(place.glob("*.csv")) if place.is_dir() else []
    frames = FrameFiles(place)
    return [csv_annotations(file, frames, split_of(file.stem)) for file in files if is_kaggle(file)]


def _official_parts(place: Path) -> list[Annotations]:
    root = existing_folder(place, "give the folder that holds Final_Training or Final_Test")
    csvs: list[tuple[Path, Split]] = []
    test_folders: list[Path] = []
    for folder_name, folders, names in os.walk(root):
        folders.sort()
        folder = Path(folder_name)
        declared = split_of_parts(folder.relative_to(root).parts)
        csvs += [(folder / name, declared) for name in sorted(names) if _TRAIN_CSV.fullmatch(name)]
        csvs += [(folder / name, "test") for name in names if name == _TEST_CSV]
        if folder.parts[-2:] == ("Final_Test", "Images"):
            test_folders.append(folder)
    if not csvs:
        raise InputError(
            f"there is no GT-<class>.csv, no {_TEST_CSV} and no Train.csv of Kaggle under {root}",
            "give the folder that GTSRB's archives were unpacked into",
        )
    return [
        _rows(csv, [csv.parent, *(test_folders if csv.name == _TEST_CSV else [])], split)
        for csv, split in csvs
    ]


def _rows(csv: Path, folders: list[Path], split: Split) -> Annotations:
    """The rows of one CSV, its pictures in the first of `folders` that has the first of them."""
    given = Annotations(csv, "corners")
    rows = list(csv_rows(csv, ("Filename", *_ROI_COLUMNS, "ClassId")))
    having = [folder for folder in folders if rows and is_there(folder / rows[0][1]["Filename"])]
    folder = (having or folders)[0]
    for line, row in rows:
        if not row["ClassId"].isdecimal() or len(row["ClassId"]) > 9:
            shown = f"{row['ClassId'][:40]!r}"
            raise InputError(f"{csv}, line {line}: ClassId is {shown}", "mend the line")
        sides = [row.get(side, "") for side in ("Width", "Height")]
        given.rows.append(
            Annotation(
                folder / row["Filename"],
                f"{int(row['ClassId']):05d}",
                [row[column] for column in _ROI_COLUMNS],
                f"line {line}",
                (float(sides[0]), float(sides[1])) if all(map(str.isdecimal, sides)) else None,
                split,
            )
        )
    return given
