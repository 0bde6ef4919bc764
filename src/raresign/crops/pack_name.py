"""Names a pack by what it would hold: the files as the disk knows them, boxes, labels and size."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

import numpy as np

from raresign.crops.crop_table import CropTable
from raresign.framing.finder import Framing, finder_digest

PACK_VERSION = 4  # raise it when decoding or squashing changes, so that no old pack is opened


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


def pack_key(table: CropTable, size: int, framing: Framing = "whole") -> PackKey:
    """The key of the pack of `table` at `size`; reads no picture, only sizes and times.

    It covers every file's path relative to the common folder, its size and time of change, boxes,
    labels, the crop size and how crops are framed. So a data folder that moves as a whole keeps its
    pack, and a picture that is replaced, a label that changes or a row that is added makes a new
    one.
    """
    paths = list(map(os.fspath, table.paths))
    stats = np.array([size_and_time(path) for path in paths], np.int64)
    root = _common_folder(paths)
    names = [path[len(root) :].lstrip(os.sep) for path in paths] if root else paths
    framed_by = finder_digest() if framing == "found" else ""
    head = f"{PACK_VERSION},{size},{len(table)},{framed_by}"
    digest = hashlib.blake2b(head.encode(), digest_size=16)
    parts = (
        "\0".join(names).encode("utf-8", "surrogateescape"),
        stats.tobytes(),
        table.labels.tobytes(),
        b"" if table.boxes is None else table.boxes.tobytes(),
    )
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return PackKey(digest.hexdigest(), root, names)


def size_and_time(path: str) -> tuple[int, int]:
    """Size and time of change in ns, -1 for what is not there."""
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
