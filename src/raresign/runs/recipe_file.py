"""The recipe that a run remembers, written by this version or an earlier one."""

from __future__ import annotations

from typing import Any

from raresign.errors import InputError
from raresign.runs.presets import with_kept_presets
from raresign.runs.run_folder import RunFolder
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


def saved_recipe(run: RunFolder) -> Recipe:
    """The recipe of a run that was stopped or finished.

    Raises:
        InputError: run.json was edited so that its recipe is gone or no longer valid, the run used
            a setting that is gone, or a preset file of an earlier version's run is gone.
    """
    try:
        settings = with_kept_presets(run.path, run.info["settings"]["recipe"])
        stages = [_lasting(stage, _GONE_OF_STAGE) for stage in settings["stages"]]
    except KeyError as error:
        raise InputError(f"{run.path / 'run.json'} lacks the key {error}") from error
    except InputError:
        raise
    except (TypeError, AttributeError, ValueError) as error:
        raise InputError(f"{run.path / 'run.json'} holds no recipe: {error}") from error
    for stage in stages:
        for part, gone in (("metric", "cross_domain"), ("balanced", "by_family")):
            if isinstance(stage.get(part), dict):
                stage[part] = _lasting(stage[part], {gone: False})
    return load_recipe({**_lasting(settings, _GONE), "stages": stages})


def _lasting(settings: dict[str, Any], gone: dict[str, Any]) -> dict[str, Any]:
    """Settings without those that are gone and had no effect."""
    return {
        name: value for name, value in settings.items() if name not in gone or value != gone[name]
    }
