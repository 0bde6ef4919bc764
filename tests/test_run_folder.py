"""The run folder: read once, without torch, with its own copies of presets."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

import raresign
from raresign.answers.prototypes import SOURCES
from raresign.errors import InputError
from raresign.fitting.encoder_export import export_encoder
from raresign.models.model_files import load_model
from raresign.models.outputs import TorchEncoder
from raresign.models.saved_rows import classifier_rows
from raresign.runs.exchange import exchange
from raresign.runs.photo_embeddings import Photos, keep_photos
from raresign.runs.presets import keep_presets, with_kept_presets
from raresign.runs.recipe_file import saved_recipe
from raresign.runs.run_folder import RunFolder
from raresign.runtime.onnx_encoder import OnnxEncoder
from raresign.signs.countries.registry import standard

FORBIDDEN = ("torch", "torchvision", "timm", "lightning", "torchmetrics", "pytorch_metric_learning")
SCRIPT = f"""
import json, sys
class Never:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {FORBIDDEN!r}:
            raise ImportError(name + " is forbidden here")
sys.meta_path.insert(0, Never())
opened = []
sys.addaudithook(lambda event, told: opened.append(str(told[0])) if event == "open" else None)
import raresign
run, data, crop = sys.argv[1:]
model = raresign.load(run)
answer = model.answer(crop)
first = list(opened)
heavy = [name for name in ("scipy", "pyarrow", "sklearn", "matplotlib") if name in sys.modules]
folder = raresign.RunFolder.open(run)
codes = folder.catalogue.codes
recall = raresign.load_predictions(run).correct.mean()
rows = raresign.catalogue_rows(data)
page = raresign.write_report(run).read_text(encoding="utf-8")
print(json.dumps([answer.as_dict(), heavy, first, codes, len(rows), len(page), float(recall)]))
"""


def test_a_run_is_read_answered_and_reported_without_torch_each_file_once(
    finished_run: Path, data_folder: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    crop = data_folder / "smalltest" / "0003.png"
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(run), str(data_folder), str(crop)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    answer, heavy, opened, codes, rows, page, recall = json.loads(ended.stdout.splitlines()[-1])
    assert answer == json.loads(json.dumps(raresign.load(run).answer(crop).as_dict()))
    assert heavy == []
    assert tuple(codes) == RunFolder.open(run).catalogue.codes
    assert rows == len(codes)
    assert page > 10_000
    assert 0 <= recall <= 1
    times = Counter(path for path in opened if path.startswith(str(run)))
    assert times[str(run / "run.json")] == times[str(run / "catalogue" / "catalogue.json")] == 1
    assert set(times.values()) == {1}


def test_the_onnx_encoder_gives_the_embeddings_of_the_net(finished_run: Path) -> None:
    crops = np.random.default_rng(1).integers(0, 256, (70, 3, 32, 32), dtype=np.uint8)
    wanted = TorchEncoder(load_model(finished_run)).embed(crops)
    found = OnnxEncoder(finished_run / "encoder.onnx").embed(crops)
    np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())
    assert OnnxEncoder(finished_run / "encoder.onnx").embed(crops[:0]).shape == (0, found.shape[1])


def test_an_encoder_of_other_weights_is_not_used(finished_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    assert isinstance(raresign.load(run).encoder, OnnxEncoder)
    net = load_model(run).eval()
    digest = classifier_rows(run).digest
    assert export_encoder(net, run / "encoder.onnx", "of other weights") is None
    assert isinstance(raresign.load(run).encoder, TorchEncoder)
    assert export_encoder(net, run / "encoder.onnx", digest) is None
    assert isinstance(raresign.load(run).encoder, OnnxEncoder)
    (run / "encoder.onnx").unlink()
    assert isinstance(raresign.load(run).encoder, TorchEncoder)


@pytest.mark.parametrize("content", [b"", b"rubbish", b"\x08\x07" * 40])
def test_a_damaged_encoder_is_told(content: bytes, finished_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    (run / "encoder.onnx").write_bytes(content)
    with pytest.raises(InputError, match="no readable encoder"):
        raresign.load(run)


def test_changed_weights_are_found_without_torch(finished_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    state = load_file(run / "model.safetensors")
    digest = classifier_rows(run).digest
    state["classifier.bias"][0] += 1
    save_file(state, run / "model.safetensors", metadata={"sha256": digest})
    with pytest.raises(InputError, match="the checksum does not match"):
        raresign.load(run)


def test_a_run_keeps_its_preset(own_data: Path, tiny: Callable[..., Any], tmp_path: Path) -> None:
    preset = tmp_path / "camera.yaml"
    preset.write_text("pose: {rotation: [0, 0]}\n", encoding="utf-8")
    run = raresign.train(own_data, tmp_path / "run", tiny(), preset=preset, report=False)
    preset.unlink()
    moved = run.rename(tmp_path / "moved")
    folder = RunFolder.open(moved)
    assert saved_recipe(folder).index_preset == str(moved / "presets" / "camera.yaml")
    assert (moved / "presets" / "camera.yaml").read_text() == "pose: {rotation: [0, 0]}\n"
    icon = tmp_path / "1.20.2.svg"
    icon.write_text(standard("gost").svg("1.20.2"), encoding="utf-8")
    assert raresign.add_class(moved, [icon])[0].code == "1.20.2"
    folder.info["settings"]["recipe"]["stages"][0]["preset"] = str(preset)  # of earlier versions
    folder.write()
    raresign.remove_class(moved, ["1.20.2"])
    with pytest.raises(InputError, match=r"camera\.yaml"):
        raresign.add_class(moved, [icon])


def test_two_presets_of_one_name_stay_apart(
    own_data: Path, tiny: Callable[..., Any], tmp_path: Path
) -> None:
    for name, angle in (("a", 1), ("b", 2)):
        (tmp_path / name).mkdir()
        text = f"pose: {{rotation: [0, {angle}]}}\n"
        (tmp_path / name / "camera.yaml").write_text(text, encoding="utf-8")
    recipe = tiny()
    recipe["stages"] = [dict(recipe["stages"][0]), dict(recipe["stages"][0])]
    for stage, name in zip(recipe["stages"], "ab", strict=True):
        stage |= {"name": name, "preset": str(tmp_path / name / "camera.yaml")}
    run = raresign.train(own_data, tmp_path / "run", recipe, report=False)
    of_stages = [stage.preset for stage in saved_recipe(RunFolder.open(run)).stages]
    assert [Path(preset).read_text() for preset in of_stages] == [
        (tmp_path / name / "camera.yaml").read_text() for name in "ab"
    ]


def test_a_run_that_lost_its_head_is_told(finished_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    (run / "recognition.safetensors").unlink()
    with pytest.raises(InputError, match=r"lost its recognition\.safetensors"):
        raresign.load(run)


def test_what_a_killed_process_left_disturbs_nothing(finished_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    before = len(raresign.load(run).head.index)
    (run / "photos").mkdir()
    (run / "photos" / ".zz-abc.safetensors").write_bytes(b"half")
    rows = np.ones((3, raresign.load(run).head.rows.shape[1]), np.float32)
    with exchange(run) as place:  # of a class whose removal was cut short
        keep_photos(run, place, {"1.20.2": Photos(rows, None)})
    icon = tmp_path / "1.20.2.svg"
    icon.write_text(standard("gost").svg("1.20.2"), encoding="utf-8")
    raresign.add_class(run, [icon])
    sources = raresign.load(run).head.index.sources[before:]
    assert "real" not in {SOURCES[place] for place in sources}


def test_classes_and_photos_wait_for_the_end_of_training(
    finished_run: Path, data_folder: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    folder = RunFolder.open(run)
    folder.info["finished"] = False
    folder.write()
    for early in (
        lambda: raresign.add_class(run, [data_folder / "icons" / "2.5.svg"], ["x"]),
        lambda: raresign.add_photos(run, "2.5", [data_folder / "smalltest"]),
    ):
        with pytest.raises(InputError, match="has not ended"):
            early()
    with pytest.raises(InputError, match="--country DE, but the run began with"):
        raresign.train(data_folder, run, resume=True, country="DE")


def test_copies_of_presets_never_overwrite_each_other(tmp_path: Path) -> None:
    names = ["p/a-2.yaml", "p/a.yaml", "q/a.yaml", "q/A.yaml"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"name: {name}", encoding="utf-8")
    recipe = {"stages": [{"preset": str(tmp_path / name)} for name in names]}
    kept = keep_presets(tmp_path / "run", recipe)
    found = [
        Path(stage["preset"]).read_text(encoding="utf-8")
        for stage in with_kept_presets(tmp_path / "run", kept)["stages"]
    ]
    assert found == [f"name: {name}" for name in names]
    assert len({stage["preset"].lower() for stage in kept["stages"]}) == len(names)
