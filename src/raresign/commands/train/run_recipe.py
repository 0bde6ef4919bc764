"""The recipe of a run: the user's with the command's choices, or the one that a run remembers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from raresign.errors import InputError
from raresign.models.sign_net import default_backbone
from raresign.runs.run_folder import RunFolder
from raresign.training.fit import Hardware
from raresign.training.recipe import Recipe, load_recipe

_GONE = {"head": "linear", "second_look": False, "teacher": None}
_GONE_OF_STAGE = {
    "lora": 0,
    "adversarial": None,
    "separate_norms": False,
    "difficulty": [1.0, 1.0],
    "crops_behind": 0,
    "by_errors": 0.0,
}
"""Settings of earlier versions, with the values at which they changed nothing."""


def with_changes(
    recipe: Recipe,
    weights: str | None,
    backbone: str | None,
    crop_size: int | None,
    preset: str | Path | None,
    hardware: Hardware,
) -> Recipe:
    """The recipe with the caller's choices and with every `auto` made definite.

    Args:
        recipe: As it was loaded.
        weights, backbone, crop_size, preset: See `train`; None keeps the recipe's.
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
    return load_recipe(settings)  # checked again


def definite(recipe: Recipe, accelerator: str = "auto") -> Recipe:
    """The recipe with every `auto` decided.

    Args:
        recipe: As it was loaded.
        accelerator: `cpu` decides as if there were no GPU.

    Example:
        >>> definite(load_recipe("default"), "cpu").backbone
        'mobilenetv2_100'
    """
    cuda = accelerator != "cpu" and torch.cuda.is_available()
    name, size = default_backbone("cuda" if cuda else "cpu")
    backbone = name if recipe.backbone == "auto" else recipe.backbone
    changes = {"backbone": backbone, "crop_size": recipe.crop_size or size}
    return recipe.model_copy(update=changes)


def saved_recipe(run: RunFolder) -> Recipe:
    """The recipe of a run that was stopped or finished, by this version or an earlier one.

    Raises:
        InputError: run.json was edited so that its recipe is gone or no longer valid, or the run
            used a setting that is gone.
    """
    try:
        settings = run.info["settings"]["recipe"]
        stages = [_lasting(stage, _GONE_OF_STAGE) for stage in settings["stages"]]
    except KeyError as error:
        raise InputError(f"{run.path / 'run.json'} lacks the key {error}") from error
    for stage in stages:
        if stage.get("metric"):
            stage["metric"] = _lasting(stage["metric"], {"cross_domain": False})
    return load_recipe({**_lasting(settings, _GONE), "stages": stages})


def _lasting(settings: dict[str, Any], gone: dict[str, Any]) -> dict[str, Any]:
    """Settings without those that are gone and had no effect."""
    return {
        name: value for name, value in settings.items() if name not in gone or value != gone[name]
    }
