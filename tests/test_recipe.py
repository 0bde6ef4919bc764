"""Recipes: what ships loads, what a user mistypes is named, what was run can be run again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from raresign.errors import InputError
from raresign.runs.recipe_file import saved_recipe
from raresign.runs.run_folder import RunFolder
from raresign.synthesis.preset import load_preset
from raresign.training.recipe import Recipe, load_recipe, recipe_names

MIXED = {"use": "mixed", "steps": 5}


def test_the_known_recipes_ship() -> None:
    assert {"default", "demo", "demo-fast", "four-stages", "reference", "reference-faults"} <= set(
        recipe_names()
    )


@pytest.mark.parametrize("name", recipe_names())
def test_shipped_recipes_load(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.stages[0].start == "weights" or name.startswith("default")
    for stage in recipe.stages:
        assert stage.batch > 0
        load_preset(stage.preset)


def test_only_the_faulty_reference_flips_blindly() -> None:
    for name in recipe_names():
        blind = {stage.flips for stage in load_recipe(name).stages} == {"blind"}
        assert not blind or name == "reference-faults"
    assert load_recipe("reference-faults").stages[0].flips == "blind"


def test_use_takes_a_named_stage_and_changes_it() -> None:
    plain, changed = load_recipe(
        {"stages": ["mixed", {"use": "mixed", "steps": 5, "name": "mine"}]}
    ).stages
    assert changed.steps == 5
    assert changed.title == "mine"
    assert (changed.real, changed.synthetic) == (plain.real, plain.synthetic)
    assert plain.title == "mixed"


def test_use_reaches_nested_settings() -> None:
    change = {"use": "metric", "balanced": {"classes": 3, "items": 2}}
    stage = load_recipe({"stages": [change]}).stages[0]
    assert stage.batch == 6
    assert stage.contrastive is not None


@pytest.mark.parametrize(
    ("recipe", "named"),
    [
        ({"stages": [{**MIXED, "stepz": 3}]}, "stages.0.stepz"),
        ({"stages": [MIXED], "crop_sizes": 64}, "crop_sizes"),
        ({"stages": [{**MIXED, "steps": 0}]}, "stages.0.steps"),
        ({"stages": [MIXED, {**MIXED, "learning_rate": -1}]}, "stages.1.learning_rate"),
        ({"stages": [{**MIXED, "freeze": "all"}]}, "stages.0.freeze"),
        ({"stages": [{**MIXED, "averaging": 1.0}]}, "stages.0.averaging"),
        ({"stages": [{**MIXED, "contrastive": {"wait": 1}}]}, "stages.0.contrastive.wait"),
        ({"stages": [{"kind": "mixed", "real": 4, "synthetic": 4}]}, "stages.0.steps"),
        ({"stages": [{"use": "mixt"}]}, "'mixt'"),
        ({"stages": ["fine-tune"]}, "'fine-tune'"),
        ({"stages": [7]}, "7"),
        ({"stages": "mixed"}, "stages"),
        ({"stages": []}, "stages"),
        ({}, "stages"),
        ({"bogus": 1}, "there is no such setting 'bogus'; stages: a list of stages is needed"),
        ({"crop_size": -1}, "crop_size"),
        ({"stages": [{**MIXED, "stepz": 3}]}, "did you mean 'steps'"),
        ({"stages": [{**MIXED, "contrastive": {"wait": 1}}]}, "did you mean 'weight'"),
        (
            {"stages": [{"steps": 3, 7: 1}]},
            "neither 'use' nor 'kind', and there is no such setting '7'",
        ),
        ({"stages": [MIXED], "pseudo_rare": 1.0}, "pseudo_rare"),
        ({"stages": [{**MIXED, "preset": "raod"}]}, "'raod'"),
        ({"stages": [{**MIXED, "preset": "gone.yaml"}]}, "gone.yaml"),
        ({"stages": [{**MIXED, "preset": 5}]}, "stages.0.preset"),
        ({"stages": [{**MIXED, "real": 0}]}, "stages.0"),
    ],
)
def test_mistakes_are_named(recipe: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError) as caught:
        load_recipe(recipe)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_recipe_names_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"'defalt'.*default"):
        load_recipe("defalt")


@pytest.mark.parametrize("text", ["stages: [", "- mixed", "", "42"])
def test_broken_yaml_names_the_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"broken\.yaml"):
        load_recipe(path)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", None])
def test_unreadable_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "mine.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"mine\.yaml"):
        load_recipe(path)


def test_missing_file_is_told_without_errno(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"mine\.yaml: there is no such file") as caught:
        load_recipe(tmp_path / "mine.yaml")
    assert "Errno" not in str(caught.value)


def write_recipe(folder: Path, preset: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump({"name": "mine", "stages": [{**MIXED, "preset": preset}]}))
    return path


def test_preset_is_found_beside_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_recipe(tmp_path / "recipes", "mine.yaml")
    (path.parent / "mine.yaml").write_text("engine: road\nguard: {enabled: false}\n")
    monkeypatch.chdir(tmp_path)
    stage = load_recipe(Path("recipes/recipe.yaml")).stages[0]
    monkeypatch.chdir("/")  # the path does not depend on where the run goes on
    assert load_preset(stage.preset).guard.enabled is False  # type: ignore[union-attr]


def test_a_file_called_like_a_preset_is_not_taken_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "road").write_text("a map")
    assert load_recipe({"stages": [MIXED]}).stages[0].preset == "road"


def test_reversed_range_in_a_preset_is_named(tmp_path: Path) -> None:
    path = write_recipe(tmp_path, "mine.yaml")
    (tmp_path / "mine.yaml").write_text("sensor: {pixels: [64, 10]}\n")
    with pytest.raises(InputError, match=r"mine\.yaml: sensor\.pixels: .*low to high"):
        load_recipe(path)


@pytest.mark.parametrize("name", recipe_names())
def test_round_trip_through_json_and_yaml(name: str, tmp_path: Path) -> None:
    recipe = load_recipe(name)
    kept = recipe.model_dump(mode="json")
    assert load_recipe(json.loads(json.dumps(kept))) == recipe
    path = tmp_path / "kept.yaml"
    path.write_text(yaml.safe_dump(kept))
    assert load_recipe(path) == recipe


def test_a_run_keeps_its_recipe(finished_run: Path, tiny: Callable[..., dict[str, Any]]) -> None:
    info = json.loads((finished_run / "run.json").read_text())
    kept = load_recipe(info["settings"]["recipe"])
    assert isinstance(kept, Recipe)
    expected = tiny(
        {"kind": "pretrain", "steps": 2, "real": 8, "validate_every": 2},
        {"kind": "mixed", "steps": 2, "real": 4, "synthetic": 4, "validate_every": 2},
    )
    assert kept == load_recipe(expected)


def run_of_an_earlier_version(stage: dict[str, Any], recipe: dict[str, Any]) -> RunFolder:
    settings = load_recipe({"stages": [MIXED]}).model_dump(mode="json")
    gone = {"lora": 0, "adversarial": None, "separate_norms": False, "difficulty": [1.0, 1.0],
            "crops_behind": 0, "by_errors": 0.0}  # fmt: skip
    stages = [{**settings["stages"][0], **gone, **stage}]
    earlier = {**settings, "head": "linear", "second_look": False, "teacher": None, **recipe}
    return RunFolder(Path("run"), {"settings": {"recipe": {**earlier, "stages": stages}}})


def test_a_run_of_an_earlier_version_is_read_without_the_settings_that_are_gone() -> None:
    metric = {"loss": "supcon", "weight": 0.2, "icons": True}
    run = run_of_an_earlier_version({"metric": {**metric, "cross_domain": False}}, {})
    assert saved_recipe(run) == load_recipe({"stages": [{**MIXED, "metric": metric}]})
    balanced = {"classes": 3, "items": 2}
    shares = {"real": 0, "synthetic": 0, "balanced": {**balanced, "by_family": False}}
    (stage,) = saved_recipe(run_of_an_earlier_version(shares, {})).stages
    assert stage == load_recipe({"stages": [{**MIXED, **shares,
                                             "balanced": balanced}]}).stages[0]  # fmt: skip


@pytest.mark.parametrize(
    ("stage", "recipe", "named"),
    [({"lora": 8}, {}, "lora"), ({}, {"head": "cosine"}, "head"),
     ({"metric": {"loss": "supcon", "cross_domain": True}}, {}, "cross_domain"),
     ({"balanced": {"classes": 3, "by_family": True}}, {}, "by_family")],
)  # fmt: skip
def test_a_run_that_used_what_is_gone_is_refused(
    stage: dict[str, Any], recipe: dict[str, Any], named: str
) -> None:
    with pytest.raises(InputError, match=named):
        saved_recipe(run_of_an_earlier_version(stage, recipe))
