"""Crops a second of our presets against the reference generator in Pillow on one thread."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from raresign.bench.material import BenchMaterial
from raresign.bench.measure import median_seconds
from raresign.synthesis import build_synthesiser, load_preset, reference_crop

_BATCH = 128


def bench_synth(quick: bool, data: Path | None) -> dict[str, float]:
    """Time the presets `road` and `reference` and the reference generator itself.

    The generator runs as published, one crop after another on one thread: it opens icon and
    background from (cached) files, composes them and encodes a PNG; nothing is written to a disk.
    Ours ends with a float tensor ready for training.

    Args:
        quick: Fewer repetitions.
        data: Data folder; embedded signs and procedural backgrounds otherwise.
    """
    material = BenchMaterial.load(data, size=64)
    labels = torch.arange(_BATCH) % len(material.catalogue)
    numbers = torch.arange(_BATCH)
    engines = {
        name: build_synthesiser(load_preset(name), material.icons, material.backgrounds, 0)
        for name in ("road", "reference")
    }
    rng = np.random.default_rng(0)
    icons, photos = material.encoded_icons(), material.encoded_photos()
    published = 24 if quick else 48

    def generator() -> None:
        for k in range(published):
            icon = Image.open(io.BytesIO(icons[k % len(icons)])).convert("RGBA")
            photo = Image.open(io.BytesIO(photos[k % len(photos)])).convert("RGBA")
            reference_crop(icon, photo, rng).save(io.BytesIO(), "PNG")

    times = median_seconds(
        {
            "published": generator,
            **{
                name: (lambda engine=engine: engine.render(labels, numbers))  # type: ignore[misc]
                for name, engine in engines.items()
            },
        },
        runs=3 if quick else 9,
    )
    speed = {
        name: (published if name == "published" else _BATCH) / seconds[0]
        for name, seconds in times.items()
    }
    return {
        "synth.crops_per_second": speed["road"],
        "synth.crops_per_second_slowest": _BATCH / times["road"][2],
        "synth.crops_per_second_fastest": _BATCH / times["road"][1],
        "synth.reference_preset_crops_per_second": speed["reference"],
        "synth.published_generator_crops_per_second": speed["published"],
        "synth.ratio": speed["road"] / speed["published"],
        "synth.reference_preset_ratio": speed["reference"] / speed["published"],
        "synth.refused_share": float(
            engines["road"].render(labels, numbers).refused
            / (_BATCH + engines["road"].render(labels, numbers).refused)
        ),
    }
