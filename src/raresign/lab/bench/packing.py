"""Measures what packing costs and saves: crops/s, bytes, start-up with and without a pack."""

from __future__ import annotations

import io
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from raresign.crops.crop_table import CropTable
from raresign.crops.layouts.folder_layout import from_folders
from raresign.crops.pack import pack_crops
from raresign.crops.squashing import squashed_chunks
from raresign.lab.bench.measure import median_seconds

_CROP_SIZE = 64
_FULL_COUNT = 284_896  # the training set of the published system, real and synthetic crops
_QUICK_COUNT = 2_000
_CLASSES = 205
_TEMPLATES = 64


class _OneLabel:
    """A code book for timing, where labels do not matter."""

    def label_of(self, code: str) -> int:
        """0 for every class."""
        return 0


def make_files(folder: Path, count: int, seed: int) -> None:
    """Write `count` PNGs of 48 x 48 pixels into 205 class folders, `c000` to `c204`.

    The pictures repeat 64 templates of smooth noise (about 5 KB, like RTSD's crops), encoded once.
    """
    random = np.random.default_rng(seed)
    templates = []
    for _ in range(_TEMPLATES):
        coarse = Image.fromarray(random.integers(0, 256, (12, 12, 3), dtype=np.uint8))
        encoded = io.BytesIO()
        coarse.resize((48, 48), Image.Resampling.BICUBIC).save(encoded, "PNG")
        templates.append(encoded.getvalue())
    classes = [f"{folder}{os.sep}c{number:03d}" for number in range(min(_CLASSES, count))]
    for place in classes:
        Path(place).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        target = f"{classes[number % len(classes)]}{os.sep}{number:06d}.png"
        with open(target, "wb") as file:  # noqa: PTH123 (Path.write_bytes takes twice the time)
            file.write(templates[number % _TEMPLATES])


def measure_packing(table: CropTable, size: int, cache: Path) -> dict[str, float]:
    """Time decoding without a pack, the first packing and the opening of the finished pack.

    The files are read once before anything is timed, so that all three find them in the memory of
    the operating system.

    Args:
        table, size, cache: See `pack_crops`; `cache` holds no pack of this table.

    Returns:
        `crops`, `crops_per_second` (packing), `bytes` (of the array), `pack_seconds`,
        `start_without_seconds` (decoding and squashing all crops into memory), `start_with_seconds`
        (opening the pack, whose pages are read from disk when used; median of 3) and `ratio` of
        these two.
    """
    for path in dict.fromkeys(table.paths):
        path.read_bytes()
    start = time.perf_counter()
    held = [chunk.crops for chunk in squashed_chunks(table, size)]
    without = time.perf_counter() - start
    del held
    start = time.perf_counter()
    pack = pack_crops(table, size, cache)
    packing = time.perf_counter() - start
    opens = {"open": lambda: pack_crops(table, size, cache)}
    opening = median_seconds(opens, runs=3, warmup=0)["open"][0]
    return {
        "crops": float(len(pack)),
        "crops_per_second": len(table) / packing,
        "bytes": float(pack.crops.nbytes),
        "pack_seconds": packing,
        "start_without_seconds": without,
        "start_with_seconds": opening,
        "ratio": without / opening,
    }


def bench_packing(quick: bool, data: Path | None) -> dict[str, float]:
    """Measure packing on made files and, if given, on a folder in the reference layout.

    Args:
        quick: 2,000 made files instead of 284,896.
        data: A data folder whose `cropped-train` is measured too.

    Returns:
        The figures of `measure_packing` and `list_seconds` (listing the files) under `pack.made.`
        and `pack.real.`, and `pack.made.make_seconds`.

    Raises:
        InputError: `data` is not in the reference layout, or the disk has no room.
    """
    count = _QUICK_COUNT if quick else _FULL_COUNT
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="raresign-bench-") as name:
        folder = Path(name)
        start = time.perf_counter()
        make_files(folder / "made", count, seed=0)
        figures["pack.made.make_seconds"] = time.perf_counter() - start
        sources = {"made": folder / "made"}
        if data is not None:
            sources["real"] = data / "cropped-train"
        for source, root in sources.items():
            start = time.perf_counter()
            table = from_folders(root, _OneLabel())
            listing = time.perf_counter() - start
            measured = {"list_seconds": listing, **measure_packing(table, _CROP_SIZE, folder)}
            figures |= {f"pack.{source}.{key}": value for key, value in measured.items()}
    return figures
