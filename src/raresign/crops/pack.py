"""Packs decoded crops once into a memory-mapped array beside a table; later runs just open it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from raresign.crops.crop_table import CropTable
from raresign.crops.decode import UnreadableFile, decode_crop
from raresign.crops.layouts.labelling import first_names
from raresign.crops.pack_cache import PACKS, UNFINISHED, check_room, new_folder, sweep
from raresign.crops.pack_name import PackKey, pack_key
from raresign.crops.pack_seal import seal, unsealed
from raresign.crops.squashing import squashed_chunks
from raresign.errors import InputError
from raresign.files import name_folder
from raresign.framing.finder import Framing

_CROPS, _TABLE = "crops.npy", "table.parquet"
_FILES = (_CROPS, _TABLE)


@dataclass(frozen=True, eq=False)
class CropPack:
    """Packed crops: row i of `crops`, `labels` and `table` belong together.

    Args:
        crops: (N, 3, S, S) uint8, memory-mapped copy-on-write (writing to it leaves the file).
        table: Columns path, label, width, height (of the crop before it was squashed), box (x, y,
            half width, half height of what was squashed, see `find_sign`) and hash (BLAKE2b-128 of
            the file's bytes and, for a part of a picture, of the box).
        labels: (N,) int64, -1 = unknown.
        skipped: (path, reason) of the rows that could not be read; they are not in the pack.
    """

    crops: npt.NDArray[np.uint8]
    table: pa.Table
    labels: npt.NDArray[np.int64]
    skipped: tuple[tuple[str, str], ...]

    def __len__(self) -> int:
        return len(self.labels)


def pack_crops(
    table: CropTable,
    size: int,
    cache: Path,
    strict: bool = False,
    progress: Callable[[int, int], None] | None = None,
    framing: Framing = "whole",
) -> CropPack:
    """Open the pack of `table` at `size`, after making it if the cache does not have it.

    A pack is known by what it holds (see `pack_key`), so opening asks the disk for sizes and times
    of the files and reads no picture but those that could not be read before: they are tried again,
    and the pack is made anew if one can be read now. A pack that was changed since is made anew,
    too. It is made whole or not at all, in a temporary folder that is then renamed; of two
    processes that make it at once the first wins and both are right.

    Args:
        table: The crops.
        size: Side of the packed crops in pixels, 1 to 1024. See `framed` for the filter.
        cache: Folder of all packs; made if missing.
        strict: An unreadable file is an error instead of a skipped row.
        progress: Called with (rows done, rows in all) while packing; not called when opening.
        framing: Whether crops are cut to the sign that the finder finds in them.

    Returns:
        The pack, its rows in the order of the table without those skipped.

    Raises:
        InputError: The table is empty, nothing in it can be read, (`strict`) a file cannot be read,
            or the cache cannot be written, for instance because the disk is full.

    Example:
        >>> from PIL import Image
        >>> folder = Path(tempfile.mkdtemp())
        >>> Image.new("RGB", (9, 9), (255, 0, 0)).save(folder / "a.png")
        >>> table = CropTable((folder / "a.png",), np.array([4]), None, ("1.1",))
        >>> pack = pack_crops(table, 16, folder / "cache")
        >>> pack.crops.shape, pack.crops[0, :, 0, 0].tolist(), pack.labels.tolist()
        ((1, 3, 16, 16), [255, 0, 0], [4])
    """
    if not len(table):
        raise InputError("there are no crops to pack", "check the data folder")
    if not 1 <= size <= 1024:
        raise InputError(f"crop size {size} is not between 1 and 1024 pixels", "use 64")
    key = pack_key(table, size, framing)
    folder = Path(cache) / PACKS / key.digest
    pack = _open(folder, key, table, size)
    if pack is None:
        try:
            _make(table, size, framing, key, folder, strict, progress)
        except OSError as error:
            raise InputError(
                f"cannot write a pack of {len(table)} crops to {cache}: {error.strerror or error}",
                "free space there or set RARESIGN_CACHE to another folder",
            ) from error
        pack = _open(folder, key)
        if pack is None:
            raise InputError(f"the pack {folder} vanished while it was opened", "run again")
    if strict and pack.skipped:
        raise _strict_error(*pack.skipped[0])
    return pack


def _open(
    folder: Path, key: PackKey, table: CropTable | None = None, size: int = 0
) -> CropPack | None:
    """Open a pack; None if it is missing, damaged, or lacks a crop of `table` that can be read."""
    try:
        facts = unsealed(folder, key.digest, _FILES)
        crops = np.load(folder / _CROPS, mmap_mode="c", allow_pickle=False)
        rows = pq.read_table(folder / _TABLE)
        skipped = [(int(row), str(reason)) for row, reason in facts["skipped"]]
        names = [_shown(key.names[row]) for row, _ in skipped]
    except (OSError, ValueError, LookupError, TypeError, EOFError):
        return None  # Arrow's and JSON's errors are ValueErrors
    if table is not None and any(_readable(table, row) for row, _ in skipped):
        return None
    if len(crops) != len(rows) or (size and crops.shape[1:] != (3, size, size)):
        return None
    prefix = ""
    if key.root:  # stored paths are relative, so that a moved data folder keeps its pack
        prefix = _shown(key.root).rstrip(os.sep) + os.sep
        paths = pc.binary_join_element_wise(prefix, rows["path"], "")
        rows = rows.set_column(0, "path", paths)
    labels = np.array(rows["label"])  # a copy: Arrow's own memory is read-only
    told = [(prefix + name, why) for name, (_, why) in zip(names, skipped, strict=True)]
    return CropPack(crops, rows, labels, tuple(told))


def _readable(table: CropTable, row: int) -> bool:
    """Whether a crop can be read now."""
    try:
        decode_crop(table.paths[row], None if table.boxes is None else table.boxes[row])
    except UnreadableFile:
        return False
    return True


def _make(
    table: CropTable,
    size: int,
    framing: Framing,
    key: PackKey,
    folder: Path,
    strict: bool,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Write the pack into a temporary folder and rename it to `folder`."""
    cache = folder.parents[1]
    unfinished = cache / PACKS / UNFINISHED
    unfinished.mkdir(parents=True, exist_ok=True)
    sweep(unfinished)
    check_room(cache, len(table) * 3 * size * size)
    with new_folder(unfinished, key.digest) as temporary:
        _write(table, size, framing, key, temporary, strict, progress)
        temporary.chmod(0o755)
        if folder.is_dir() and _open(folder, key, table, size) is None:
            # Damaged, or without crops that can be read now: out of the way.
            away = Path(tempfile.mkdtemp(prefix=f"{key.digest}-", dir=unfinished)) / "old"
            with suppress(FileNotFoundError):  # another process did so
                folder.rename(away)
        name_folder(temporary, folder)
    sweep(unfinished)


def _write(
    table: CropTable,
    size: int,
    framing: Framing,
    key: PackKey,
    folder: Path,
    strict: bool,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Decode all rows and write the three files of a pack."""
    rows: list[int] = []
    sizes: list[tuple[int, int]] = []
    boxes: list[np.ndarray] = []
    hashes: list[str] = []
    refused: list[tuple[int, str]] = []
    done = 0
    # Plain writes, no memory map: on a full disk a write raises, a mapped page kills the process.
    squashed = squashed_chunks(table, size, framing)
    with (folder / _CROPS).open("wb") as file, closing(squashed) as chunks:
        _write_header(file, len(table), size)
        for chunk in chunks:
            if strict and chunk.refused:
                row, reason = chunk.refused[0]
                raise _strict_error(str(table.paths[row]), reason)
            file.write(np.ascontiguousarray(chunk.crops).data)
            rows += chunk.rows
            sizes += chunk.sizes
            boxes += [*chunk.boxes]
            hashes += chunk.hashes
            refused += chunk.refused
            done += chunk.count
            if progress is not None:
                progress(done, len(table))
        if not rows:
            shown = first_names([f"{table.paths[row]} ({reason})" for row, reason in refused])
            raise InputError(
                f"none of the {len(table)} pictures can be read: {shown}", "check the data folder"
            )
        file.seek(0)
        _write_header(file, len(rows), size)
        file.flush()
        os.fsync(file.fileno())
    columns: dict[str, Any] = {
        "path": pa.array([_shown(key.names[row]) for row in rows], pa.string()),
        "label": pa.array(table.labels[rows], pa.int64()),
        "width": pa.array([width for width, _ in sizes], pa.int32()),
        "height": pa.array([height for _, height in sizes], pa.int32()),
        "box": pa.array(boxes, pa.list_(pa.float32(), 4)),
        "hash": pa.array(hashes, pa.string()),
    }
    pq.write_table(pa.table(columns), folder / _TABLE)
    seal(folder, key.digest, _FILES, skipped=refused)


def _write_header(file: BinaryIO, count: int, size: int) -> None:
    """The .npy header; NumPy pads it so that its length does not depend on `count`."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, 3, size, size)}
    np.lib.format.write_array_header_1_0(file, header)


def _strict_error(path: str, reason: str) -> InputError:
    """What `strict` says of an unreadable file."""
    return InputError(f"cannot read {path}: {reason}", "mend or remove it, or do not be strict")


def _shown(path: str) -> str:
    """`path` as valid UTF-8: Arrow and JSON refuse a file name in another encoding."""
    return path.encode("utf-8", "replace").decode("utf-8")
