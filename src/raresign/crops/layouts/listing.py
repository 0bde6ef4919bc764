"""Finds the picture files of a folder, in an order that does not depend on the disk."""

from __future__ import annotations

import os
from pathlib import Path

from raresign.errors import InputError

PICTURE_SUFFIXES = frozenset(
    {"png", "jpg", "jpeg", "jpe", "ppm", "pgm", "pbm", "pnm", "webp", "bmp"}
)


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
    found: list[Path] = []
    for place, folders, _ in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found.extend(pictures_in(Path(place)))
    return found


def class_folders(root: Path) -> list[Path]:
    """The sub-folders of `root` by name, hidden ones left out; InputError if there are none."""
    named = [(path.name, path) for path in root.iterdir() if path.is_dir()]
    folders = [path for name, path in sorted(named) if not name.startswith(".")]
    if not folders:
        raise InputError(f"{root} holds no class folders", "make one folder a class code in it")
    return folders
