"""Reads the reference layout: class folders, a flat test folder and its annotations."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from unicodedata import normalize

from raresign.crops.crop_table import CodeBook, CropTable
from raresign.crops.layouts.annotated_crops import LayoutCrops, empty_table
from raresign.crops.layouts.box_columns import box_columns
from raresign.crops.layouts.csv_file import csv_header, csv_rows
from raresign.crops.layouts.folder_layout import from_folders
from raresign.crops.layouts.labelling import first_names, label_crops
from raresign.crops.layouts.listing import existing_folder, pictures_in, pictures_under
from raresign.crops.layouts.text_files import check_utf8
from raresign.errors import InputError

TRAIN_FOLDER = "cropped-train"
TEST_FOLDER = "smalltest"
TEST_ANNOTATIONS = "smalltest_annotations.csv"


def from_reference(
    root: str | Path, catalogue: CodeBook, strict: bool = False
) -> tuple[CropTable, CropTable]:
    """Read `root/cropped-train/<class>/*`, `root/smalltest/*` and `root/smalltest_annotations.csv`.

    As in the reference, a folder whose class is unknown and a test picture without an annotation
    get label -1; a warning names what was unknown or missing.

    Args:
        root: The data folder.
        catalogue: Knows the labels.
        strict: Annotations that are missing, or that name missing files, are errors.

    Returns:
        The training crops and the test crops, both ordered by path.

    Raises:
        InputError: A folder is missing or holds no picture, the CSV lacks its columns or gives one
            file two classes, or (`strict`) the CSV and the folder do not fit together.

    Example:
        >>> import tempfile
        >>> from types import SimpleNamespace
        >>> catalogue = SimpleNamespace(label_of=["1.1"].index)
        >>> root = Path(tempfile.mkdtemp())
        >>> for name in ("cropped-train/1.1/a.png", "smalltest/b.png"):
        ...     (root / name).parent.mkdir(parents=True)
        ...     (root / name).touch()
        >>> _ = (root / "smalltest_annotations.csv").write_text("filename,class\\nb.png,1.1\\n")
        >>> train, test = from_reference(root, catalogue)
        >>> train.labels.tolist(), test.labels.tolist()
        ([0], [0])
    """
    root = existing_folder(root, f"give the folder that holds {TRAIN_FOLDER} and {TEST_FOLDER}")
    hint = f"the reference layout is {TRAIN_FOLDER}/<class>/*.png, {TEST_FOLDER}/*.png and "
    hint += TEST_ANNOTATIONS
    train_folder = existing_folder(root / TRAIN_FOLDER, hint)
    test = from_reference_test(root, catalogue, strict)
    return from_folders(train_folder, catalogue), test


def read_reference(root: Path, catalogue: CodeBook, strict: bool = False) -> LayoutCrops:
    """The training crops and, where there is a `smalltest`, the test crops.

    A `cropped-train` without any file holds no crops: no error for who trains on icons alone.

    Raises:
        InputError: As `from_reference`, but that `smalltest` may be missing.
    """
    test = read_reference_test(root, catalogue, strict)
    folder = root / TRAIN_FOLDER
    names = (name for _, _, files in os.walk(folder) for name in files)
    if folder.is_dir() and all(name.startswith(".") for name in names):
        return LayoutCrops(empty_table(), test)
    hint = f"put crops into {TRAIN_FOLDER}/<class>/, or say where they are with --crops"
    return LayoutCrops(from_folders(existing_folder(folder, hint), catalogue), test)


def read_reference_test(root: Path, catalogue: CodeBook, strict: bool = False) -> CropTable | None:
    """The test crops of a data folder, None if it has no `smalltest`."""
    there = (root / TEST_FOLDER).is_dir()
    return from_reference_test(root, catalogue, strict) if there else None


def from_reference_test(root: str | Path, catalogue: CodeBook, strict: bool = False) -> CropTable:
    """The test crops alone: `root/cropped-train` need not be there. See `from_reference`."""
    root = Path(root)
    hint = f"put crops into {TEST_FOLDER}/ and their classes into {TEST_ANNOTATIONS}"
    test_folder = existing_folder(root / TEST_FOLDER, hint)
    paths = pictures_in(test_folder)
    deeper = len(pictures_under(test_folder)) - len(paths)
    if not paths:
        also = f", {deeper} in its sub-folders; they must lie in it" if deeper else ""
        raise InputError(f"{test_folder} holds no picture{also}", hint)
    if deeper:
        warnings.warn(f"{test_folder}: {deeper} pictures in sub-folders are not read", stacklevel=2)
    annotations = _annotations(root / TEST_ANNOTATIONS, strict)
    present = {_key(path.name) for path in paths}
    _tell_differences(root / TEST_ANNOTATIONS, annotations, present, strict)
    names = [annotations.get(_key(path.name), "") for path in paths]
    return label_crops(paths, names, None, catalogue, root / TEST_ANNOTATIONS, "measured")


def _annotations(path: Path, strict: bool) -> dict[str, str]:
    """Class by file name; a missing file means no annotations unless `strict`."""
    if not path.exists() and not strict:
        warnings.warn(f"there is no {path}; all test crops get label -1", stacklevel=3)
        return {}
    found: dict[str, str] = {}
    if box := box_columns(csv_header(path), path):
        raise InputError(
            f"{path} has the columns of a box ({', '.join(box.columns)}), but {TEST_FOLDER} holds "
            "crops of one sign each",
            "if they are whole frames: --layout csv --crops FILE; if they are crops, remove the "
            "columns",
        )
    for line, row in csv_rows(path, ("filename", "class")):
        check_utf8(row["class"], f"{path}, line {line}: the class")
        earlier = found.setdefault(_key(row["filename"]), row["class"])
        if earlier != row["class"]:
            raise InputError(
                f"{path}, line {line}: {row['filename']} is {row['class']} here, {earlier} above",
                "keep one of the lines",
            )
    return found


def _key(name: str) -> str:
    """What file names are compared by: without the folder that some write before them."""
    return normalize("NFC", name.replace("\\", "/").rpartition("/")[2])


def _tell_differences(
    path: Path, annotations: dict[str, str], present: set[str], strict: bool
) -> None:
    """Warn of (strict: refuse) annotated files that are missing and pictures not annotated."""
    missing = [name for name in annotations if name not in present]
    bare = sorted(present - annotations.keys()) if annotations else []
    problems = []
    if missing:
        problems.append(f"{path} names {len(missing)} missing files: {first_names(missing)}")
    if bare:
        problems.append(f"{path} does not name {len(bare)} pictures: {first_names(bare)}")
    if problems and strict:
        raise InputError("; ".join(problems), "mend the CSV or the folder")
    for problem in problems:
        warnings.warn(problem, stacklevel=3)
