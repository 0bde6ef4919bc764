"""Training: recipes of stages, fitted with Lightning on batches that exist only in memory."""

from __future__ import annotations

from raresign.training.batches import StageBatches
from raresign.training.data import Split, TrainingData, check_training_data, split_crops
from raresign.training.fit import (
    Hardware,
    StageResult,
    fit_stage,
    remove_checkpoints,
)
from raresign.training.net import new_net
from raresign.training.recipe import Recipe, load_recipe, recipe_names
from raresign.training.stage import Stage
from raresign.training.stage_loop import fit_stages

__all__ = [
    "Hardware",
    "Recipe",
    "Split",
    "Stage",
    "StageBatches",
    "StageResult",
    "TrainingData",
    "check_training_data",
    "fit_stage",
    "fit_stages",
    "load_recipe",
    "new_net",
    "recipe_names",
    "remove_checkpoints",
    "split_crops",
]
