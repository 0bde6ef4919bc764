"""Icons, backgrounds and crops that the benchmarks run on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch

from raresign.commands.data_folder import PROCEDURAL, open_data
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.countries.drawn_folder import drawn_icons
from raresign.signs.countries.registry import country, standard
from raresign.simulated.backgrounds import procedural_backgrounds
from raresign.synthesis.background_atlas import BackgroundAtlas
from raresign.synthesis.icon_atlas import IconAtlas
from raresign.training.training_data import Split, TrainingData


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
            catalogue, pictures = _drawn()
        else:
            source = open_data(data, real=False)
            catalogue, pictures = source.catalogue, tuple(source.backgrounds())
        icons = IconAtlas.from_catalogue(catalogue, size)
        return cls(catalogue, icons, BackgroundAtlas.from_pictures(pictures, size), pictures, size)

    def training_data(self, crops: int) -> TrainingData:
        """Made-up real crops beside the icons: what a training step needs."""
        rng = np.random.default_rng(0)
        frequent = self.catalogue.labels_of_type("freq")
        labels = rng.choice(frequent, crops)
        pixels = rng.integers(0, 256, (crops, 3, self.size, self.size), dtype=np.uint8)
        none = np.empty(0, np.int64)
        split = Split(np.arange(crops), none, none, ())
        tensors = torch.from_numpy(pixels), torch.from_numpy(labels)
        return TrainingData(self.catalogue, *tensors, split, self.pictures, self.size, seed=0)


@cache
def _drawn() -> tuple[SignCatalogue, tuple[np.ndarray, ...]]:
    """Every fifth drawn sign without its variants, once a process: drawing takes seconds."""
    signs = standard("gost")
    types = {code: signs.classes[code][1] for code in signs.codes[::5]}
    folder = drawn_icons("gost", types, variants=False)
    catalogue = SignCatalogue.from_icons(folder, types, country=country(signs.country))
    return catalogue, tuple(procedural_backgrounds(PROCEDURAL, seed=0))
