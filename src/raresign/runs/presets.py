"""Copies of the preset files that a run's recipe names: RUN/presets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from raresign.errors import InputError
from raresign.files import read_text, write_text

_FOLDER = "presets"


def keep_presets(path: Path, recipe: dict[str, Any]) -> dict[str, Any]:
    """Copy the preset files of a recipe into a run folder.

    Args:
        path: The run folder.
        recipe: Plain values; a stage's `preset` is a name or a YAML file.

    Returns:
        The recipe, whose stages name the copies by their path in the run folder.
    """
    kept: dict[str, str] = {}
    stages = []
    for stage in recipe["stages"]:
        preset = str(stage.get("preset", ""))
        if Path(preset).suffix in {".yaml", ".yml"}:
            if preset not in kept:
                taken = {Path(copy).name.lower() for copy in kept.values()}
                stem, number = Path(preset).stem, 1
                name = f"{stem}.yaml"
                while name.lower() in taken:
                    number += 1
                    name = f"{stem}-{number}.yaml"
                write_text(path / _FOLDER / name, read_text(preset))
                kept[preset] = f"{_FOLDER}/{name}"
            stage = {**stage, "preset": kept[preset]}
        stages.append(stage)
    return {**recipe, "stages": stages}


def with_kept_presets(path: Path, recipe: dict[str, Any]) -> dict[str, Any]:
    """The recipe that `keep_presets` gave, its copies found wherever the run folder is now.

    Raises:
        InputError: The name of a copy climbs out of the folder of copies.
    """
    return {**recipe, "stages": [_found(path, stage) for stage in recipe["stages"]]}


def _found(path: Path, stage: dict[str, Any]) -> dict[str, Any]:
    """A stage with the place of its preset's copy."""
    preset = str(stage.get("preset", ""))
    if not preset.startswith(f"{_FOLDER}/"):
        return stage
    name = preset.removeprefix(f"{_FOLDER}/")
    if name in ("", "..") or set(name) & set("/\\\0"):
        raise InputError(
            f"{path / 'run.json'} has the preset {preset[:100]!r}",
            f"name a file of {path / _FOLDER}",
        )
    return {**stage, "preset": str(path / preset)}
