"""Draws docs/images/synthesis.png: embedded icons and the crops that a preset makes of them.

python tools/pictures.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from raresign import BackgroundAtlas, IconAtlas, SignCatalogue, build_synthesiser, load_preset
from raresign.embedded import procedural_backgrounds, write_icons

CODES = ["1.11.1", "1.16", "2.1", "2.5", "3.1", "3.24.n60", "4.1.1", "3.13.r3.5"]
CROPS, SIZE, GAP = 11, 64, 4


def main() -> None:
    folder = Path("demo/pictures")
    write_icons(folder)
    catalogue = SignCatalogue.from_folder(folder)
    codes = [code for code in CODES if catalogue.label_of(code) >= 0]
    icons = IconAtlas.from_catalogue(catalogue, SIZE)
    backgrounds = BackgroundAtlas.from_pictures(procedural_backgrounds(40, seed=0), SIZE)
    engine = build_synthesiser(load_preset("road"), icons, backgrounds, seed=0)
    step = SIZE + GAP
    sheet = Image.new("RGB", ((CROPS + 1) * step + GAP, len(codes) * step + GAP), "white")
    for row, code in enumerate(codes):
        label = catalogue.label_of(code)
        crops = engine.render(torch.full((CROPS,), label), torch.arange(CROPS) + 100 * row).crops
        icon = icons.icons[label]
        on_white = icon[:3] + 1 - icon[3:]
        for column, picture in enumerate([on_white, *crops]):
            pixels = picture.clamp(0, 1).mul(255).byte().permute(1, 2, 0).numpy()
            place = (GAP + column * step, GAP + row * step)
            sheet.paste(Image.fromarray(np.ascontiguousarray(pixels)), place)
    out = Path("docs/images/synthesis.png")
    out.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(out, optimize=True)
    print(f"wrote {out}")


if __name__ == "__main__":
    main()
