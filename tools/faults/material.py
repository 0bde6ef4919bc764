"""What the faults happen to: a tiny data folder, a run, a bundle, photos and a pile of crops."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

import raresign
from raresign.signs.countries.registry import standard
from raresign.simulated.backgrounds import procedural_backgrounds
from raresign.simulated.photo import simulated_photo

TYPES = {
    "1.11.1": "freq",
    "1.11.2": "rare",
    "2.5": "freq",
    "3.24.n40": "freq",
    "3.24.n60": "rare",
    "4.1.1": "freq",
}
NEW = ("3.1", "5.5")
_CROPS, _TESTS, _SIDE = 8, 4, 24
SIZE = 32
_MIXED = {"steps": 3, "real": 4, "synthetic": 4, "validate_every": 1}
RECIPE: dict[str, Any] = {
    "name": "tiny",
    "backbone": "test_efficientnet",
    "crop_size": SIZE,
    "weights": "none",
    "embedding": 16,
    "index_crops": 8,
    "stages": [
        {**_MIXED, "kind": "pretrain", "real": 8, "synthetic": 0},
        {**_MIXED, "kind": "mixed"},
    ],
}
"""Two stages of three steps, measured after each."""


@dataclass(frozen=True)
class Material:
    """Folders that nobody changes; operations copy them.

    Args:
        home: Holds all of it.
        pile: How many crops nobody labelled.
    """

    home: Path
    pile: int

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def crops(self) -> Path:
        """Crops that nobody labelled."""
        return self.home / "crops"

    @property
    def icons(self) -> Path:
        """Icons of two classes that no run has."""
        return self.home / "icons"

    @property
    def run(self) -> Path:
        """A finished run."""
        return self.home / "run"

    @property
    def grown(self) -> Path:
        """The run with two added classes, one with photos."""
        return self.home / "grown"

    def make(self) -> None:
        """Write what needs no training."""
        _write_data(self.data)
        codes = tuple(TYPES)
        for number in range(self.pile):
            folder = f"day{number % 3}"
            _photo(self.crops / folder / f"{number:04d}.png", codes[number % 6], 5000 + number)
        (self.crops / "day1" / "broken.png").write_bytes(b"no picture")
        self.icons.mkdir()
        for code in NEW:
            (self.icons / f"{code}.svg").write_text(standard("gost").svg(code), encoding="utf-8")
            for number in range(3):
                _photo(self.home / "photos" / code / f"{number}.png", code, number)

    def train(self) -> None:
        """Train the run, and let it grow."""
        raresign.train(self.data, self.run, RECIPE, cache=self.home / "cache", report=False)

    def grow(self) -> None:
        """Add two classes to the copy of the run."""
        raresign.add_class(self.grown, [self.icons], photos=self.home / "photos")


def _write_data(root: Path) -> None:
    (root / "icons").mkdir(parents=True)
    classes = {
        code: {"id": place, "type": kind} for place, (code, kind) in enumerate(TYPES.items())
    }
    (root / "classes.json").write_text(json.dumps(classes), encoding="utf-8")
    rows = [("filename", "class")]
    for code, kind in TYPES.items():
        (root / "icons" / f"{code}.svg").write_text(standard("gost").svg(code), encoding="utf-8")
        for number in range(_CROPS if kind == "freq" else 0):
            _photo(root / "cropped-train" / code / f"{number}.png", code, number)
        for number in range(_TESTS):
            name = f"{len(rows):04d}.png"
            _photo(root / "smalltest" / name, code, 1000 + number)
            rows.append((name, code))
    with (root / "smalltest_annotations.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    (root / "background_images").mkdir()
    for number, picture in enumerate(procedural_backgrounds(3, seed=1)):
        Image.fromarray(picture).save(root / "background_images" / f"{number}.jpg")


def _photo(path: Path, code: str, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    photo = Image.fromarray(simulated_photo(code, 5, number))
    photo.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR).save(path)
