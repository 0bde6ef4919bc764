"""Embeddings of many crops in one file: whole rows, read by memory map, compared block by block."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.void]
"""(N,) records: see `row_type`."""
Floats = NDArray[np.float32]

_BLOCK = 512  # rows that are widened to float32 at a time: they stay in the cache of a core
_SPAN = 1 << 15  # rows that a thread takes at a time
_SHORTEST = 1e-12
_HIGHEST = 32767


def row_type(width: int) -> np.dtype[np.void]:
    """A row of the file: `width` numbers of 16 bits, the scale of all, and the embedding's length.

    They take the room of float16 and are finer (an error of 1/65,534 of the row's largest number),
    and NumPy widens whole numbers four times faster than float16, which is what ranking a million
    rows again takes.
    """
    return np.dtype([("values", "<i2", (width,)), ("scale", "<f4"), ("length", "<f4")])


def packed(embeddings: Floats) -> Rows:
    """(N,) rows of (N, E) float32 embeddings.

    Example:
        >>> rows = packed(np.array([[3.0, -4.0]], np.float32))
        >>> float(rows["length"][0]), unpacked(rows).round(3).tolist()
        (5.0, [[3.0, -4.0]])
    """
    rows = np.empty(len(embeddings), row_type(embeddings.shape[1]))
    scale = np.abs(embeddings).max(axis=1, initial=0.0) / _HIGHEST
    rows["scale"] = scale
    rows["values"] = np.rint(embeddings / np.maximum(scale, _SHORTEST)[:, None])
    rows["length"] = np.linalg.norm(embeddings, axis=1)
    return rows


def unpacked(rows: Rows) -> Floats:
    """(N, E) float32 embeddings of rows."""
    wide: Floats = rows["values"] * rows["scale"][:, None]
    return wide


def units(rows: Rows) -> Floats:
    """(N, E) float32 embeddings of rows, of length 1; a row of zeros stays one."""
    unit: Floats = unpacked(rows) / np.maximum(rows["length"], _SHORTEST)[:, None]
    return unit


class VectorFile:
    """The file of the rows; how many of them count is its owner's to know.

    Rows are only ever added, so whatever was half written when a process was killed lies behind
    the last row that counts, and is written over.

    Args:
        path: The file; made empty if missing.
        width: E, numbers of an embedding.
    """

    def __init__(self, path: Path, width: int) -> None:
        self.path = path
        self.type = row_type(width)
        path.touch()

    def __len__(self) -> int:
        """How many whole rows the file holds, those that do not count included."""
        return self.path.stat().st_size // self.type.itemsize

    def write(self, first: int, rows: Rows) -> None:
        """Put rows at the place `first`, safe on the disk when this returns."""
        with self.path.open("r+b") as file:
            file.seek(first * self.type.itemsize)
            file.write(rows.tobytes())
            file.flush()
            os.fsync(file.fileno())

    def read(self, count: int) -> Rows:
        """The first `count` rows, memory-mapped, not to be written to."""
        if not count:
            return np.empty(0, self.type)
        return np.memmap(self.path, self.type, "r", shape=(count,))


def cosines(rows: Rows, queries: Floats) -> Floats:
    """(k, N) float32 cosines of all rows with (k, E) queries of any length.

    Each number is that of one plain loop over the rows, to float32's rounding: nothing is left out
    to be fast.
    """
    lengths = np.linalg.norm(queries, axis=1, keepdims=True)
    unit = np.ascontiguousarray((queries / np.maximum(lengths, _SHORTEST)).T, np.float32)
    found = np.empty((len(queries), len(rows)), np.float32)

    def fill(part: slice, values: Floats) -> None:
        found[:, part] = (values @ unit).T

    for_each_block(rows, fill)
    found *= rows["scale"] / np.maximum(rows["length"], _SHORTEST)
    return found


def for_each_block(rows: Rows, work: Callable[[slice, Floats], None]) -> None:
    """Call `work` with each block of rows, its place and its numbers widened, on all cores.

    The numbers, (n, E) float32, are those of the file: times the row's scale they are the
    embedding. They may be changed, and are gone after the call.
    """
    width = rows.dtype["values"].shape[0]

    def run(span: tuple[int, int]) -> None:
        wide = np.empty((_BLOCK, width), np.float32)
        for first in range(span[0], span[1], _BLOCK):
            part = slice(first, min(first + _BLOCK, span[1]))
            block = wide[: part.stop - part.start]
            np.copyto(block, rows["values"][part])
            work(part, block)

    spans = list(_spans(len(rows)))
    if len(spans) < 2:
        for span in spans:
            run(span)
        return
    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="rank") as pool:
        for done in [pool.submit(run, span) for span in spans]:
            done.result()


def _spans(count: int) -> Iterator[tuple[int, int]]:
    return ((first, min(first + _SPAN, count)) for first in range(0, count, _SPAN))
