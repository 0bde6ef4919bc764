"""Decodes the rows of a table in threads and squashes every crop to one square size."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from raresign.crops.crop_table import CropTable
from raresign.crops.decode import UnreadableFile, cut_box, decode_picture, read_file

_ROWS_A_CHUNK = 64
_REDUCING_GAP = 3.0  # a large crop is first box-reduced to 3x the target: fast, hardly visible


@dataclass(frozen=True, eq=False)
class SquashedChunk:
    """Consecutive rows of a table, decoded: n read, the others refused.

    Args:
        rows: (n,) row numbers that could be read.
        crops: (n, 3, S, S) uint8.
        sizes: n times (width, height) before the squash.
        hashes: n times the BLAKE2b-128 of the file's bytes (and of the box), in hex.
        refused: (row, reason) of the rows that could not.
        count: All rows of the chunk.
    """

    rows: list[int]
    crops: npt.NDArray[np.uint8]
    sizes: list[tuple[int, int]]
    hashes: list[str]
    refused: list[tuple[int, str]]
    count: int


def squash(picture: Image.Image, size: int) -> npt.NDArray[np.uint8]:
    """(3, size, size) uint8: an RGB picture resized to a square, antialiased, whatever its aspect.

    Lanczos if either side shrinks (Pillow widens the filter with the scale, so nothing aliases; it
    keeps thin strokes of a sign sharper than bicubic), bicubic if none does (Lanczos would ring
    around the coarse pixels of a tiny crop).
    """
    if picture.size != (size, size):
        shrinks = max(picture.size) > size
        how = Image.Resampling.LANCZOS if shrinks else Image.Resampling.BICUBIC
        picture = picture.resize((size, size), how, reducing_gap=_REDUCING_GAP)
    crop: npt.NDArray[np.uint8] = np.asarray(picture, np.uint8).transpose(2, 0, 1)
    return crop


def squashed_chunks(table: CropTable, size: int) -> Generator[SquashedChunk, None, None]:
    """Decode and squash all rows to `size` px, in order, a chunk at a time, on all cores.

    Pillow releases the GIL while it decodes and resizes. Only a few chunks are ahead of the
    consumer, so memory stays flat; closing the iterator stops the threads. Rows of the same file
    should stand together: it is then decoded once.
    """
    workers = os.cpu_count() or 1
    waiting: deque[Future[SquashedChunk]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="squash")
    try:
        for start in range(0, len(table), _ROWS_A_CHUNK):
            rows = range(start, min(start + _ROWS_A_CHUNK, len(table)))
            waiting.append(pool.submit(_squash_rows, table, rows, size))
            if len(waiting) > 4 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _squash_rows(table: CropTable, rows: range, size: int) -> SquashedChunk:
    """Decode and squash some rows; consecutive rows of one file share its decoding."""
    crops = np.empty((len(rows), 3, size, size), np.uint8)
    kept: list[int] = []
    sizes: list[tuple[int, int]] = []
    hashes: list[str] = []
    refused: list[tuple[int, str]] = []
    opened: Path | None = None
    for row in rows:
        path = table.paths[row]
        box = None if table.boxes is None else table.boxes[row]
        try:
            if path != opened:
                opened = None
                data = read_file(path)
                picture = decode_picture(data, path)
                file_hash = hashlib.blake2b(data, digest_size=16)
                opened = path
            crop = cut_box(picture, box, path)
        except UnreadableFile as error:
            refused.append((row, error.reason))
            continue
        crops[len(kept)] = squash(crop, size)
        kept.append(row)
        sizes.append(crop.size)
        row_hash = file_hash.copy()
        if box is not None and not np.isnan(box).any():
            row_hash.update(box.tobytes())
        hashes.append(row_hash.hexdigest())
    return SquashedChunk(kept, crops[: len(kept)], sizes, hashes, refused, len(rows))
