"""Draws the pictures of the docs from embedded signs and made-up backgrounds.

python tools/pictures.py   docs/images/synthesis.png: icons and what the preset `road` makes of them
                           docs/images/effects/<effect>.webp: each effect, without above, with below
                           docs/images/effects.webp: all of them on one page, and how often they are
                           docs/images/catalogue.webp: every drawn sign
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from raresign import (
    BackgroundAtlas,
    IconAtlas,
    build_synthesiser,
    load_icon,
    load_preset,
    sign_sheets,
)
from raresign.commands.synth.effect_strips import examples
from raresign.commands.synth.engine import SynthEngine, as_bytes, one_thread
from raresign.commands.synth.sheets import overview
from raresign.signs.countries.registry import standard
from raresign.simulated.backgrounds import procedural_backgrounds
from raresign.synthesis.preset import RoadPreset

CODES = ("1.11.1", "1.16", "2.1", "2.5", "3.1", "3.24.n60", "4.1.1", "3.13.r4.5")
CROPS, SIZE, GAP = 11, 64, 4
IMAGES = Path("docs/images")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        sheet = sign_sheets(folder)[0]
        save(Image.open(sheet).convert("RGB"), IMAGES / "catalogue.webp", quality=80, method=6)
    preset = load_preset("road")
    assert isinstance(preset, RoadPreset)
    with one_thread():
        engine = engine_of(preset)
        save(synthesis(engine), IMAGES / "synthesis.png", optimize=True)
        save(overview(engine), IMAGES / "effects.webp", quality=80, method=6)
        for name in preset.effects():
            without, with_it = examples(engine, name, len(CODES))
            path = IMAGES / "effects" / f"{name}.webp"
            save(grid(np.stack([without, with_it])), path, quality=78, method=6)


def engine_of(preset: RoadPreset) -> SynthEngine:
    with tempfile.TemporaryDirectory() as folder:
        pictures = []
        for code in CODES:
            icon = Path(folder) / f"{code}.svg"
            icon.write_text(standard("gost").svg(code), encoding="utf-8")
            pictures.append(load_icon(icon, 2 * SIZE))
    icons = IconAtlas.from_pictures(pictures, CODES, SIZE)
    backgrounds = BackgroundAtlas.from_pictures(procedural_backgrounds(40, seed=0), SIZE)
    return SynthEngine(preset, icons, backgrounds, CODES, CODES, seed=0)


def synthesis(engine: SynthEngine) -> Image.Image:
    """A row for each class: its icon on white, then crops."""
    road = build_synthesiser(engine.preset, engine.icons, engine.backgrounds, engine.seed)
    rows = []
    for label in range(len(CODES)):
        numbers = torch.arange(CROPS) + 100 * label
        crops = road.render(torch.full((CROPS,), label), numbers).crops
        icon = engine.icons.icon(label, SIZE)
        rows.append(as_bytes(torch.cat([(icon[:3] + 1 - icon[3:])[None].clamp(0, 1), crops])))
    return grid(np.stack(rows))


def grid(pictures: np.ndarray) -> Image.Image:
    """(R, C, S, S, 3) uint8 on white."""
    step = SIZE + GAP
    rows, columns = pictures.shape[:2]
    sheet = Image.new("RGB", (columns * step + GAP, rows * step + GAP), "white")
    for row in range(rows):
        for column in range(columns):
            tile = Image.fromarray(np.ascontiguousarray(pictures[row, column]))
            sheet.paste(tile, (GAP + column * step, GAP + row * step))
    return sheet


def save(picture: Image.Image, path: Path, **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, **options)
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
