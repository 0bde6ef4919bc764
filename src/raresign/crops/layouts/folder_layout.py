"""Reads class folders: `root/<class>/*.png`, with sub-folders and declared parts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from raresign.crops.crop_table import CodeBook, CropTable
from raresign.crops.layouts.annotated_crops import LayoutCrops, split_rows
from raresign.crops.layouts.class_matching import label_and_code, no_spellings
from raresign.crops.layouts.labelling import label_crops
from raresign.crops.layouts.left_out import LeftOut
from raresign.crops.layouts.listing import (
    PICTURE_SUFFIXES,
    class_folders,
    existing_folder,
    pictures_in,
)
from raresign.crops.layouts.split_names import Split, is_split_name, split_of
from raresign.errors import InputError

_LITTER = frozenset({"thumbs.db", "desktop.ini", "__macosx", "@eadir"})
_NOTE_ENDS = (".csv", ".xml", ".json")
_NOTES = "annotation files, which this layout does not read (--layout auto may)"
_TWO_CLASSES = "in a folder inside that of another class"


def from_folders(root: str | Path, catalogue: CodeBook) -> CropTable:
    """Read `root/<class>/*.png` (or any other picture format), ordered by path.

    Pictures in sub-folders are of the class of the folder above them (`stop/day/1.png`); a group
    of classes may stand above class folders (`warning/1.1/1.png`). Where the folders declare parts
    (`train`, `valid`, `test`), those of the training are returned. Files that are no pictures are
    counted in a warning.

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
    return read_folders(Path(root), catalogue).training


def read_folders(root: Path, catalogue: CodeBook) -> LayoutCrops:
    """As `from_folders`, with the test part where one is declared."""
    root = existing_folder(root, "give the folder that holds one folder a class")
    left = LeftOut()
    rows: list[tuple[Path, str]] = []
    splits: list[Split] = []
    for path in pictures_in(root):
        left.add("beside the class folders, not in one", path)
    for folder in class_folders(root):
        if folder.name.lower() in _LITTER:
            continue
        declares = is_split_name(folder.name) and not _known(folder.name, catalogue)
        inner = _folders_in(folder, LeftOut()) if declares else []
        if inner:
            _folders_in(folder, left)  # counts what is no folder
            for path in pictures_in(folder):
                left.add("beside the class folders, not in one", path)
        for own in inner or [folder]:
            for path, name, split in _class_rows(own, catalogue, left):
                rows.append((path, name))
                splits.append(split_of(folder.name) if inner else split)
    if not rows:
        why = f" ({left.summary()})" if left.counts() else ""
        raise InputError(
            f"the class folders of {root} hold no picture{why}",
            f"put pictures into them: {', '.join(sorted(PICTURE_SUFFIXES))}",
        )
    training, test = split_rows(rows, splits, [path for path, _ in rows], left)
    left.tell(root)
    return LayoutCrops(
        _table(training, catalogue, root, left),
        None if test is None else _table(test, catalogue, root, left),
    )


def _table(
    rows: Sequence[tuple[Path, str]], catalogue: CodeBook, root: Path, left: LeftOut
) -> CropTable:
    paths, names = [path for path, _ in rows], [name for _, name in rows]
    table = label_crops(paths, names, None, catalogue, root)
    return CropTable(table.paths, table.labels, None, table.class_names, left.counts())


def _known(name: str, catalogue: CodeBook) -> bool:
    return label_and_code(name, catalogue, no_spellings)[0] >= 0


def _class_rows(folder: Path, catalogue: CodeBook, left: LeftOut) -> list[tuple[Path, str, Split]]:
    """Picture, class name and declared part of all that lies in a class folder and below."""
    rows: list[tuple[Path, str, Split]] = []
    waiting: list[tuple[Path, str, Split]] = [(folder, folder.name, "")]
    while waiting:
        place, name, split = waiting.pop()
        rows += [(path, name, split) for path in pictures_in(place)]
        inner = _folders_in(place, left)
        for sub in reversed(inner):
            if not _known(sub.name, catalogue) or sub.name == name:
                own = split_of(sub.name) if is_split_name(sub.name) else ""
                waiting.append((sub, name, own or split))
            elif _known(name, catalogue):
                for path in pictures_in(sub):
                    left.add(_TWO_CLASSES, path)
            else:
                waiting.append((sub, sub.name, split))
    return rows


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder; a link that leads to itself is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _folders_in(folder: Path, left: LeftOut) -> list[Path]:
    """The sub-folders of a folder by name; its files that are no pictures are counted."""
    found: list[Path] = []
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            name = entry.name.lower()
            if name.startswith(".") or name in _LITTER:
                continue
            if name.rpartition(".")[2] in PICTURE_SUFFIXES:
                continue
            if not _is_folder(entry):
                left.add(
                    _NOTES if name.endswith(_NOTE_ENDS) else "they are no pictures", entry.path
                )
            elif entry.is_symlink():
                left.add("a folder that is a link", entry.path)
            else:
                found.append(folder / entry.name)
    return found
