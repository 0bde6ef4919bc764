"""Names a pack by what it would hold: the files as the disk knows them, boxes, labels and size."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.fs

from raresign.crops.crop_table import CropTable

PACK_VERSION = 1  # raise it when decoding or squashing changes, so that no old pack is opened
_FILES_A_CALL = 4096


@dataclass(frozen=True)
class PackKey:
    """What identifies a pack.

    Args:
        digest: 32 hex digits.
        root: The folder that all files lie under, "" if there is none.
        names: N paths relative to `root`.
    """

    digest: str
    root: str
    names: list[str]


def pack_key(table: CropTable, size: int) -> PackKey:
    """The key of the pack of `table` at `size`; reads no picture, only sizes and times.

    It covers every file's path relative to the common folder, its size and time of change, boxes,
    labels and the crop size. So a data folder that moves as a whole keeps its pack, and a picture
    that is replaced, a label that changes or a row that is added makes a new one.
    """
    paths, stats = _stat_files(table.paths)
    root = _common_folder(paths)
    names = [path[len(root) :].lstrip(os.sep) for path in paths] if root else paths
    digest = hashlib.blake2b(f"{PACK_VERSION},{size},{len(table)}".encode(), digest_size=16)
    parts = [
        "\0".join(names).encode("utf-8", "surrogateescape"),
        stats.tobytes(),
        table.labels.tobytes(),
        b"" if table.boxes is None else table.boxes.tobytes(),
    ]
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return PackKey(digest.hexdigest(), root, names)


def _stat_files(paths: Sequence[Path]) -> tuple[list[str], npt.NDArray[np.int64]]:
    """The paths as strings and (N, 2) size and time of change in ns, -1 for what is not there."""
    # Arrow asks the disk without the GIL, so that the strings are made meanwhile; at 284,896 files
    # this halves the time of a loop over os.stat.
    strings: list[str] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        asked = []
        for start in range(0, len(paths), _FILES_A_CALL):
            part = list(map(os.fspath, paths[start : start + _FILES_A_CALL]))
            strings.extend(part)
            asked.append(pool.submit(_stat_part, part))
        found = [np.array(answer.result(), np.int64).reshape(-1, 2) for answer in asked]
    return strings, np.concatenate([np.zeros((0, 2), np.int64), *found])


def _stat_part(paths: list[str]) -> list[tuple[int, int]]:
    """Size and time of change of some files."""
    try:
        infos = pyarrow.fs.LocalFileSystem().get_file_info([os.fsencode(p) for p in paths])
    except OSError:  # one file in a folder that may not be entered spoils Arrow's whole answer
        return [_stat_one(path) for path in paths]
    return [(-1, -1) if i.size is None else (i.size, i.mtime_ns) for i in infos]


def _stat_one(path: str) -> tuple[int, int]:
    """Size and time of change of one file."""
    try:
        found = os.stat(path)  # noqa: PTH116 (a string comes in, no Path is needed)
    except OSError:
        return -1, -1
    return found.st_size, found.st_mtime_ns


def _common_folder(paths: list[str]) -> str:
    """The deepest folder above all paths, "" if there is none."""
    folders = {path.rpartition(os.sep)[0] for path in paths}
    try:
        return os.path.commonpath(folders)
    except ValueError:  # absolute beside relative paths, or two drives
        return ""
