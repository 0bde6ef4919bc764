"""The real crops of a data folder and the folds that all trials on it share."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from raresign.commands.data_folder import DataFolder, open_data
from raresign.commands.train.run_recipe import definite
from raresign.crops.pack import CropPack, pack_crops
from raresign.errors import InputError
from raresign.files import default_cache
from raresign.framing.finder import Framing
from raresign.lab.protocol.folds import Fold, protocol_folds
from raresign.training.recipe import load_recipe

_VALIDATION = 0.15
_FOLD_SEED = 0
"""The folds are the same for every seed and row, or nothing could be paired."""


@dataclass(frozen=True)
class FoldedData:
    """What decides on crops and folds, as it travels to a process.

    Args:
        data: The data folder.
        size: Side of the packed crops in pixels.
        folds: Parts in which the frequent classes play rare.
        framing: How crops are cut to their signs.
        icons, country, svg_text: As they were asked for, see `open_data`.
    """

    data: str | Path
    size: int
    folds: int
    framing: Framing
    icons: str | Path | None = None
    country: str | None = None
    svg_text: bool = False


@functools.lru_cache(maxsize=4)
def material(asked: FoldedData) -> tuple[DataFolder, CropPack, tuple[Fold, ...]]:
    """Crops and folds, once a process.

    Raises:
        InputError: The folder cannot be used, or has no real crops or too few for so many folds.
    """
    source = open_data(
        asked.data, icons=asked.icons, country=asked.country, svg_text=asked.svg_text
    )
    if not len(source.training):
        raise InputError(f"{asked.data} has no real crops", "the protocol needs frequent classes")
    pack = pack_crops(source.training, asked.size, default_cache(), False, framing=asked.framing)
    parts = protocol_folds(
        pack.crops, pack.labels, source.catalogue, asked.folds, _VALIDATION, _FOLD_SEED
    )
    return source, pack, parts


def check_folder(
    data: str | Path,
    recipe: str | Path,
    folds: int,
    icons: str | Path | None,
    country: str | None,
    svg_text: bool,
) -> None:
    """Find what is wrong with a data folder before anything runs.

    Raises:
        InputError: As for `material`, or there is no such recipe.
    """
    chosen = definite(load_recipe(recipe))
    framing, size = chosen.framing, chosen.crop_size
    material(FoldedData(data, size, folds, framing, icons, country, svg_text))
