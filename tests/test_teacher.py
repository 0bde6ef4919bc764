"""Runs with a teacher: trained first or a finished run, interrupted, refused, in the protocol."""

from __future__ import annotations

import importlib
import json
import os
import signal
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch

from raresign.errors import InputError, Interrupted
from raresign.models import load_model
from raresign.training import (
    StageBatches,
    StageResult,
    TrainingData,
    load_recipe,
    new_net,
    new_teacher,
)
from raresign.workflow import train
from raresign.workflow.protocol import protocol, protocol_absent
from raresign.workflow.teaching import lesson_of_trial

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


@pytest.mark.parametrize("at", [2, 4])  # fits that Ctrl-C falls into: second of teacher, student
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
    said: list[str] = []
    train(data_folder, run, resume=True, report=False, say=said.append)
    again = [line for line in said if "of its own first" in line]
    assert again == ["teacher: mobilenetv3_small_050, 1 stages of its own first"] * (at == 2)
    assert same_model(run / "teacher", taught_run / "teacher")
    assert same_model(run, taught_run)
    assert len(firsts) == 4  # what was finished is not trained again
    assert not list(run.rglob("*.ckpt"))


def test_a_time_limit_shortens_the_teacher_too(
    data_folder: Path, tmp_path: Path, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[float] = []
    for name in ("raresign.workflow.train", "raresign.training.stage_loop"):
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


@pytest.mark.parametrize("fault", ["classes", "unfinished", "missing", "backbone", "lora"])
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
    teacher, stage = {"run": str(run)}, PRETRAIN
    if fault == "backbone":
        teacher, named = {"backbone": "mobilenet_v99"}, "mobilenet_v99"
    elif fault == "lora":
        teacher, named, stage = TEACHER, "no linear layer", {**PRETRAIN, "lora": 2}
    with pytest.raises(InputError, match=named):
        train(own_data, tmp_path / "out", {**tiny(stage), "teacher": teacher})
    assert not (tmp_path / "out").exists()


def test_a_teacher_never_sees_what_its_student_holds_out(
    data_folder: Path, tmp_path: Path, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stage of its own may train on all crops: the teacher's does not."""
    held: dict[str, list[bool]] = {"train": [], "stage_loop": []}
    for name in ("raresign.workflow.train", "raresign.training.stage_loop"):

        def spy(net: Any, stage: Any, *_: Any, name: str = name, **__: Any) -> StageResult:
            held[name.rpartition(".")[2]].append(stage.hold_out)
            return StageResult(3, 0.0, 1.0, None, None, None)

        monkeypatch.setattr(importlib.import_module(name), "fit_stage", spy)
    whole = {**MIXED, "hold_out": False}
    recipe = {**taught(tiny), "stages": [PRETRAIN, whole]}
    train(data_folder, tmp_path / "run", recipe, report=False)
    assert held == {"train": [True, False], "stage_loop": [True, True]}


@pytest.mark.parametrize("fault", [None, KeyboardInterrupt])
def test_a_trials_teacher_holds_out_and_leaves_no_files(
    fault: type[BaseException] | None,
    training_data: TrainingData,
    tmp_path: Path,
    tiny: Tiny,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held: list[bool] = []

    def spy(net: Any, stage: Any, *_: Any, **__: Any) -> StageResult:
        held.append(stage.hold_out)
        return StageResult(3, 0.0, 1.0, None, None, None)

    module = importlib.import_module("raresign.training.stage_loop")
    monkeypatch.setattr(module, "fit_stage", spy)
    recipe = load_recipe({**taught(tiny), "stages": [PRETRAIN, {**MIXED, "hold_out": False}]})
    with (
        pytest.raises(fault) if fault else nullcontext(),
        lesson_of_trial(recipe, recipe.stages, training_data, tmp_path) as lesson,
    ):
        assert lesson is not None
        assert (tmp_path / "teacher").is_dir()
        if fault:
            raise fault
    assert held == [True, True]
    assert not list(tmp_path.iterdir())


def test_a_trial_trains_its_teacher_on_its_own_crops(
    data_folder: Path, tmp_path: Path, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[bool, int, bool, int, set[int]]] = []
    module = importlib.import_module("raresign.training.stage_loop")
    fit = module.fit_stage

    def spy(net: Any, stage: Any, data: TrainingData, number: int, into: Path, **rest: Any) -> Any:
        rows = set(data.training_indices(True).tolist())
        teaches = into.parent.name == "teacher"
        seen.append((teaches, stage.steps, stage.hold_out, stage.validate_every, rows))
        return fit(net, stage, data, number, into, **rest)

    monkeypatch.setattr(module, "fit_stage", spy)
    recipe = tmp_path / "taught.yaml"
    stage = {**MIXED, "steps": 2, "validate_every": 1, "hold_out": False}
    recipe.write_text(json.dumps({**tiny(stage), "teacher": TEACHER}))
    out = tmp_path / "out"
    protocol(data_folder, out, recipe, folds=2, seeds=1, reference=False)
    teachers, students = seen[0::2], seen[1::2]
    assert len(teachers) == len(students) == 2
    for teacher, student in zip(teachers, students, strict=True):
        assert (teacher[0], student[0]) == (True, False)
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
    recipe.write_text(json.dumps({**tiny(), "teacher": {"backbone": "mobilenet_v99"}}))
    with pytest.raises(InputError, match="mobilenet_v99"):
        measure(data_folder, tmp_path / "out", recipe, folds=2, seeds=1)
    assert not (tmp_path / "out").exists()
