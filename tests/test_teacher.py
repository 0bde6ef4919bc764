"""Runs with a teacher: trained first or a finished run, interrupted, refused, in the protocol."""

from __future__ import annotations

import importlib
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from raresign.errors import InputError, Interrupted
from raresign.models import load_model
from raresign.training import (
    Recipe,
    StageBatches,
    StageResult,
    Teacher,
    TrainingData,
    load_recipe,
    new_net,
    new_teacher,
)
from raresign.workflow import train
from raresign.workflow.protocol import protocol, protocol_absent
from raresign.workflow.protocol.ideas import load_ideas, rows_of_ideas
from raresign.workflow.protocol.trial import trial_folder

Tiny = Callable[..., dict[str, Any]]
PRETRAIN = {"kind": "pretrain", "steps": 3, "real": 8, "validate_every": 3}
MIXED = {"kind": "mixed", "steps": 3, "real": 4, "synthetic": 4, "validate_every": 3}
TEACHER = {"backbone": "mobilenetv3_small_050", "weights": "none"}


def taught(tiny: Tiny, **changes: Any) -> dict[str, Any]:
    return {**tiny(PRETRAIN, MIXED), "recognition": "softmax", "teacher": {**TEACHER, **changes}}


def same_model(one: Path, other: Path) -> bool:
    a, b = load_model(one).state_dict(), load_model(other).state_dict()
    return all(torch.allclose(a[name], b[name], atol=1e-6, rtol=0) for name in a)


