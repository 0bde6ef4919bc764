"""`raresign synth`: synthetic crops on disk with a manifest; a killed run goes on where it was."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from raresign.cluster.ray_cluster import RayCluster
from raresign.commands.progress import Say, silent
from raresign.commands.synth.crop_writers import CropFiles, crop_files
from raresign.commands.synth.engine import BLOCK, SynthEngine, one_thread, open_engine
from raresign.commands.synth.manifest import MANIFEST, Manifest, render_unit
from raresign.commands.synth.settings_file import alone, check_folder, claim, settings_of
from raresign.crops.layouts.shards import unpacked
from raresign.errors import InputError
from raresign.signs.countries.icon_source import is_drawn
from raresign.storage.local_copy import local_copy
from raresign.storage.places import as_path
from raresign.storage.published import check_writable, publish, staged
from raresign.synthesis.batch import Synthesiser
from raresign.synthesis.preset import load_preset

_MOST_THREADS = 8
_MOST_PIXELS = 64 * 2**20  # rendered at once on all threads; each takes about 40 bytes


@dataclass(frozen=True)
class SynthesisResult:
    """What `synthesise` did.

    Args:
        crops, asked: How many crops the folder holds now, maybe more than were asked for.
        written: How many of them were written now.
        refused: How many draws the quality guard refused meanwhile.
        seconds: Time that rendering and writing took.
    """

    out: Path
    manifest: Path
    crops: int
    asked: int
    written: int
    refused: int
    seconds: float

    @property
    def crops_per_second(self) -> float:
        """Crops written a second; 0 if none was."""
        return self.written / self.seconds if self.written else 0.0

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        paths = {"out": str(self.out), "manifest": str(self.manifest)}
        return {**asdict(self), **paths, "crops_per_second": round(self.crops_per_second, 1)}


_MOST_CROPS = 1_000_000_000
_Made = tuple[int, int, int]


def synthesise(
    data: str | Path,
    out: str | Path,
    *,
    per_class: int = 100,
    form: str = "png",
    preset: str | Path = "road",
    size: int = 64,
    seed: int = 0,
    country: str | None = None,
    svg_text: bool = False,
    say: Say = silent,
    progress: Callable[[int, int], None] | None = None,
    cluster: RayCluster | None = None,
) -> SynthesisResult:
    """Write `per_class` crops of every class and `out/manifest.parquet`, a row for each.

    A crop is a function of (preset, seed, number), so a killed run goes on where it stopped: files
    that are there are kept, no crop is made twice, no file is ever half written. Asking for fewer
    crops than there are removes none.

    Args:
        data: Data folder with `classes.json`, `icons/` and, optionally, `background_images/`.
        out: Folder to make; one that holds crops of other settings is refused. One at a URL is made
            in the cache and sent when it is whole.
        per_class: Crops a class.
        form: `png` or `webp`: `out/<class>/<k>.png`; `tar` or `tar-webp`: WebDataset shards.
        preset: Preset name or YAML file.
        size: Side of the crops in pixels.
        seed: Seed of every draw.
        country, svg_text: See `open_data`.
        say: Is told what happens.
        progress: Is called with (crops there, crops in all) as they are written.
        cluster: Renders and writes on its machines, which see the same `out`.

    Raises:
        InputError: Wrong settings, `out` holds something else, or the disk is full.
        KeyboardInterrupt: Ctrl-C; the same call goes on.
    """
    if not 1 <= per_class <= _MOST_CROPS:
        raise InputError(f"{per_class} crops a class", f"ask for 1 to {_MOST_CROPS}")
    check_writable(out, MANIFEST)
    given, out = as_path(out), staged(out)
    data = data if is_drawn(data) else unpacked(local_copy(data))
    chosen = load_preset(preset)
    crop_files(out, (), form)  # an unknown format is told before icons are drawn
    check_folder(out)
    engine = open_engine(data, chosen, size, seed, say, country, svg_text)
    files = crop_files(out, engine.codes, form)
    if per_class * len(engine.codes) > _MOST_CROPS:
        total = per_class * len(engine.codes)
        raise InputError(f"{total} crops in all", f"ask for at most {_MOST_CROPS}")
    try:
        claim(out, settings_of(engine, data, form))
        with alone(out), one_thread():
            result = _fill(engine, files, per_class * len(engine.codes), progress, cluster)
        publish(given, MANIFEST)
        return replace(result, out=given, manifest=given / MANIFEST)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise InputError(
            f"{out}: {error.strerror}", "make room and repeat the command: it goes on"
        ) from error


def _fill(
    engine: SynthEngine,
    files: CropFiles,
    wanted: int,
    progress: Callable[[int, int], None] | None,
    cluster: RayCluster | None,
) -> SynthesisResult:
    """Write what is missing, unit by unit, on all processors; then join the manifest."""
    began = time.perf_counter()
    manifest = Manifest(files.out, files.unit)
    listed = manifest.listed()
    existing = files.existing()
    rows = _rows_of_units(wanted, files.unit, listed, existing)
    todo = [
        unit
        for unit, count in rows.items()
        if listed.get(unit, 0) < count or existing.get(unit, (0, 0))[0] < count
    ]
    total = sum(rows.values())
    there = total - sum(rows[unit] for unit in todo)
    # Fewer blocks of large crops are rendered side by side, so that memory is bounded.
    most = min(_MOST_THREADS, _MOST_PIXELS // (BLOCK * engine.icons.size**2))
    threads = max(1, min(os.cpu_count() or 1, most))

    asked = [(unit, rows[unit]) for unit in todo]
    written = refused = 0
    if progress:
        progress(there, total)
    with ThreadPoolExecutor(threads) as pool:
        try:
            if cluster is None:
                make = partial(_unit, engine, engine.synthesiser(), files, manifest)
                made: Iterator[_Made] = pool.map(make, asked)
            else:
                there_too = copy(files)  # another process has another working folder
                there_too.out = files.out.resolve()
                made = cluster.map(_unit_afar, (engine, there_too), asked)
            for count, missing, more in made:
                there, written, refused = there + count, written + missing, refused + more
                if progress:
                    progress(there, total)
        finally:  # what has begun is finished when one fails
            pool.shutdown(cancel_futures=True)
    manifest.join()
    seconds = time.perf_counter() - began
    return SynthesisResult(files.out, manifest.path, total, wanted, written, refused, seconds)


def _unit(
    engine: SynthEngine,
    synthesiser: Synthesiser,
    files: CropFiles,
    manifest: Manifest,
    asked: tuple[int, int],
) -> _Made:
    """Write a unit: its crops, how many of them were missing, and refused draws."""
    unit, count = asked
    crops, table = render_unit(engine, synthesiser, files, unit, count)
    missing = files.write(unit, crops, table)
    manifest.add(unit, table)
    return count, missing, pc.sum(table["tries"]).as_py() - count


def _unit_afar(shared: tuple[SynthEngine, CropFiles], asked: tuple[int, int]) -> _Made:
    """The same in a process of a cluster."""
    engine, files = shared
    with one_thread():
        manifest = Manifest(files.out, files.unit)
        return _unit(engine, engine.synthesiser(), files, manifest, asked)


def _rows_of_units(
    wanted: int, unit: int, listed: dict[int, int], existing: dict[int, tuple[int, int]]
) -> dict[int, int]:
    """How many crops each unit is to hold: what was asked for, and whatever is there already."""
    units = {*range(-(-wanted // unit)), *listed, *existing}
    return {
        k: max(min(unit, wanted - k * unit), listed.get(k, 0), existing.get(k, (0, 0))[1])
        for k in sorted(units)
    }
