"""`train`: what a run folder holds, how it goes on, and what odd data folders do to it."""

from __future__ import annotations

import csv
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from raresign.commands.evaluate_run import compare, evaluate
from raresign.commands.train.train_run import train
from raresign.errors import InputError, Interrupted
from raresign.framing.finder import read_crop
from raresign.models.model_files import load_model
from raresign.models.sign_net import SignNet
from raresign.runs.evaluation_files import load_predictions
from raresign.runs.run_folder import RunFolder
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.training.batches import StageBatches

Tiny = Callable[..., dict[str, Any]]
MIXED = {"kind": "mixed", "steps": 2, "real": 4, "synthetic": 4, "validate_every": 2}
PRETRAIN = {"kind": "pretrain", "steps": 2, "real": 8, "validate_every": 2}
SYNTHETIC = {"kind": "synthetic", "steps": 2, "synthetic": 8, "validate_every": 2}


def info_of(run: Path) -> dict[str, Any]:
    info: dict[str, Any] = json.loads((run / "run.json").read_text())
    return info


def test_content_of_a_run_folder(finished_run: Path, data_folder: Path) -> None:
    files = {path.relative_to(finished_run).as_posix() for path in finished_run.rglob("*.*")}
    assert {
        "run.json",
        "catalogue/catalogue.json",
        "catalogue/icons/2.5.svg",
        "stages/01-pretrain/metrics.csv",
        "stages/02-mixed/metrics.csv",
        "plots/recall-by-stage.png",
        "plots/loss.png",
        "model.safetensors",
        "model.json",
        "sheets/synthetic.png",
        "sheets/real.png",
        "evaluation/metrics.json",
        "evaluation/predictions.parquet",
        "report.html",
    } <= files
    assert not [name for name in files if name.endswith(".ckpt")]
    logged = {path.parent.name for path in finished_run.glob("tensorboard/**/events*")}
    assert logged == {"tensorboard", "01-pretrain", "02-mixed"}
    info = info_of(finished_run)
    assert info["finished"] is True
    assert info["seed"] == 0
    assert info["skipped"] == []
    assert len(info["pseudo_rare"]) == 1
    assert info["settings"]["data"] == str(data_folder.resolve())
    assert {"torch", "timm", "lightning", "raresign", "python"} <= set(info["versions"])
    assert info["machine"]["cores"] >= 1
    assert info["seconds"] >= sum(stage["seconds"] for stage in info["stages"]) > 0


def test_stages_of_a_run(finished_run: Path) -> None:
    pretrain, mixed = info_of(finished_run)["stages"]
    assert [pretrain["kind"], mixed["kind"]] == ["pretrain", "mixed"]
    assert pretrain["synthetic_refused"] is None
    assert 0 <= mixed["synthetic_refused"] < 1
    for stage in (pretrain, mixed):
        assert stage["steps"] == 2
        assert stage["crops_per_second"] > 0
        assert 0 <= stage["pseudo_rare_recall"] <= 1
        assert set(stage["test"]) == {"all", "rare", "freq"}


def test_recall_of_a_run_is_the_share_of_right_answers(finished_run: Path) -> None:
    predictions = load_predictions(finished_run)
    catalogue = RunFolder.open(finished_run).catalogue
    right: dict[str, list[bool]] = {"all": [], "rare": [], "freq": []}
    for label, scores in zip(predictions.labels, predictions.probabilities, strict=True):
        hit = int(np.argmax(scores)) == int(label)
        right["all"].append(hit)
        right[catalogue[int(label)].type].append(hit)
    expected = {name: pytest.approx(float(np.mean(hits))) for name, hits in right.items()}
    assert info_of(finished_run)["test"] == expected  # of the answers, prototypes included


def test_run_answers_as_recorded(finished_run: Path, data_folder: Path) -> None:
    recogniser = RunFolder.open(finished_run).recogniser()
    predictions = load_predictions(finished_run)
    with Image.open(data_folder / predictions.paths[0]) as picture:
        size, framing = recogniser.encoder.crop_size, recogniser.framing
        crop = read_crop(picture.convert("RGB"), size, framing)[None]
    answer = recogniser.recognise(crop).probabilities[0]
    np.testing.assert_allclose(answer, predictions.probabilities[0], atol=1e-5)


