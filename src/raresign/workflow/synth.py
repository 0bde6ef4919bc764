"""`raresign synth`: synthetic crops on disk, class folders and a manifest, resumable."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from raresign.errors import InputError
from raresign.files import whole_file, write_json
from raresign.report import contact_sheet
from raresign.synthesis import (
    BackgroundAtlas,
    IconAtlas,
    ReferencePreset,
    RoadPreset,
    Synthesiser,
    build_synthesiser,
    load_preset,
)
from raresign.workflow.progress import Say, silent
from raresign.workflow.source import open_data

_AT_ONCE = 128


def synthesise(
    data: str | Path,
    out: str | Path,
    *,
    per_class: int = 100,
    preset: str = "road",
    size: int = 64,
    seed: int = 0,
    sheet: bool = False,
    say: Say = silent,
) -> int:
    """Write `per_class` crops of every class as `out/<class>/<number>.png` and `out/manifest.csv`.

    A crop is a function of (preset, seed, number), so a killed run goes on where it stopped: files
    that are there are kept, no crop is made twice, no file is ever half written.

    Args:
        data: Data folder with `classes.json`, `icons/` and, if it likes, `background_images/`.
        out: Folder to make; one that holds crops of other settings is refused.
        per_class: Crops a class.
        preset: Preset name or YAML file.
        size: Side of the crops in pixels.
        seed: Seed of every draw.
        sheet: Also write `out/sheet.png`, eight crops of every class.
        say: Is told what happens.

    Returns:
        How many crops were written now.

    Raises:
        InputError: Wrong settings, or `out` holds something else.
    """
    if per_class < 1 or not 8 <= size <= 512:
        raise InputError(
            f"{per_class} crops a class of {size} pixels",
            "ask for at least 1 and for 8..512 pixels",
        )
    chosen = load_preset(preset)
    engine, codes = _engine(data, chosen, size, seed)
    out = Path(out)
    settings = {
        "preset": chosen.model_dump(mode="json"),
        "size": size,
        "seed": seed,
        "codes": codes,
    }
    _claim(out, settings)
    written = refused = 0
    total = per_class * len(codes)
    with_numbers = [(label, k) for label in range(len(codes)) for k in range(per_class)]
    for chunk in _chunks(with_numbers):
        missing = [pair for pair in chunk if not _place(out, codes, *pair).exists()]
        if not missing:
            continue
        labels, numbers = torch.tensor(missing).unbind(1)
        # Class k's crop j has number j * classes + k, so asking for more crops changes none.
        batch = engine.render(labels, numbers * len(codes) + labels)
        pixels = batch.crops.mul(255).round().byte().permute(0, 2, 3, 1).numpy()
        for pair, crop in zip(missing, pixels, strict=True):
            with whole_file(_place(out, codes, *pair)) as temporary:
                Image.fromarray(crop).save(temporary)
        written += len(missing)
        refused += batch.refused
        say(f"{written} of {total} crops written, {refused} draws refused by the quality guard")
    _write_manifest(out, codes, per_class)
    if sheet:
        _write_sheet(out / "sheet.png", engine, codes)
    return written


def _engine(
    data: str | Path, preset: RoadPreset | ReferencePreset, size: int, seed: int
) -> tuple[Synthesiser, list[str]]:
    root = Path(data)
    source = (
        open_data(root) if (root / "cropped-train").is_dir() else open_data(root, layout="icons")
    )
    icons = IconAtlas.from_catalogue(source.catalogue, size)
    backgrounds = BackgroundAtlas.from_pictures(source.backgrounds(), size)
    return build_synthesiser(preset, icons, backgrounds, seed), list(source.catalogue.codes)


def _claim(out: Path, settings: dict[str, object]) -> None:
    """Make `out`, or make sure that it was made with the same settings."""
    note = out / "settings.json"
    if note.exists():
        try:
            found = json.loads(note.read_text(encoding="utf-8"))
        except ValueError:
            found = None
        if found != settings:
            raise InputError(
                f"{out} holds crops of other settings", "name a new folder or delete this one"
            )
        return
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} exists and is not empty", "name a new folder")
    write_json(note, settings)


def _chunks(pairs: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    for start in range(0, len(pairs), _AT_ONCE):
        yield pairs[start : start + _AT_ONCE]


def _place(out: Path, codes: list[str], label: int, k: int) -> Path:
    return out / codes[label] / f"{k:06d}.png"


def _write_manifest(out: Path, codes: list[str], per_class: int) -> None:
    with whole_file(out / "manifest.csv") as temporary, temporary.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["path", "class", "number"])
        for label, code in enumerate(codes):
            for k in range(per_class):
                table.writerow([f"{code}/{k:06d}.png", code, k * len(codes) + label])


def _write_sheet(path: Path, engine: Synthesiser, codes: list[str]) -> None:
    labels = torch.arange(len(codes)).repeat_interleave(8)
    numbers = torch.arange(8).repeat(len(codes)) * len(codes) + labels
    crops: np.ndarray = engine.render(labels, numbers).crops.mul(255).round().byte().numpy()
    with whole_file(path) as temporary:
        contact_sheet(crops, 8, [codes[label] for label in labels.tolist()]).save(temporary)
