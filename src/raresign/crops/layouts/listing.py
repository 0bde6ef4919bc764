"""Finds the picture files of a folder, in an order that does not depend on the disk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from raresign.errors import InputError

_COMMON = ("png", "jpg", "jpeg", "jpe", "jfif", "ppm", "pgm", "pbm", "pnm", "webp", "bmp")
_RARER = ("tif", "tiff", "gif", "avif", "dib")
_UNREAD = ("heic", "heif", "jxl", "jp2")
PICTURE_SUFFIXES = frozenset((*_COMMON, *_RARER, *_UNREAD))
"""Files that are taken for pictures; one that cannot be read is told and counted."""


CORRECTIONS = "corrections.csv"
"""What people corrected in a data folder; it is no annotation of any layout."""


def existing_folder(folder: str | Path, hint: str) -> Path:
    """`folder` as a path; InputError with `hint` unless it is a folder."""
    folder = Path(folder)
    if folder.is_dir():
        return folder
    if folder.exists():
        raise InputError(f"{folder} is a file, not a folder", hint)
    nearest = folder.parent
    if not nearest.is_dir():
        raise InputError(f"there is no folder {folder}", hint)
    listed = ", ".join(sorted(path.name for path in nearest.iterdir())[:8]) or "nothing"
    raise InputError(f"there is no folder {folder} ({nearest} holds: {listed})", hint)


def pictures_in(folder: Path) -> list[Path]:
    """The pictures directly in `folder`, by name; hidden files (`._a.png`) are left out."""
    # iterdir makes its paths without parsing them and the names alone are compared: both are
    # several times faster than Path(...) and sorted(paths), which shows at 284,896 files.
    named = [(path.name, path) for path in folder.iterdir()]
    return [
        path
        for name, path in sorted(named)
        if name.rpartition(".")[2].lower() in PICTURE_SUFFIXES and not name.startswith(".")
    ]


def pictures_under(folder: Path) -> list[Path]:
    """The pictures in `folder` and its sub-folders, by path; hidden folders are left out."""
    return list(each_picture_under(folder))


def each_picture_under(folder: Path) -> Iterator[Path]:
    """The same, one sub-folder after the other."""
    for place, folders, _ in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from pictures_in(Path(place))


def path_ranks(paths: Iterable[Path]) -> dict[Path, int]:
    """The place of each path among all of them, in their order.

    Example:
        >>> path_ranks(map(Path, ["b", "a.b/c", "a/c", "b"]))
        {PosixPath('a/c'): 0, PosixPath('a.b/c'): 1, PosixPath('b'): 2}
    """
    # Paths compare slowly, texts fast: sorted by their parts, few paths are left to be compared.
    nearly = sorted(dict.fromkeys(paths), key=lambda path: path.parts)
    return {path: rank for rank, path in enumerate(sorted(nearly))}


def class_folders(root: Path) -> list[Path]:
    """The sub-folders of `root` by name, hidden ones left out; InputError if there are none."""
    named = [(path.name, path) for path in root.iterdir() if path.is_dir()]
    folders = [path for name, path in sorted(named) if not name.startswith(".")]
    if not folders:
        raise InputError(f"{root} holds no class folders", "make one folder a class code in it")
    return folders


def files_under(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """The files with one of `suffixes` (".csv") in `folder` and below, by path, none hidden.

    `corrections.csv` is left out, too.
    """
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        found.extend(
            Path(place) / name
            for name in sorted(names)
            if name.lower().endswith(suffixes)
            and not name.startswith(".")
            and name.lower() != CORRECTIONS
        )
    return found