@pytest.fixture(scope="module")
def taught_run(
    data_folder: Path, tiny: Tiny, shared_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "taught"
    return train(data_folder, folder, taught(tiny), seed=4, report=False, cache=shared_cache)


def test_a_run_trains_its_teacher_first(taught_run: Path) -> None:
    info = json.loads((taught_run / "run.json").read_text())
    assert info["finished"]
    assert [stage["name"] for stage in info["stages"]] == ["pretrain", "mixed"]
    teacher = taught_run / "teacher"
    assert {path.name for path in teacher.iterdir()} == {
        "01-pretrain",
        "02-mixed",
        "model.json",
        "model.safetensors",
        "teacher.json",
    }
    assert not list(taught_run.rglob("*.ckpt"))
    assert load_model(teacher).settings["backbone"] == TEACHER["backbone"]
    record = json.loads((teacher / "teacher.json").read_text())
    assert record["stages"] == 2
    assert info["seconds"] >= record["seconds"] + sum(s["seconds"] for s in info["stages"])


def test_a_teacher_starts_apart_from_its_student(tiny: Tiny) -> None:
    """Same backbone, same seed: the second net would else be the first one trained twice."""
    values = tiny()
    recipe = load_recipe({**values, "teacher": {**TEACHER, "backbone": values["backbone"]}})
    one, other = new_net(recipe, 3, 0).state_dict(), new_teacher(recipe, 3, 0).state_dict()
    assert [(k, v.shape) for k, v in one.items()] == [(k, v.shape) for k, v in other.items()]
    assert not torch.equal(one["embed.weight"], other["embed.weight"])


@pytest.mark.parametrize("at", [1, 4])  # fits that Ctrl-C falls into: second of teacher, student
def test_an_interrupted_run_resumes_to_the_same_model(
    data_folder: Path,
    taught_run: Path,
    tmp_path: Path,
    tiny: Tiny,
    monkeypatch: pytest.MonkeyPatch,
    at: int,
) -> None:
    compose = StageBatches.batch
    firsts: list[int] = []
    stop = at

    def batch(self: StageBatches, step: int, *args: int) -> Any:
        if step == 1:
            firsts.append(step)
            if len(firsts) == stop:
                os.kill(os.getpid(), signal.SIGINT)
        return compose(self, step, *args)

    monkeypatch.setattr(StageBatches, "batch", batch)
    run = tmp_path / "run"
    with pytest.raises(Interrupted):
        train(data_folder, run, taught(tiny), seed=4, report=False)
    assert len(firsts) == at
    train(data_folder, run, resume=True, report=False)
    assert same_model(run / "teacher", taught_run / "teacher")
    assert same_model(run, taught_run)
    assert len(firsts) == 4  # what was finished is not trained again
    assert not list(run.rglob("*.ckpt"))


def test_a_time_limit_shortens_the_teacher_too(
    data_folder: Path, tmp_path: Path, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[float] = []
    for name in ("raresign.workflow.train", "raresign.training.teacher"):
        module = importlib.import_module(name)

        def spy(*args: Any, **options: Any) -> StageResult:
            limits.append(options["max_seconds"])
            return StageResult(3, 0.0, 1.0, None, None, None)

        monkeypatch.setattr(module, "fit_stage", spy)
    train(data_folder, tmp_path / "run", taught(tiny), report=False, max_seconds=400)
    assert len(limits) == 4
    assert limits[0] == pytest.approx(400 * 0.88 / 4, rel=0.2)
    assert limits == sorted(limits)  # each gets an equal share of what the ones before left


def test_a_finished_run_teaches(
    finished_run: Path, data_folder: Path, tmp_path: Path, tiny: Tiny, cli: Callable[..., Any]
) -> None:
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(json.dumps({**tiny(MIXED), "recognition": "softmax"}))
    ended = cli(
        "train",
        str(data_folder),
        *("--out", str(tmp_path / "run"), "--recipe", str(recipe)),
        *("--crop-size", "48", "--teacher", str(finished_run)),
    )
    assert ended.code == 0, ended.err
    info = json.loads((tmp_path / "run" / "run.json").read_text())
    teacher = info["settings"]["recipe"]["teacher"]
    assert teacher["run"] == str(finished_run.resolve())
    assert not (tmp_path / "run" / "teacher").exists()
    assert load_model(tmp_path / "run").crop_size == 48


@pytest.mark.parametrize("fault", ["classes", "unfinished", "missing", "backbone"])
def test_a_teacher_that_cannot_teach_leaves_no_folder(
    fault: str, finished_run: Path, own_data: Path, tmp_path: Path, tiny: Tiny
) -> None:
    run, named = finished_run, "missing"
    if fault == "classes":
        classes = json.loads((own_data / "classes.json").read_text())
        del classes["2.5"]
        (own_data / "classes.json").write_text(json.dumps(classes))
        named = r"other classes.*2\.5"
    elif fault == "unfinished":
        run, named = tmp_path / "half", "not finished"
        run.mkdir()
        (run / "run.json").write_text(json.dumps({"finished": False}))
    elif fault == "missing":
        run, named = tmp_path / "nowhere", "holds no run"
    teacher = {"run": str(run)} if fault != "backbone" else {"backbone": "mobilenet_v99"}
    with pytest.raises(InputError, match=named if fault != "backbone" else "mobilenet_v99"):
        train(own_data, tmp_path / "out", {**tiny(PRETRAIN), "teacher": teacher})
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "teacher",
    [
        {},
        {"backbone": "resnet18", "run": "x"},
        {"backbone": "resnet18", "weight": 1.5},
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


def test_old_trials_keep_their_folders(tiny_recipe: Recipe, tmp_path: Path) -> None:
    assert "teacher" not in tiny_recipe.model_dump_json(exclude_defaults=True)
    rows = rows_of_ideas(tiny_recipe, load_ideas())
    assert rows["small net taught by MobileNetV2"].teacher == Teacher(backbone="mobilenetv2_100")
    folders = {trial_folder(tmp_path, "x", recipe, 0, 0) for recipe in rows.values()}
    assert len(folders) >= 4


def test_a_trial_trains_its_teacher_on_its_own_crops(
    data_folder: Path, tmp_path: Path, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, int, bool, int, set[int]]] = []
    for name in ("raresign.workflow.protocol.trial", "raresign.training.teacher"):
        module = importlib.import_module(name)

        def spy(
            net: Any,
            stage: Any,
            data: TrainingData,
            *args: Any,
            name: str = name,
            fit: Any = module.fit_stage,
            **options: Any,
        ) -> Any:
            rows = set(data.training_indices(True).tolist())
            seen.append((name, stage.steps, stage.hold_out, stage.validate_every, rows))
            return fit(net, stage, data, *args, **options)

        monkeypatch.setattr(module, "fit_stage", spy)
    recipe = tmp_path / "taught.yaml"
    stage = {**MIXED, "steps": 2, "validate_every": 1, "hold_out": False}
    recipe.write_text(json.dumps({**tiny(stage), "teacher": TEACHER}))
    out = tmp_path / "out"
    protocol(data_folder, out, recipe, folds=2, seeds=1, reference=False)
    teachers, students = seen[0::2], seen[1::2]
    assert len(teachers) == len(students) == 2
    for teacher, student in zip(teachers, students, strict=True):
        assert teacher[0].endswith("teacher")
        assert teacher[1:] == student[1:]
        assert teacher[1:4] == (2, True, 2)
    assert teachers[0][4] != teachers[1][4]
    assert len(list(out.rglob("trial.json"))) == 2
    assert not list(out.rglob("teacher"))


@pytest.mark.parametrize("measure", [protocol, protocol_absent])
def test_the_protocol_refuses_a_teacher_that_may_know_the_answers(
    measure: Any, finished_run: Path, data_folder: Path, tmp_path: Path, tiny: Tiny
) -> None:
    recipe = tmp_path / "taught.yaml"
    recipe.write_text(json.dumps({**tiny(), "teacher": {"run": str(finished_run)}}))
    with pytest.raises(InputError, match="crops that measure"):
        measure(data_folder, tmp_path / "out", recipe, folds=2, seeds=1)
    assert not (tmp_path / "out").exists()
