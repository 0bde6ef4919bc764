"""Decodes the rows of a table in threads and squashes every crop to one square size."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from raresign.crops.crop_table import CropTable
from raresign.crops.decode import UnreadableFile, cut_box, decode_picture, read_file
from raresign.framing.finder import Finder, Framing, enough, framing_boxes
from raresign.framing.framed_picture import framed

_ROWS_A_CHUNK = 64
CONTEXT = 0.15
"""A box is cut this share of its side wider on each side, so that the finder sees the rim."""


@dataclass(frozen=True, eq=False)
class SquashedChunk:
    """Consecutive rows of a table, decoded: n read, the others refused.

    Args:
        rows: (n,) row numbers that could be read.
        crops: (n, 3, S, S) uint8.
        sizes: n times (width, height) before the squash.
        boxes: (n, 4) float32, the part of each that was squashed, see `find_sign`.
        hashes: n times the BLAKE2b-128 of the file's bytes (and of the box), in hex.
        refused: (row, reason) of the rows that could not.
        count: All rows of the chunk.
    """

    rows: list[int]
    crops: npt.NDArray[np.uint8]
    sizes: list[tuple[int, int]]
    boxes: npt.NDArray[np.float32]
    hashes: list[str]
    refused: list[tuple[int, str]]
    count: int


def squashed_chunks(
    table: CropTable, size: int, framing: Framing = "whole", finder: Finder | None = None
) -> Generator[SquashedChunk, None, None]:
    """Decode, frame and squash all rows to `size` px, in order, in chunks, on all cores.

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
            waiting.append(pool.submit(_squash_rows, table, rows, size, framing, finder))
            if len(waiting) > 4 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _squash_rows(
    table: CropTable, rows: range, size: int, framing: Framing, finder: Finder | None
) -> SquashedChunk:
    """Decode and squash some rows; consecutive rows of one file share its decoding."""
    crops = np.empty((len(rows), 3, size, size), np.uint8)
    boxes = np.empty((len(rows), 4), np.float32)
    kept: list[int] = []
    sizes: list[tuple[int, int]] = []
    hashes: list[str] = []
    refused: list[tuple[int, str]] = []
    group: list[Image.Image] = []  # the last ones of those kept, to be read together
    opened: Path | None = None

    def read_group() -> None:
        first = len(kept) - len(group)
        boxes[first : len(kept)] = framing_boxes(group, framing, finder)
        for number, crop in enumerate(group, first):
            crops[number] = framed(crop, size, boxes[number])
        group.clear()

    with ExitStack() as held:
        for row in rows:
            path = table.paths[row]
            box = None if table.boxes is None else table.boxes[row]
            try:
                if path != opened:
                    opened = None
                    held.close()  # the picture before is done with
                    data = read_file(path)
                    picture = decode_picture(data, path, held)
                    file_hash = hashlib.blake2b(data, digest_size=16)
                    opened = path
                crop = cut_box(picture, box, path, 0.0 if framing == "whole" else CONTEXT)
            except UnreadableFile as error:
                refused.append((row, error.reason))
                continue
            kept.append(row)
            group.append(crop)
            sizes.append(crop.size)
            row_hash = file_hash.copy()
            if box is not None and not np.isnan(box).any():
                row_hash.update(box.tobytes())
            hashes.append(row_hash.hexdigest())
            if enough(group):
                read_group()
        read_group()
    n = len(kept)
    return SquashedChunk(kept, crops[:n], sizes, boxes[:n], hashes, refused, len(rows))
