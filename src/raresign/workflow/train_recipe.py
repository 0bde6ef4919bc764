"""The recipe of a run: the user's with the command's choices, or the one that a run remembers."""

from __future__ import annotations

from pathlib import Path

import torch

from raresign.errors import InputError
from raresign.models import default_backbone
from raresign.training import Hardware, Recipe, load_recipe
from raresign.workflow.run_folder import RunFolder


def with_changes(
    recipe: Recipe,
    weights: str | None,
    backbone: str | None,
    crop_size: int | None,
    preset: str | Path | None,
    teacher: str | Path | None,
    hardware: Hardware,
) -> Recipe:
    """The recipe with the caller's choices and with every `auto` made definite.

    Args:
        recipe: As it was loaded.
        weights, backbone, crop_size, preset, teacher: See `train`; None keeps the recipe's.
        hardware: Decides what `auto` is.

    Raises:
        InputError: A choice is impossible.
    """
    cuda = hardware.accelerator != "cpu" and torch.cuda.is_available()
    name, size = default_backbone("cuda" if cuda else "cpu")
    backbone = backbone or recipe.backbone
    changes = {
        "backbone": name if backbone == "auto" else backbone,
        "crop_size": recipe.crop_size or size if crop_size is None else crop_size,
        "weights": weights or recipe.weights,
    }
    settings = {**recipe.model_dump(mode="json"), **changes}
    if preset is not None:
        path = Path(preset)  # a resumed run must find the file from any folder
        chosen = str(path.resolve()) if path.suffix in {".yaml", ".yml"} else str(preset)
        for stage in settings["stages"]:
            stage["preset"] = chosen
    if teacher is not None:  # its weight and temperature stay the recipe's
        own = recipe.teacher.model_dump() if recipe.teacher else {}
        settings["teacher"] = {**own, "backbone": "", "run": str(Path(teacher).resolve())}
    return load_recipe(settings)  # checked again


def saved_recipe(run: RunFolder) -> Recipe:
    """The recipe that a stopped run goes on with.

    Raises:
        InputError: run.json was edited so that its recipe is gone or no longer valid.
    """
    try:
        return load_recipe(run.info["settings"]["recipe"])
    except KeyError as error:
        raise InputError(f"{run.path / 'run.json'} lacks the key {error}") from error
