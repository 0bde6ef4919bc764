"""`add-class --train`: the net trains on, and all that hangs on it is of the new net."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from raresign.commands.added.add_classes import add_class
from raresign.commands.added.change_classes import add_photos
from raresign.commands.added.remove_classes import remove_class
from raresign.commands.predict_files import predict
from raresign.errors import InputError
from raresign.fitting.tuning import tuning_stage
from raresign.runs.run_folder import RunFolder
from raresign.runtime.onnx_encoder import OnnxEncoder
from raresign.signs.countries.registry import standard
from raresign.training.batches import StageBatches
from raresign.training.training_data import TrainingData

Cli = Callable[..., Any]
NEW = ("1.20.2", "5.19.1", "4.1.2")


@pytest.fixture(scope="module")
def icons(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("icons")
    for code in NEW:
        (folder / f"{code}.svg").write_text(standard("gost").svg(code), encoding="utf-8")
    return [folder / f"{code}.svg" for code in NEW]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_tuned_twice_then_taken_out(
    finished_run: Path, icons: list[Path], data_folder: Path, tmp_path: Path, cli: Cli
) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    before = load_file(run / "model.safetensors")
    figures, picture = content(run / "evaluation"), data_folder / "smalltest" / "0001.png"
    add_class(run, icons[:1])
    untuned = load_file(run / "added" / NEW[0] / "rows.safetensors")
    ended = cli("add-class", run, icons[1], "--train", "2 steps")
    assert ended.code == 0, ended.err
    assert f"real crops of {data_folder}" in ended.err
    folder = RunFolder.open(run)
    assert folder.catalogue.codes == (*folder.trained_catalogue.codes, *NEW[:2])
    assert [(one["codes"], one["steps"]) for one in folder.info["tuned"]] == [([NEW[1]], 2)]
    after = load_file(run / "model.safetensors")
    for name, values in before.items():
        norm = ".bn" in name or name in ("mean", "std")
        assert np.array_equal(values, after[name]) == norm, name
    again = load_file(run / "added" / NEW[0] / "rows.safetensors")
    assert not np.array_equal(again["embedding"], untuned["embedding"])  # of the class before, too
    encoder = folder.recogniser().encoder
    assert isinstance(encoder, OnnxEncoder)
    crops = np.random.default_rng(0).integers(0, 256, (4, 3, 32, 32), np.uint8)
    with torch.no_grad():
        own = folder.model()(torch.from_numpy(crops).float() / 255).embedding.numpy()
    np.testing.assert_allclose(encoder.embed(crops), own, atol=1e-3)
    assert list(content(run / "evaluation")) == []
    assert list(content(run / "evaluation-before-tuning").values()) == list(figures.values())
    shutil.rmtree(data := Path(shutil.copytree(data_folder, tmp_path / "gone")))
    info = json.loads((run / "run.json").read_text())
    info["settings"]["data"] = str(data)
    (run / "run.json").write_text(json.dumps(info))
    told: list[str] = []
    add_class(run, icons[2:], say=told.append, train_steps=1)
    assert any("synthetic crops alone" in line and str(data) in line for line in told)
    assert len(RunFolder.open(run).info["tuned"]) == 2
    answer = next(predict(run, [picture], top=9))
    assert {row.code for row in answer.answers} > set(NEW)
    remove_class(run, NEW)
    assert not (run / "added").exists()
    assert len(next(predict(run, [picture], top=9)).answers) == 6
    add_class(run, icons[:1])


def test_as_many_steps_give_the_same(
    finished_run: Path, icons: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [Path(shutil.copytree(finished_run, tmp_path / name)) for name in "ab"]
    for run in runs:
        add_class(run, icons[:1], train_steps=2)
    one, other = (RunFolder.open(run) for run in runs)
    for name in ("model.safetensors", "recognition.safetensors", f"added/{NEW[0]}/class.json"):
        assert (one.path / name).read_bytes() == (other.path / name).read_bytes()
    before = content(one.path)

    def full(*_: Any, **__: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("raresign.commands.added.tune_classes.export_encoder", full)
    with pytest.raises(OSError, match="space"):
        add_class(one.path, icons[1:2], train_steps=1)
    assert content(one.path) == before


@pytest.mark.parametrize(("length", "named"), [("0 steps", "0 steps"), ("soon", "--train soon")])
def test_impossible_lengths(
    cli: Cli, finished_run: Path, icons: list[Path], length: str, named: str
) -> None:
    ended = cli("add-class", finished_run, icons[0], "--train", length)
    assert ended.code == 2
    assert named in ended.err


def test_photos_of_the_net_before(
    finished_run: Path, icons: list[Path], data_folder: Path, tmp_path: Path
) -> None:
    """Only their embeddings are kept, which a tuned net does not give."""
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    add_photos(run, "2.5", [data_folder / "cropped-train" / "2.5"])
    before = content(run)
    with pytest.raises(InputError, match=r"photos of 2\.5"):
        add_class(run, icons[:1], train_steps=1)
    assert content(run) == before


def test_new_classes_get_half_of_the_synthetic_crops(training_data: TrainingData) -> None:
    """The priors say so, too: a class that comes often is not a class that is likely."""
    alike = replace(training_data.catalogue[5], twin=None)
    signs = [replace(alike, code=code, id=ord(code)) for code in "ab"]
    data = training_data.with_new(signs)
    assert (len(data.catalogue), len(training_data.catalogue), data.new) == (8, 6, 2)
    stage = tuning_stage("road", steps=2, real=True)
    batches = StageBatches(data, stage, 0, torch.device("cpu"))
    batch = batches.batch(0)
    counts = np.bincount(batch.labels[batch.synthetic].numpy(), minlength=8)
    assert counts.tolist() == [6] * 6 + [18, 18]
    np.testing.assert_allclose(batches.priors()[1], counts / counts.sum(), rtol=1e-6)
