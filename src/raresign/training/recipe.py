"""A recipe: which backbone at which crop size, and a list of stages."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from raresign.errors import InputError
from raresign.files import read_text
from raresign.framing.finder import Framing
from raresign.parsing import MAX_YAML_BYTES, parse_yaml
from raresign.synthesis.preset import load_preset
from raresign.synthesis.validation import SHORT, no_setting, validation_problem
from raresign.training.stage import Stage

_FOLDER = resources.files("raresign.training")


class Recipe(BaseModel):
    """Everything that decides a run but the data and the seed."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = "recipe"
    backbone: str = "auto"
    """Any timm name; `auto` is ResNet50 on a GPU and MobileNetV2 on a CPU."""
    crop_size: int = Field(default=0, ge=0, le=512)
    """Pixels; 0 is what fits the backbone: 224 on a GPU, 64 on a CPU."""
    weights: str = "auto"
    """`auto`, `hub`, `package`, `none` or a file."""
    embedding: int = Field(default=512, ge=2, le=65_536)
    framing: Framing = "found"
    """`found` cuts every crop to the sign that is found in it; `whole` reads crops as they are."""
    photometry: Literal["none", "contrast"] = "none"
    """`contrast` brings every crop to the same mean and contrast, in training and test."""
    recognition: Literal["fused", "softmax"] = "fused"
    """`fused` joins classifier and prototypes by a rule that is fitted on held-out crops and can
    say "unknown"; `softmax` answers with the classifier alone, as the published system does."""
    variants: bool = True
    """Our drawings join the user's icons as variants where we draw nearly all of the signs."""
    index_crops: int = Field(default=32, ge=1, le=1024)
    """Synthetic crops a class in the index of prototypes."""
    pseudo_rare: float = Field(default=0.2, ge=0.0, lt=1.0)
    """Share of the frequent classes that play rare."""
    validation: float = Field(default=0.1, ge=0.0, lt=1.0)
    """Share of the other frequent crops that only measure, by near-duplicate cluster."""
    stages: tuple[Stage, ...] = Field(min_length=1)

    @property
    def index_preset(self) -> str:
        """The preset that prototypes are made with: that of the last stage that synthesises."""
        presets = [stage.preset for stage in self.stages if stage.kind != "pretrain"]
        return presets[-1] if presets else "road"

    def fits_rules(self, number: int) -> bool:
        """Whether the rules of recognition are fitted when stage `number` (from 0) ends.

        It is the last one that holds crops out, and its net lives on in all later stages.
        """
        later = self.stages[number + 1 :]
        return (
            self.recognition == "fused"
            and self.stages[number].hold_out
            and not any(stage.hold_out or stage.start == "weights" for stage in later)
        )


def recipe_names() -> tuple[str, ...]:
    """Names of the recipes that come with the package."""
    return _names("recipes")


def load_recipe(source: str | Path | dict[str, Any]) -> Recipe:
    """A recipe by name, from a YAML file, or from a mapping.

    A stage in the list is a name (`mixed`), or a mapping that takes a named stage with `use` and
    changes some of its settings.

    Raises:
        InputError: Unknown name, unreadable file, unknown key, impossible value or a preset that
            does not exist.

    Example:
        >>> recipe = load_recipe({"stages": [{"use": "mixed", "steps": 5}]})
        >>> recipe.stages[0].steps
        5
    """
    if isinstance(source, dict):
        return _build(source, "recipe", Path())
    path, names = Path(source), ", ".join(recipe_names())
    if path.suffix not in {".yaml", ".yml"}:
        if str(source) not in recipe_names():
            raise InputError(
                f"no recipe is called '{source}'", f"use one of {names} or a .yaml file"
            )
        return _build(_packaged("recipes", str(source)), f"recipe {source}", Path())
    try:
        values = parse_yaml(read_text(path, MAX_YAML_BYTES))
    except FileNotFoundError as error:
        raise InputError(
            f"recipe {path}: there is no such file", f"check the path, or use one of {names}"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise InputError(f"cannot read the recipe {path}: {reason}") from error
    except ValueError as error:
        raise InputError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise InputError(f"{path}: a mapping is needed, got {type(values).__name__}")
    return _build(values, str(path), path.parent)


def _build(values: dict[str, Any], where: str, folder: Path) -> Recipe:
    stages = values.get("stages")
    if not isinstance(stages, list):
        lacking = f"stages: a list of stages is needed, got {SHORT.repr(stages)}"
        try:
            Recipe.model_validate({**values, "stages": [_stage("mixed", where, folder)]})
        except ValidationError as error:
            lacking = f"{validation_problem(error, Recipe)}; {lacking}"
        raise InputError(f"{where}: {lacking}")
    entries = [_stage(stage, f"{where}: stages.{k}", folder) for k, stage in enumerate(stages)]
    try:
        recipe = Recipe.model_validate({**values, "stages": entries})
    except ValidationError as error:
        raise InputError(f"{where}: {validation_problem(error, Recipe)}") from error
    for stage in recipe.stages:
        load_preset(stage.preset)
    return recipe


def _stage(value: Any, where: str, folder: Path) -> dict[str, Any]:
    """The settings of one entry of the list, with `use` and the preset's folder filled in."""
    changes = {"use": value} if isinstance(value, str) else value
    if not isinstance(changes, dict):
        raise InputError(f"{where}: a name or a mapping is needed, got {SHORT.repr(value)}")
    preset = str(changes.get("preset", ""))
    if Path(preset).suffix in {".yaml", ".yml"} and (folder / preset).is_file():
        changes = {**changes, "preset": str((folder / preset).resolve())}
    name = changes.get("use")
    if name is None:
        if "kind" not in changes:
            odd = [str(key)[:60] for key in changes if key not in Stage.model_fields]
            named = "".join(f", and {no_setting(key, Stage.model_fields)}" for key in odd[:5])
            raise InputError(
                f"{where}: the stage has neither 'use' nor 'kind'{named}",
                "give 'use: mixed' (a stage by name) or 'kind'",
            )
        return changes
    if not isinstance(name, str) or name not in _names("stages"):
        known = ", ".join(_names("stages"))
        raise InputError(f"{where}: no stage is called {SHORT.repr(name)}", f"use {known}")
    return {**_packaged("stages", name), **{key: changes[key] for key in changes if key != "use"}}


def _packaged(kind: str, name: str) -> dict[str, Any]:
    """Values of a recipe or stage that comes with the package."""
    text = (_FOLDER / kind / f"{name}.yaml").read_text(encoding="utf-8")
    return cast(dict[str, Any], parse_yaml(text))


def _names(kind: str) -> tuple[str, ...]:
    files = (_FOLDER / kind).iterdir()
    return tuple(sorted(Path(f.name).stem for f in files if f.name.endswith(".yaml")))