def test_evaluate_repeats_the_last_stage(finished_run: Path, data_folder: Path) -> None:
    metrics = evaluate(finished_run, data_folder, out=finished_run.parent / "again").as_dict()
    kept = json.loads((finished_run / "evaluation" / "metrics.json").read_text())
    assert metrics == kept
    again = json.loads((finished_run.parent / "again" / "metrics.json").read_text())
    assert again == kept


def test_evaluate_a_copy_of_the_data_elsewhere(finished_run: Path, own_data: Path) -> None:
    """Paths are recorded relative to the data, so a moved folder still compares."""
    copy = Path(shutil.copytree(finished_run, own_data.parent / "run"))
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    told: list[str] = []
    evaluate(copy, own_data, say=told.append)
    place = copy / "evaluation-of-own"
    assert str(place) in told[-1]
    assert list(load_predictions(place).paths) == list(load_predictions(finished_run).paths)
    assert compare(place, finished_run).verdict
    assert {path: path.read_bytes() for path in before} == before


def test_evaluate_on_the_own_data_writes_the_report(
    finished_run: Path, data_folder: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    (run / "report.html").unlink(missing_ok=True)
    evaluate(run, data_folder)
    assert (run / "report.html").is_file()
    assert not list(run.glob("evaluation-of-*"))
    evaluate(run, data_folder, crops=shutil.copytree(data_folder, tmp_path / "more"))
    assert (run / "evaluation-of-more" / "metrics.json").is_file()


def test_a_run_compared_with_itself_does_not_differ(finished_run: Path) -> None:
    comparison = compare(finished_run, finished_run)
    for name in ("all", "rare", "freq"):
        group = comparison.group(name)
        assert group.difference == 0
        assert group.low <= 0 <= group.high
        assert group.only_a == group.only_b == 0
        assert group.p == 1


def test_evaluate_needs_only_test_crops_of_known_classes(
    finished_run: Path, own_data: Path
) -> None:
    """Without training crops and icons, with fewer classes: the crops are measured by code."""
    shutil.rmtree(own_data / "cropped-train")
    shutil.rmtree(own_data / "icons")
    classes = json.loads((own_data / "classes.json").read_text())
    del classes["2.5"]
    (own_data / "classes.json").write_text(json.dumps({**classes, "9.9": {"id": 99}}))
    kept = json.loads((finished_run / "evaluation" / "metrics.json").read_text())
    assert evaluate(finished_run, own_data, out=own_data / "out").as_dict() == kept


def test_evaluate_refuses_other_classes(finished_run: Path, own_data: Path) -> None:
    classes = json.loads((own_data / "classes.json").read_text())
    classes["9.9"] = classes.pop("2.5")
    (own_data / "classes.json").write_text(json.dumps(classes))
    table = own_data / "smalltest_annotations.csv"
    table.write_text(table.read_text().replace(",2.5\n", ",9.9\n"))
    with (
        pytest.warns(UserWarning, match=r"a class .* \(9\.9\) .* not measured"),
        pytest.raises(InputError, match=r"other classes.* 1 .*\(9\.9\), and it lacks 1 .*\(2\.5\)"),
    ):
        evaluate(finished_run, own_data)


def test_evaluate_needs_test_crops(finished_run: Path, own_data: Path) -> None:
    shutil.rmtree(own_data / "smalltest")
    with pytest.raises(InputError, match="no test crop"):
        evaluate(finished_run, own_data)


def test_start_from_weights_forgets_the_stage_before(
    data_folder: Path, tmp_path: Path, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts: list[dict[str, torch.Tensor]] = []
    module = importlib.import_module("raresign.training.stage_loop")
    fit = module.fit_stage

    def recording(net: SignNet, *args: Any, **options: Any) -> Any:
        starts.append({name: value.clone() for name, value in net.state_dict().items()})
        return fit(net, *args, **options)

    monkeypatch.setattr(module, "fit_stage", recording)
    recipe = tiny(PRETRAIN, {**MIXED, "start": "weights"}, {**MIXED, "start": "previous"})
    train(data_folder, tmp_path / "run", recipe, report=False)

    def differ(one: int, other: int) -> bool:
        return any(not torch.equal(starts[one][key], starts[other][key]) for key in starts[0])

    assert not differ(0, 1)
    assert differ(1, 2)


@pytest.fixture(scope="module")
def pretrained_run(
    data_folder: Path,
    tiny: Tiny,
    shared_cache: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A run of one stage of real crops with seed 0."""
    folder = tmp_path_factory.mktemp("runs") / "pretrained"
    return train(data_folder, folder, tiny(PRETRAIN), report=False, cache=shared_cache)


def test_same_seed_same_weights(
    data_folder: Path, pretrained_run: Path, tmp_path: Path, tiny: Tiny
) -> None:
    again, other = (
        train(data_folder, tmp_path / str(seed), tiny(PRETRAIN), seed=seed, report=False)
        for seed in (0, 1)
    )
    a, b, c = (load_model(run).state_dict() for run in (pretrained_run, again, other))
    assert all(torch.equal(a[key], b[key]) for key in a)
    assert any(not torch.equal(a[key], c[key]) for key in a)


def test_an_existing_run_is_not_overwritten(finished_run: Path, data_folder: Path) -> None:
    before = (finished_run / "run.json").read_bytes()
    with pytest.raises(InputError, match=r"already holds a run.*--resume"):
        train(data_folder, finished_run)
    assert (finished_run / "run.json").read_bytes() == before


def test_a_folder_of_something_else_is_not_touched(
    data_folder: Path, tmp_path: Path, tiny: Tiny
) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        train(data_folder, tmp_path, tiny())
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_finished_run_says_so(finished_run: Path, data_folder: Path) -> None:
    said: list[str] = []
    before = (finished_run / "model.safetensors").stat().st_mtime_ns
    assert train(data_folder, finished_run, resume=True, say=said.append) == finished_run
    assert any("already finished" in line for line in said)
    assert (finished_run / "model.safetensors").stat().st_mtime_ns == before


TWO_STAGES = ({**PRETRAIN, "steps": 3}, {**MIXED, "steps": 3})


@pytest.fixture(scope="module")
def straight_run(
    data_folder: Path,
    tiny: Tiny,
    shared_cache: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A run of two stages in one go."""
    folder = tmp_path_factory.mktemp("runs") / "straight"
    recipe = tiny(*TWO_STAGES)
    return train(data_folder, folder, recipe, seed=4, report=False, cache=shared_cache)


@pytest.mark.parametrize("stage", [0, 1])
def test_interrupted_run_resumes_to_the_same_model(
    data_folder: Path,
    straight_run: Path,
    tmp_path: Path,
    tiny: Tiny,
    monkeypatch: pytest.MonkeyPatch,
    stage: int,
) -> None:
    """Ctrl-C in the second step of either stage."""
    recipe = tiny(*TWO_STAGES)
    compose = StageBatches.batch
    pressed: list[int] = []

    def batch(self: StageBatches, step: int, *args: int) -> Any:
        if step == 1 and self.stage.kind == ("pretrain", "mixed")[stage] and not pressed:
            pressed.append(step)
            os.kill(os.getpid(), signal.SIGINT)
        return compose(self, step, *args)

    monkeypatch.setattr(StageBatches, "batch", batch)
    resumed = tmp_path / "resumed"
    with pytest.raises(Interrupted):
        train(data_folder, resumed, recipe, seed=4, max_seconds=None, report=False)
    info = info_of(resumed)
    assert info["finished"] is False
    assert len(info["stages"]) == stage
    assert {"skipped", "pseudo_rare"} <= set(info)
    # Other settings than the run's own are not looked at.
    train(data_folder, resumed, "default", seed=9, resume=True, report=False)
    one, other = load_model(straight_run).state_dict(), load_model(resumed).state_dict()
    for key, value in one.items():
        assert torch.allclose(value, other[key], atol=1e-6, rtol=0), key
    untimed = ("seconds", "crops_per_second", "synthetic_refused")
    for a, b in zip(info_of(straight_run)["stages"], info_of(resumed)["stages"], strict=True):
        assert {k: v for k, v in a.items() if k not in untimed} == {
            k: v for k, v in b.items() if k not in untimed
        }


def test_a_run_stopped_after_its_last_stage_is_finished(
    finished_run: Path, data_folder: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    (run / "run.json").write_text(json.dumps({**info_of(run), "finished": False}))
    shutil.rmtree(run / "evaluation")
    train(data_folder, run, resume=True, report=False)
    metrics = "evaluation/metrics.json"
    assert (run / metrics).read_text() == (finished_run / metrics).read_text()


def test_resume_refuses_other_classes(finished_run: Path, own_data: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    info = info_of(run)
    info["finished"] = False
    (run / "run.json").write_text(json.dumps(info))
    classes = json.loads((own_data / "classes.json").read_text())
    del classes["1.11.2"]
    (own_data / "classes.json").write_text(json.dumps(classes))
    with pytest.raises(InputError, match="other classes"):
        train(own_data, run, resume=True)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"backbone": "test_efficientnett"}, "test_efficientnet"),
        ({"crop_size": 600}, "crop_size"),
        ({"crop_size": -5}, "crop_size"),
        ({"weights": "gone.pth"}, "gone.pth"),
        ({"layout": "reverence"}, "reverence"),
    ],
)
def test_a_refused_run_leaves_no_folder(
    data_folder: Path, tmp_path: Path, tiny: Tiny, options: dict[str, Any], named: str
) -> None:
    """Or the mended command would be told that there already is a run."""
    with pytest.raises(InputError, match=named):
        train(data_folder, tmp_path / "run", tiny(), **options)
    assert not (tmp_path / "run").exists()


def test_without_test_folder_and_backgrounds(own_data: Path, tmp_path: Path, tiny: Tiny) -> None:
    shutil.rmtree(own_data / "smalltest")
    (own_data / "smalltest_annotations.csv").unlink()
    shutil.rmtree(own_data / "background_images")
    run = train(own_data, tmp_path / "run", tiny(), report=False)
    assert info_of(run)["stages"][0]["test"] is None
    assert not (run / "evaluation").exists()


def test_icons_alone(own_data: Path, tmp_path: Path, tiny: Tiny) -> None:
    for folder in ("cropped-train", "background_images"):
        shutil.rmtree(own_data / folder)
    (own_data / "cropped-train").mkdir()
    run = train(own_data, tmp_path / "run", tiny(SYNTHETIC))
    info = info_of(run)
    assert info["stages"][0]["pseudo_rare_recall"] is None
    assert info["pseudo_rare"] == []
    assert (info["layout"], info["left_out"]) == (
        "layout: reference, recognised by cropped-train",
        {},
    )
    assert load_model(run).settings["classes"] == 6
    assert (run / "report.html").stat().st_size > 10_000
    assert (run / "sheets" / "synthetic.png").exists()
    assert (run / "evaluation" / "metrics.json").exists()
    with pytest.raises(InputError, match=r"holds no real crop to train on .* --recipe icons-only"):
        train(own_data, tmp_path / "other", tiny(MIXED))
    with pytest.raises(InputError, match="holds no real crop to train on"):
        train(own_data, tmp_path / "other", tiny(MIXED), layout="icons")


def test_crops_that_were_trained_on_are_no_test(
    finished_run: Path, data_folder: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    crops = data_folder / "cropped-train"
    evaluate(finished_run, data_folder, crops=crops, out=tmp_path / "a", say=said.append)
    assert "was trained with 32 of these 32 crops" in said[0]
    said.clear()
    evaluate(finished_run, data_folder, out=tmp_path / "b", say=said.append)
    assert "trained with" not in " ".join(said)


def test_all_stages_in_a_row(own_data: Path, tmp_path: Path, tiny: Tiny) -> None:
    metric = {"use": "metric", "steps": 2, "balanced": {"classes": 32, "items": 2}}
    recipe = tiny(PRETRAIN, {**SYNTHETIC, "freeze": "partial"}, metric)
    run = train(own_data, tmp_path / "run", recipe, report=False)
    info = info_of(run)
    assert [stage["name"] for stage in info["stages"]] == ["pretrain", "synthetic", "metric"]
    assert all(0 <= stage["test"]["all"] <= 1 for stage in info["stages"])
    assert sorted(path.name for path in (run / "stages").iterdir()) == [
        "01-pretrain",
        "02-synthetic",
        "03-metric",
    ]


def test_unknown_class_folder_is_ignored(
    own_data: Path, pretrained_run: Path, tmp_path: Path, tiny: Tiny
) -> None:
    shutil.copytree(own_data / "cropped-train" / "2.5", own_data / "cropped-train" / "9.99")
    with pytest.warns(UserWarning, match=r"9\.99"):
        run = train(own_data, tmp_path / "run", tiny(PRETRAIN), report=False)
    # Unknown crops train nothing: the weights are those of the data without them.
    one, other = load_model(run).state_dict(), load_model(pretrained_run).state_dict()
    assert all(torch.equal(value, other[key]) for key, value in one.items())


def test_only_unknown_classes(own_data: Path, tmp_path: Path, tiny: Tiny) -> None:
    for number, folder in enumerate(sorted((own_data / "cropped-train").iterdir())):
        folder.rename(folder.with_name(f"7.{number}"))
    with (
        pytest.warns(UserWarning, match=r"7\.0"),
        pytest.raises(InputError, match="none of the 32 real crops"),
    ):
        train(own_data, tmp_path / "run", tiny())
    assert not (tmp_path / "run").exists()


def test_unknown_class_in_the_annotations(own_data: Path, tmp_path: Path, tiny: Tiny) -> None:
    path = own_data / "smalltest_annotations.csv"
    with path.open() as file:
        rows = list(csv.reader(file))
    rows[1][1] = "9.99"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    with pytest.warns(UserWarning, match=r"9\.99"):
        run = train(own_data, tmp_path / "run", tiny(PRETRAIN), report=False)
    metrics = json.loads((run / "evaluation" / "metrics.json").read_text())
    assert metrics["all"]["crops"] == 11
    assert metrics["unlabelled"] == 1


def test_corrupt_crop_is_skipped_and_listed(own_data: Path, tmp_path: Path, tiny: Tiny) -> None:
    broken = own_data / "cropped-train" / "2.5" / "3.png"
    broken.write_bytes(broken.read_bytes()[:60])
    run = train(own_data, tmp_path / "run", tiny(PRETRAIN), report=False)
    (skipped,) = info_of(run)["skipped"]
    assert skipped["path"].endswith("2.5/3.png")
    assert skipped["reason"]
    with pytest.raises(InputError, match=r"2\.5/3\.png"):
        train(own_data, tmp_path / "strict", tiny(PRETRAIN), strict=True)
    assert not (tmp_path / "strict").exists()


def test_time_limit_covers_all_stages(data_folder: Path, tmp_path: Path, tiny: Tiny) -> None:
    recipe = tiny({**PRETRAIN, "steps": 1_000_000}, {**MIXED, "steps": 1_000_000})
    started = time.monotonic()
    run = train(data_folder, tmp_path / "run", recipe, max_seconds=2, report=False)
    assert time.monotonic() - started < 40  # a few seconds on an idle machine
    info = info_of(run)
    assert all(0 < stage["steps"] < 100_000 for stage in info["stages"])
    assert info["settings"]["max_seconds"] == 2
    assert load_predictions(run).probabilities.shape == (12, 6)


def test_catalogue_of_a_run_stands_alone(finished_run: Path, catalogue: SignCatalogue) -> None:
    own = RunFolder.open(finished_run).catalogue
    assert own.codes == catalogue.codes
    assert all(icon.is_relative_to(finished_run) for sign in own.classes for icon in sign.icons)


def test_open_run_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no run\.json"):
        RunFolder.open(tmp_path)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(InputError, match=r"run\.json cannot be read"):
        RunFolder.open(tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(
    not torch.distributed.is_available() or not torch.distributed.is_gloo_available(),
    reason="this torch has no gloo for processes on the CPU",
)
def test_two_processes(data_folder: Path, tmp_path: Path, tiny: Tiny) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(json.dumps(tiny(PRETRAIN, MIXED)))  # JSON is YAML
    command = [
        sys.executable, "-m", "raresign", "train", str(data_folder), "--out", "run",
        "--recipe", str(recipe), "--devices", "2", "--accelerator", "cpu",
    ]  # fmt: skip
    ended = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert ended.stdout.count("stage 1 of 2") == 1  # only the first process speaks
    assert ended.stdout.count("Report:") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["recipe.yaml", "run"]
    run = tmp_path / "run"
    assert [stage["steps"] for stage in info_of(run)["stages"]] == [2, 2]
    assert info_of(run)["finished"] is True
    assert not list(run.rglob("*.ckpt"))
    assert all(torch.isfinite(v).all() for v in load_model(run).state_dict().values())
    assert evaluate(run, data_folder).as_dict()
