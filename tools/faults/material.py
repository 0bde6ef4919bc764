"""What the faults happen to: a tiny data folder, a run, a bundle, photos and a pile of crops."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import raresign
from raresign.signs.countries.registry import standard

sys.path.append(str(Path(__file__).parents[2] / "tests"))
from tiny_data import TYPES, write_data, write_photo

NEW = ("3.1", "5.5")
_TESTS = 4
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
        write_data(self.data, _TESTS)
        codes = tuple(TYPES)
        for number in range(self.pile):
            folder = f"day{number % 3}"
            write_photo(self.crops / folder / f"{number:04d}.png", codes[number % 6], 5000 + number)
        (self.crops / "day1" / "broken.png").write_bytes(b"no picture")
        self.icons.mkdir()
        for code in NEW:
            (self.icons / f"{code}.svg").write_text(standard("gost").svg(code), encoding="utf-8")
            for number in range(3):
                write_photo(self.home / "photos" / code / f"{number}.png", code, number)

    def train(self) -> None:
        """Train the run, and let it grow."""
        raresign.train(self.data, self.run, RECIPE, cache=self.home / "cache", report=False)

    def grow(self) -> None:
        """Add two classes to the copy of the run."""
        raresign.add_class(self.grown, [self.icons], photos=self.home / "photos")
