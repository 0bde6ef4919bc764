"""Icons, backgrounds and crops that the benchmarks run on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from raresign.commands.data_folder import open_data
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.countries.drawn_folder import drawn_icons
from raresign.signs.countries.registry import country, standard
from raresign.simulated.backgrounds import procedural_backgrounds
from raresign.synthesis.background_atlas import BackgroundAtlas
from raresign.synthesis.icon_atlas import IconAtlas
from raresign.training.training_data import Split, TrainingData

_BACKGROUNDS = 60


@dataclass(frozen=True)
class BenchMaterial:
    """What a data folder, or the drawn signs, give to a benchmark."""

    catalogue: SignCatalogue
    icons: IconAtlas
    backgrounds: BackgroundAtlas
    pictures: tuple[np.ndarray, ...]
    size: int

    @classmethod
    def load(cls, data: Path | None, size: int) -> BenchMaterial:
        """Open `data`, or the drawn signs with procedural backgrounds."""
        if data is None:
            return _drawn(size)
        source = open_data(data, layout="icons")
        return _material(source.catalogue, tuple(source.backgrounds()), size)

    def training_data(self, crops: int) -> TrainingData:
        """Made-up real crops beside the icons: what a training step needs."""
        rng = np.random.default_rng(0)
        frequent = self.catalogue.labels_of_type("freq")
        labels = rng.choice(frequent, crops)
        pixels = rng.integers(0, 256, (crops, 3, self.size, self.size), dtype=np.uint8)
        none = np.empty(0, np.int64)
        return TrainingData(
            self.catalogue,
            torch.from_numpy(pixels),
            torch.from_numpy(labels),
            Split(np.arange(crops), none, none, ()),
            self.pictures,
            self.size,
            seed=0,
        )


@lru_cache(maxsize=2)
def _drawn(size: int) -> BenchMaterial:
    """Every fifth drawn sign without its variants, once a process: drawing takes seconds."""
    signs = standard("gost")
    types = {code: signs.classes[code][1] for code in signs.codes[::5]}
    folder = drawn_icons("gost", types, variants=False)
    catalogue = SignCatalogue.from_icons(folder, types, country=country(signs.country))
    return _material(catalogue, tuple(procedural_backgrounds(_BACKGROUNDS, seed=0)), size)


def _material(
    catalogue: SignCatalogue, pictures: tuple[np.ndarray, ...], size: int
) -> BenchMaterial:
    icons = IconAtlas.from_catalogue(catalogue, size)
    backgrounds = BackgroundAtlas.from_pictures(pictures, size)
    return BenchMaterial(catalogue, icons, backgrounds, pictures, size)
