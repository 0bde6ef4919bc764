"""A tiny data folder of simulated photos: of the tests, and of `make faults`."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from PIL import Image

from raresign.signs.countries.registry import standard
from raresign.simulated.backgrounds import procedural_backgrounds
from raresign.simulated.photo import simulated_photo

# 1.11.1 and 1.11.2 mirror into each other, 2.5 has lettering, 4.1.1 is its own mirror image.
TYPES = {
    "1.11.1": "freq",
    "1.11.2": "rare",
    "2.5": "freq",
    "3.24.n40": "freq",
    "3.24.n60": "rare",
    "4.1.1": "freq",
}
CROPS, SIDE = 8, 24


def write_data(root: Path, tests: int = 2) -> Path:
    """A data folder in the reference layout; its photos are simulated, `tests` of a class."""
    (root / "icons").mkdir(parents=True)
    # The ids do not follow the order of the file, and leave gaps.
    ids = {code: 3 * (len(TYPES) - place) for place, code in enumerate(TYPES)}
    classes = {code: {"id": ids[code], "type": kind} for code, kind in TYPES.items()}
    (root / "classes.json").write_text(json.dumps(classes), encoding="utf-8")
    for code in TYPES:
        (root / "icons" / f"{code}.svg").write_text(standard("gost").svg(code), encoding="utf-8")
    for code, kind in TYPES.items():
        if kind == "freq":
            for number in range(CROPS):
                write_photo(root / "cropped-train" / code / f"{number}.png", code, number)
    rows = [("filename", "class")]
    for code in TYPES:
        for number in range(tests):
            name = f"{len(rows):04d}.png"
            write_photo(root / "smalltest" / name, code, 1000 + number)
            rows.append((name, code))
    with (root / "smalltest_annotations.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    (root / "background_images").mkdir()
    for number, picture in enumerate(procedural_backgrounds(3, seed=1)):
        Image.fromarray(picture).save(root / "background_images" / f"{number}.jpg")
    return root


def write_photo(path: Path, code: str, number: int) -> None:
    """A simulated photo of a sign."""
    path.parent.mkdir(parents=True, exist_ok=True)
    photo = Image.fromarray(simulated_photo(code, 5, number))
    photo.resize((SIDE, SIDE), Image.Resampling.BILINEAR).save(path)
