"""The recipe of a run: the user's with the command's choices, or the one that a run remembers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
    recipe = recipe.model_copy(update={"backbone": backbone or recipe.backbone})
    recipe = definite(recipe, hardware.accelerator)
    changes = {
        "crop_size": recipe.crop_size if crop_size is None else crop_size,
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
        run = {"backbone": "", "weights": "auto", "run": str(Path(teacher).resolve())}
        settings["teacher"] = {**own, **run}
    return load_recipe(settings)  # checked again


def definite(recipe: Recipe, accelerator: str = "auto") -> Recipe:
    """The recipe with every `auto` decided, that of its teacher's backbone, too.

    Args:
        recipe: As it was loaded.
        accelerator: `cpu` decides as if there were no GPU.

    Example:
        >>> taught = {"stages": ["mixed"], "teacher": {"backbone": "auto"}}
        >>> definite(load_recipe(taught), "cpu").teacher.backbone
        'mobilenetv2_100'
    """
    cuda = accelerator != "cpu" and torch.cuda.is_available()
    name, size = default_backbone("cuda" if cuda else "cpu")
    backbone = name if recipe.backbone == "auto" else recipe.backbone
    changes: dict[str, Any] = {"backbone": backbone, "crop_size": recipe.crop_size or size}
    if recipe.teacher is not None and recipe.teacher.backbone == "auto":
        changes["teacher"] = recipe.teacher.model_copy(update={"backbone": backbone})
    return recipe.model_copy(update=changes)


def saved_recipe(run: RunFolder) -> Recipe:
    """The recipe that a stopped run goes on with.

    Raises:
        InputError: run.json was edited so that its recipe is gone or no longer valid.
    """
    try:
        return load_recipe(run.info["settings"]["recipe"])
    except KeyError as error:
        raise InputError(f"{run.path / 'run.json'} lacks the key {error}") from error
