"""Settings that strangers send: recipes, presets, ideas, run.json, settings of synthetic crops."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from fuzzing.kind import Kind, Target, reading, with_field

_RECIPE = """\
name: own
backbone: mobilenetv2_100
crop_size: 64
stages:
  - use: mixed
    steps: 5
    preset: road
  - {kind: mixed, name: end, steps: 3, start: previous, real: 4, synthetic: 4}
"""
_PRESET = """\
engine: road
pose: {tilt: [-10, 10]}
sensor: {pixels: [12, 80]}
jpeg: {probability: 0.5}
guard: {least_contrast: 0.1}
"""
_REFERENCE = "engine: reference\nicon_pixels: [16, 100]\nbrightness: [0.5, 0.8]\n"
_IDEAS = (
    "- title: a\n  stage: {averaging: 0.0}\n  keep: true\n- {title: b, recipe: {embedding: 4}}\n"
)


def _yaml(name: str, seeds: tuple[str, ...], patterns: tuple[str, ...], at: Path) -> Target:
    from raresign.errors import InputError
    from raresign.lab.protocol.ideas import load_ideas
    from raresign.synthesis.preset import load_preset
    from raresign.training.recipe import load_recipe

    readers: dict[str, Callable[[Path], Any]] = {
        "recipe": load_recipe,
        "preset": load_preset,
        "ideas": load_ideas,
    }
    made = with_field([seed.encode() for seed in seeds], *patterns)
    return Target(made, reading(at / f"{name}.yaml", readers[name]), (InputError,), ("lines",))


def _parsed(folder: Path) -> Target:
    from raresign.parsing import parse_yaml

    def read(data: bytes) -> object:
        return parse_yaml(data.decode("utf-8", "replace"), texts_only=len(data) % 2 == 0)

    seeds = [_RECIPE.encode(), _IDEAS.encode(), b"a: |\n  text\nb: >-\n  c\n? d\n: 2026-01-01\n"]
    return Target(seeds, read, (ValueError,), ("lines",))


RUN = {
    "name": "own",
    "created": "2026-01-01T00:00:00+00:00",
    "settings": {
        "data": "signs",
        "crops": None,
        "icons": None,
        "country": "RU",
        "layout": "auto",
        "max_seconds": 60,
        "seed": 1,
        "recipe": {
            "recognition": "fused",
            "framing": "whole",
            "stages": [
                {
                    "kind": "mixed",
                    "steps": 5,
                    "real": 4,
                    "synthetic": 4,
                    "preset": "presets/road.yaml",
                }
            ],
        },
    },
    "seconds": 1.5,
    "seed": 3,
    "pseudo_rare": ["2.5"],
    "stages": [
        {
            "name": "mixed",
            "kind": "mixed",
            "steps": 5,
            "seconds": 1.0,
            "crops_per_second": 9.5,
            "synthetic_refused": None,
            "pseudo_rare_recall": 0.5,
            "test": {"recall": 0.5},
        }
    ],
    "finished": True,
}


def _run_json(folder: Path) -> Target:
    """run.json, and the parts of it that any command asks for."""
    from raresign.errors import InputError
    from raresign.runs.recipe_file import saved_recipe
    from raresign.runs.run_folder import RunFolder

    def read(path: Path) -> object:
        run = RunFolder.open(path.parent)
        run.check_finished()
        saved_recipe(run)
        return run.framing

    (folder / "presets").mkdir(exist_ok=True)
    (folder / "presets" / "road.yaml").write_text(_PRESET)
    seeds = [json.dumps(RUN).encode()]
    return Target(seeds, reading(folder / "run.json", read), (InputError,), ("json",))


def _synth(folder: Path) -> Target:
    from raresign.commands.synth.settings_file import read_settings
    from raresign.errors import InputError

    found = {"size": 8, "seed": 0, "format": "png", "preset": {}, "digests": {"icons": "a"}}
    seeds = [json.dumps({**found, "data": "gost", "codes": ["1.1", "2.5"]}).encode()]
    read = reading(folder / "settings.json", lambda path: read_settings(path.parent))
    return Target(seeds, read, (InputError,), ("json",))


KINDS = [
    Kind("YAML", 1_500, _parsed, ("raresign.parsing", "yaml")),
    Kind("recipe", 300, partial(_yaml, "recipe", (_RECIPE,), ("tiny.yaml", "syn.yaml"))),
    Kind("preset", 1_000, partial(_yaml, "preset", (_PRESET, _REFERENCE), ())),
    Kind("ideas", 800, partial(_yaml, "ideas", (_IDEAS,), ())),
    Kind("run.json", 9_000, _run_json),
    Kind("settings.json of synth", 40_000, _synth),
]
