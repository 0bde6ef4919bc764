"""Settings of a teacher: refused, written and read, made definite, in the folders of trials."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from raresign.errors import InputError
from raresign.training import Hardware, Recipe, Teacher, load_recipe
from raresign.workflow.protocol.ideas import load_ideas, rows_of_ideas
from raresign.workflow.protocol.trial import trial_folder
from raresign.workflow.train_recipe import definite, with_changes

Tiny = Callable[..., dict[str, Any]]
run_module = importlib.import_module("raresign.workflow.protocol.run")


@pytest.mark.parametrize(
    "teacher",
    [
        {},
        {"backbone": "resnet18", "run": "x"},
        {"backbone": "resnet18", "weight": 1.5},
        {"backbone": "resnet18", "weight": 0},
        {"run": "x", "weights": "none"},
        {"backbone": "resnet18", "temperature": 0},
        {"backbone": "resnet18", "teacher": "x"},
    ],
)
def test_settings_that_do_not_fit(tiny: Tiny, teacher: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="teacher"):
        load_recipe({**tiny(), "teacher": teacher})


def test_a_teachers_run_is_found_beside_the_recipe_or_from_here(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "beside" / "run").mkdir(parents=True)
    (tmp_path / "here" / "other").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    recipe = tmp_path / "beside" / "recipe.yaml"
    for name, place in (("run", "beside/run"), ("other", "here/other")):
        recipe.write_text(json.dumps({**tiny(), "teacher": {"run": name}}))
        loaded = load_recipe(recipe)
        assert loaded.teacher == Teacher(run=str(tmp_path / place))
        assert load_recipe(loaded.model_dump(mode="json")) == loaded


@pytest.mark.parametrize(
    "changes",
    [
        {"teacher": {"backbone": "auto", "weights": "none", "weight": 0.1}},
        {"teacher": {"run": "/somewhere"}, "second_look": True},
        {"stages": [{"use": "mixed", "prior_strength": 0.5}, {"use": "mixed", "prior": "none"}]},
    ],
)
def test_a_recipe_that_was_written_reads_the_same(tiny: Tiny, changes: dict[str, Any]) -> None:
    recipe = load_recipe({**tiny(), **changes})
    assert load_recipe(recipe.model_dump(mode="json")) == recipe
    assert Recipe.model_validate(recipe.model_dump()) == recipe


def test_a_teacher_may_have_the_backbone_of_its_student(tiny: Tiny) -> None:
    recipe = load_recipe({**tiny(), "teacher": {"backbone": "auto"}})
    nothing = dict.fromkeys(("weights", "crop_size", "preset", "teacher"))
    plain = with_changes(recipe, backbone=None, **nothing, hardware=Hardware())
    assert plain.teacher == Teacher(backbone=plain.backbone)
    other = with_changes(recipe, backbone="resnet18", **nothing, hardware=Hardware())
    assert other.teacher == Teacher(backbone="resnet18")
    both = load_recipe({**tiny(), "backbone": "auto", "teacher": {"backbone": "auto"}})
    assert definite(both, "cpu").teacher == Teacher(backbone="mobilenetv2_100")


def test_a_run_takes_the_place_of_a_backbone_and_its_weights(tiny: Tiny, tmp_path: Path) -> None:
    taught = {"backbone": "auto", "weights": "none", "weight": 0.3}
    recipe = load_recipe({**tiny(), "teacher": taught})
    nothing = dict.fromkeys(("weights", "crop_size", "preset", "backbone"))
    changed = with_changes(recipe, teacher=tmp_path, **nothing, hardware=Hardware())
    assert changed.teacher == Teacher(run=str(tmp_path), weight=0.3)


def test_old_trials_keep_their_folders(tiny_recipe: Recipe, tmp_path: Path) -> None:
    """All but those of a difficulty that grows: their crops are other ones now."""
    written = tiny_recipe.model_dump_json(exclude_defaults=True)
    assert "teacher" not in written
    digest = hashlib.sha256(written.encode()).hexdigest()[:8]
    assert trial_folder(tmp_path, "x", tiny_recipe, 0, 1) == tmp_path / f"x-{digest}/fold-0-seed-1"
    rows = rows_of_ideas(tiny_recipe, load_ideas())
    assert rows["small net taught by MobileNetV2"].teacher == Teacher(backbone="mobilenetv2_100")
    growing = rows["growing difficulty"]
    old = hashlib.sha256(growing.model_dump_json(exclude_defaults=True).encode()).hexdigest()[:8]
    assert trial_folder(tmp_path, "x", growing, 0, 0).parent.name != f"x-{old}"


def test_rows_of_the_protocol_are_definite(tiny_recipe: Recipe) -> None:
    rows = run_module._chosen(rows_of_ideas(tiny_recipe, load_ideas()), ["taught by itself"])
    assert rows["taught by itself"].teacher == Teacher(backbone=tiny_recipe.backbone)
