"""The recipe of a run: the user's with the choices of the command line."""

from __future__ import annotations

from pathlib import Path

import torch

from raresign.models.sign_net import default_backbone
from raresign.training.fit import Hardware
from raresign.training.recipe import Recipe, load_recipe


def with_changes(
    recipe: Recipe,
    weights: str | None,
    backbone: str | None,
    crop_size: int | None,
    preset: str | Path | None,
    hardware: Hardware,
) -> Recipe:
    """The recipe with the choices of `train` (None keeps the recipe's) and every `auto` decided.

    Raises:
        InputError: A choice is impossible.
    """
    recipe = recipe.model_copy(update={"backbone": backbone or recipe.backbone})
    settings = definite(recipe, hardware.accelerator).model_dump(mode="json")
    settings["weights"] = weights or recipe.weights
    if crop_size is not None:
        settings["crop_size"] = crop_size
    if preset is not None:
        path = Path(preset)  # a resumed run must find the file from any folder
        chosen = str(path.resolve()) if path.suffix in {".yaml", ".yml"} else str(preset)
        for stage in settings["stages"]:
            stage["preset"] = chosen
    return load_recipe(settings)  # checked again


def definite(recipe: Recipe, accelerator: str = "auto") -> Recipe:
    """The recipe with every `auto` decided; accelerator `cpu` decides as if there were no GPU."""
    cuda = accelerator != "cpu" and torch.cuda.is_available()
    name, size = default_backbone("cuda" if cuda else "cpu")
    backbone = name if recipe.backbone == "auto" else recipe.backbone
    return recipe.model_copy(update={"backbone": backbone, "crop_size": recipe.crop_size or size})
