"""What a run is trained and measured on: packs of crops, split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch

from raresign.commands.data_folder import DataFolder
from raresign.commands.progress import Say
from raresign.crops.crop_table import CropTable
from raresign.crops.pack import CropPack, pack_crops
from raresign.errors import InputError
from raresign.training.recipe import Recipe
from raresign.training.training_data import TrainingData, check_training_data, split_crops


@dataclass(frozen=True)
class PreparedTraining:
    """The crops of a run.

    Attributes:
        source: The data folder that they come from.
        pack: Real training crops, none where the run trains on icons only.
        data: The same as tensors, split, with backgrounds.
        test: Test crops, None where the folder has none with a known class.
    """

    source: DataFolder
    pack: CropPack
    data: TrainingData
    test: CropPack | None

    @property
    def held_out(self) -> int:
        """Number of real crops that every stage is measured on."""
        return len(self.data.split.validation) + len(self.data.split.pseudo_rare)

    @property
    def tested(self) -> int:
        """Number of test crops."""
        return 0 if self.test is None else len(self.test.labels)


def prepare_training(
    source: DataFolder, recipe: Recipe, seed: int, cache: Path, strict: bool, say: Say
) -> PreparedTraining:
    """Pack and split the crops of a data folder; tell what it is and what was left out.

    Args:
        source: The data folder.
        recipe: Definite.
        seed: Decides which crops are held out.
        cache: Folder of packs.
        strict: Refuse crops that cannot be read, instead of counting them.
        say: Is told.

    Raises:
        InputError: The recipe needs real crops and there are none, or too few to split.
    """
    say(str(source.choice))
    say(str(source.layout))
    for reason, count in source.left_out.items():
        say(f"left out: {count} {reason}")
    if source.corrected is not None:
        say(f"corrections.csv: {source.corrected}")
    for problem in source.value_problems():
        say(f"warning: {problem}")
    if source.icons.joined:
        how = f"{source.icons}; --icons own keeps them out"
        say(f"our drawings join as variants of the icons ({how})")
    pack = _training_pack(source, recipe, cache, strict, say)
    data = _training_data(source, pack, recipe, seed)
    return PreparedTraining(source, pack, data, _test_pack(source.test, recipe, cache, strict))


def _training_pack(
    source: DataFolder, recipe: Recipe, cache: Path, strict: bool, say: Say
) -> CropPack:
    """Pack the real training crops and tell what could not be read."""
    if not len(source.training):  # icons only
        if any(stage.real for stage in recipe.stages):
            raise InputError(
                f"{source.layout.place} holds no real crop to train on ({source.layout}), and the "
                f"recipe '{recipe.name}' has stages that train on real crops",
                "put crops into cropped-train/<class>/, name them with --crops, or train on icons "
                "alone with --recipe icons-only",
            )
        none = np.empty((0, 3, recipe.crop_size, recipe.crop_size), np.uint8)
        return CropPack(none, pa.table({"path": []}), np.empty(0, np.int64), ())
    pack = pack_crops(source.training, recipe.crop_size, cache, strict, framing=recipe.framing)
    kind = "simulated photos" if source.simulated else "real crops"
    say(f"{len(pack.labels)} {kind}, {len(source.catalogue)} classes")
    if pack.skipped:
        say(f"skipped {len(pack.skipped)} unreadable files; report and run.json list them")
    return pack


def _test_pack(
    test: CropTable | None, recipe: Recipe, cache: Path, strict: bool
) -> CropPack | None:
    """Pack the test crops, None if the data folder has none with a known class."""
    if test is None or not (test.labels >= 0).any():
        return None
    return pack_crops(test, recipe.crop_size, cache, strict, framing=recipe.framing)


def _training_data(source: DataFolder, pack: CropPack, recipe: Recipe, seed: int) -> TrainingData:
    """Split the crops and put everything that batches need together."""
    catalogue = source.catalogue
    check_training_data(catalogue, pack.labels, any(stage.real for stage in recipe.stages))
    return TrainingData(
        catalogue,
        torch.from_numpy(pack.crops),
        torch.tensor(pack.labels),
        split_crops(
            pack.crops, pack.labels, catalogue, recipe.pseudo_rare, recipe.validation, seed
        ),
        source.backgrounds(),
        recipe.crop_size,
        seed,
        recipe.framing,
    )
