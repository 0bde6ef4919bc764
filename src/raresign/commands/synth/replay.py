"""Crops once more from their manifest: one row as a picture, or all rows compared bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from raresign.commands.progress import Say, silent
from raresign.commands.synth.crop_writers import crop_files, encode
from raresign.commands.synth.engine import BLOCK, as_bytes, one_thread, render_block
from raresign.commands.synth.manifest import Manifest, render_unit
from raresign.commands.synth.settings_file import engine_of, read_settings
from raresign.errors import InputError
from raresign.files import whole_file
from raresign.storage.local_copy import local_copy


@dataclass(frozen=True)
class Verification:
    """How many crops the manifest of a folder has, and how many are, bit for bit, what their rows
    render to; path (and key) of the others, and what is wrong."""

    crops: int
    same: int
    different: tuple[tuple[str, str], ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        wrong = [{"crop": crop, "problem": problem} for crop, problem in self.different]
        return {"crops": self.crops, "same": self.same, "different": wrong}


def verify_crops(
    folder: str | Path,
    data: str | Path | None = None,
    say: Say = silent,
    progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """Render every row of a manifest anew and compare it with the crop on disk.

    Args:
        folder: What `synthesise` made.
        data: The data folder, if it is elsewhere now.
        say: Is told if this version of engine and torch makes other crops.
        progress: Is called with (rows compared, rows in all).

    Raises:
        InputError: The folder has no manifest, or icons or backgrounds are not what they were.
    """
    folder = local_copy(folder)
    settings = read_settings(folder)
    files = crop_files(folder, tuple(settings["codes"]), settings["format"])
    manifest = Manifest(folder, files.unit)
    if not manifest.path.exists():
        raise InputError(f"{folder} has no manifest yet", "repeat `raresign synth` to finish it")
    engine = engine_of(folder, data, say)
    synthesiser = engine.synthesiser()
    counts = manifest.joined()
    total, seen = sum(counts.values()), 0
    different: list[tuple[str, str]] = []
    with one_thread():
        for unit, count in counts.items():
            rows = manifest.rows(unit)
            crops, again = render_unit(engine, synthesiser, files, unit, count)
            equal = _equal_rows(rows, again)
            on_disk = files.read(unit, count)
            for crop, found, same, name in zip(crops, on_disk, equal, _names(rows), strict=True):
                if isinstance(found, str):
                    different.append((name, found))
                elif not np.array_equal(crop, found):
                    different.append((name, "other pixels"))
                elif not same:
                    different.append((name, "other values in the manifest"))
            seen += count
            if progress:
                progress(seen, total)
    return Verification(total, total - len(different), tuple(different))


def render_again(
    manifest: str | Path, row: int, out: str | Path, data: str | Path | None = None
) -> dict[str, Any]:
    """Render one row of a manifest anew, bit for bit, and write it as PNG or lossless WebP.

    Args:
        manifest: `manifest.parquet` of a folder that `synthesise` made.
        row: Which row, counted from 0; it is returned.
        data: The data folder, if it is elsewhere now.

    Raises:
        InputError: No such row, or icons, backgrounds or the engine are not what they were.
    """
    manifest, out = local_copy(manifest), Path(out)
    suffix = out.suffix.lower().lstrip(".")
    if suffix not in ("png", "webp"):
        raise InputError(f"cannot write {out} without loss", "name a .png or .webp file")
    if manifest.is_dir():
        manifest = manifest / "manifest.parquet"
    if manifest.name != "manifest.parquet":
        raise InputError(f"{manifest} is no manifest", "give OUT/manifest.parquet")
    found = Manifest(manifest.parent, BLOCK).row(row)
    engine = engine_of(manifest.parent, data)
    number = found["number"]
    with one_thread():
        batch = render_block(engine.synthesiser(), number // BLOCK * BLOCK, len(engine.codes))
    with whole_file(out) as temporary:
        temporary.write_bytes(encode(as_bytes(batch.crops)[number % BLOCK], suffix))
    return found


def _names(rows: pa.Table) -> list[str]:
    shown = [name for name in ("path", "key") if name in rows.column_names]
    return [":".join(row.values()) for row in rows.select(shown).to_pylist()]


def _equal_rows(rows: pa.Table, others: pa.Table) -> list[bool]:
    """Which rows of two tables are equal in every column."""
    if rows.schema.names != others.schema.names:
        return [False] * rows.num_rows
    if rows.equals(others):
        return [True] * rows.num_rows
    return [a == b for a, b in zip(rows.to_pylist(), others.to_pylist(), strict=True)]
