"""Synthetic crops of a finished run's own classes, to take the ranges of its values from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from raresign.models.built_in_files import facts, is_built_in
from raresign.runs.backgrounds import read_backgrounds
from raresign.runs.recipe_file import saved_recipe
from raresign.runs.run_folder import RunFolder
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.countries.drawn_folder import drawn_catalogue
from raresign.simulated.backgrounds import procedural_backgrounds
from raresign.synthesis.background_atlas import BackgroundAtlas
from raresign.synthesis.icon_atlas import IconAtlas
from raresign.synthesis.preset import load_preset
from raresign.synthesis.synthesiser import build_synthesiser
from raresign.training.recipe import load_recipe

_PROCEDURAL = 24
_SEED = 0x1A7
_BATCH = 256


def calibration_crops(run: str | Path, size: int, count: int) -> np.ndarray:
    """(count, 3, size, size) uint8 synthetic crops of a run, its classes in turn.

    They are made with the preset and the backgrounds of the run, and framed as its training crops
    are. The same run gives the same crops.

    Args:
        run: A run folder, or "built-in".
        size: Side in pixels.
        count: How many.

    Raises:
        InputError: A file of the run is damaged.
    """
    pictures: list[np.ndarray] = []
    if is_built_in(run):
        settings = facts()["run"]["settings"]
        catalogue = SignCatalogue.from_folder(drawn_catalogue(settings["data"]))
        preset = load_recipe("built-in").index_preset
    else:
        folder = RunFolder.open(run)
        catalogue, preset = folder.catalogue, saved_recipe(folder).index_preset
        pictures = read_backgrounds(folder.path)
    icons = IconAtlas.from_catalogue(catalogue, size)
    behind = pictures or procedural_backgrounds(_PROCEDURAL, seed=0)
    engine = build_synthesiser(
        load_preset(preset), icons, BackgroundAtlas.from_pictures(behind, size), _SEED
    )
    labels, numbers = torch.arange(count) % len(catalogue), torch.arange(count)
    parts = zip(labels.split(_BATCH), numbers.split(_BATCH), strict=True)
    made = [engine.render(*part).crops.mul(255).round().byte() for part in parts]
    return torch.cat(made).numpy()
