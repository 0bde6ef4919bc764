"""The manifest of synthetic crops: one row a crop, every drawn value a column; survives kills."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from torch import Tensor

from raresign.commands.synth.crop_writers import CropFiles, Pixels
from raresign.commands.synth.engine import BLOCK, SynthEngine, as_bytes, preset_digest, render_block
from raresign.errors import InputError
from raresign.files import whole_file
from raresign.synthesis.batch import Synthesiser, SyntheticBatch

MANIFEST = "manifest.parquet"
_GROUP = 8192
"""Rows that are held in memory when parts are joined, and rows of a row group."""


def render_unit(
    engine: SynthEngine, synthesiser: Synthesiser, files: CropFiles, unit: int, count: int
) -> tuple[Pixels, pa.Table]:
    """The first crops of a unit, (n, S, S, 3), and their n rows.

    Columns of `files.places`, then class, label, number, seed, preset (its digest), tries, icon,
    and a column for every value that an effect drew: `effect.field`, a list where the effect draws
    several, null where the effect did not happen.
    """
    first, end = unit * files.unit, unit * files.unit + count
    crops, tables = [], []
    for start in range(first, end, BLOCK):
        batch = render_block(synthesiser, start, len(engine.codes))
        numbers = list(range(start, min(start + BLOCK, end)))
        crops.append(as_bytes(batch.crops)[: len(numbers)])
        tables.append(_rows(engine, batch, numbers, files.places(numbers)))
    return np.concatenate(crops), pa.concat_tables(tables)


def _rows(
    engine: SynthEngine, batch: SyntheticBatch, numbers: list[int], places: dict[str, list[str]]
) -> pa.Table:
    """The rows of the first crops of a recorded batch."""
    count = len(numbers)
    params = dict(batch.params or {})
    icons = params.pop("icon")[:count].tolist()
    labels = batch.labels[:count].tolist()
    columns: dict[str, Any] = {
        **places,
        "class": [engine.codes[label] for label in labels],
        "label": pa.array(labels, pa.int32()),
        "number": pa.array(numbers, pa.int64()),
        "seed": pa.array([engine.seed] * count, pa.int64()),
        "preset": [preset_digest(engine.preset)] * count,
        "tries": pa.array(batch.tries[:count].tolist(), pa.int32()),
        "icon": [engine.icon_files[row] for row in icons],
    }
    for name, values in params.items():
        if "." in name:
            happened = params.get(name.split(".")[0])
            columns[name] = _column(values[:count], None if happened is None else happened[:count])
    return pa.table(columns)


def _column(values: Tensor, happened: Tensor | None) -> pa.Array:
    """(N,) or (N, ...) values as float32 or as lists of them; null where nothing happened."""
    rows = values.float().numpy()
    mask = None if happened is None else ~happened.numpy()
    if rows.ndim == 1:
        return pa.array(rows, pa.float32(), mask=mask)
    width = int(np.prod(rows.shape[1:]))
    offsets = pa.array(np.arange(0, len(rows) * width + 1, width), pa.int32())
    flat = pa.array(rows.reshape(-1), pa.float32())
    return pa.ListArray.from_arrays(offsets, flat, mask=None if mask is None else pa.array(mask))


class Manifest:
    """`manifest.parquet`, and the parts that wait in `.parts/` until a run is done.

    A part holds the rows of one unit and is written after the unit's crops, so a crop that has a
    row is on disk, whenever the process is killed.

    Unit u of the folder `out` holds the numbers from u * unit on.
    """

    def __init__(self, out: Path, unit: int) -> None:
        self.path = out / MANIFEST
        self._parts = out / ".parts"
        self._unit = unit

    def listed(self) -> dict[int, int]:
        """Unit -> how many of its crops have a row, in the manifest or in a part."""
        counts = self.joined()
        for unit, part in self._waiting().items():
            counts[unit] = max(counts.get(unit, 0), _read_part(part).num_rows)
        return counts

    def joined(self) -> dict[int, int]:
        """Unit -> how many of its crops have a row in the manifest itself."""
        if not self.path.exists():
            return {}
        numbers = self._read(["number"])["number"].to_numpy()
        units, rows = np.unique(numbers // self._unit, return_counts=True)
        return dict(zip(units.tolist(), rows.tolist(), strict=True))

    def add(self, unit: int, rows: pa.Table) -> None:
        """Keep the rows of a unit in a part of its own."""
        with (
            whole_file(self._parts / f"{unit:09d}.arrow") as temporary,
            pa.OSFile(str(temporary), "wb") as file,
            pa.ipc.new_file(file, rows.schema) as writer,
        ):
            writer.write_table(rows)

    def join(self) -> None:
        """Take all parts into the manifest, in the order of the numbers."""
        if not self._parts.is_dir():
            return
        if parts := self._waiting():
            last = max([*parts, *self.listed()])
            with whole_file(self.path) as temporary:
                writer: pq.ParquetWriter | None = None
                for first in range(0, (last + 1) * self._unit, _GROUP):
                    rows = self._joined(first, parts)
                    if rows is None:
                        continue
                    writer = writer or pq.ParquetWriter(temporary, rows.schema, compression="zstd")
                    writer.write_table(rows, row_group_size=_GROUP)
                if writer is not None:
                    writer.close()
        shutil.rmtree(self._parts)

    def _joined(self, first: int, parts: dict[int, Path]) -> pa.Table | None:
        """The rows of the numbers from `first` to `first + _GROUP`."""
        units = range(first // self._unit, (first + _GROUP) // self._unit)
        tables = [_read_part(parts[unit]) for unit in units if unit in parts]
        if self.path.exists():
            before = self._between(first, first + _GROUP)
            unit_of = pc.divide(before["number"], self._unit)
            in_parts = pc.is_in(unit_of, pa.array(list(parts), pa.int64()))
            tables.append(before.filter(pc.invert(in_parts)))
        tables = [table for table in tables if table.num_rows]
        if not tables:
            return None
        return pa.concat_tables(tables).combine_chunks().sort_by("number")

    def rows(self, unit: int) -> pa.Table:
        """The rows of a unit in the manifest itself, in order."""
        return self._between(unit * self._unit, (unit + 1) * self._unit).sort_by("number")

    def row(self, place: int) -> dict[str, Any]:
        """One row, counted from 0.

        Raises:
            InputError: There is no manifest, or no such row.
        """
        if not self.path.exists():
            raise InputError(f"{self.path}: there is no such manifest", "give OUT/manifest.parquet")
        rows = self._read()
        if not 0 <= place < rows.num_rows:
            raise InputError(
                f"{self.path} has no row {place}", f"give a number from 0 to {rows.num_rows - 1}"
            )
        found: dict[str, Any] = rows.slice(place, 1).to_pylist()[0]
        return found

    def _between(self, first: int, end: int) -> pa.Table:
        """Rows of the numbers from `first` to before `end`."""
        return self._read(filters=[("number", ">=", first), ("number", "<", end)])

    def _read(self, columns: list[str] | None = None, filters: Any = None) -> pa.Table:
        try:
            return pq.read_table(self.path, columns=columns, filters=filters)
        except (pa.ArrowInvalid, KeyError) as error:
            raise InputError(
                f"{self.path} is damaged", "delete it and repeat `raresign synth`: it is made anew"
            ) from error

    def _waiting(self) -> dict[int, Path]:
        return {int(path.stem): path for path in sorted(self._parts.glob("[0-9]*.arrow"))}


def _read_part(path: Path) -> pa.Table:
    with pa.OSFile(str(path), "rb") as file, pa.ipc.open_file(file) as part:
        return part.read_all()
