"""`raresign bench runtime`: the net in torch and its bundles say the same of the same crops."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import raresign
from conftest import Ended
from raresign.cli.deployed_table import deployed_table
from raresign.errors import InputError
from raresign.lab.bench import deployed
from raresign.models.sign_net import SignNet
from raresign.runtime.openvino_encoder import OpenVinoEncoder


def test_forms_of_a_model_are_measured_side_by_side(
    cli: Callable[..., Ended],
    finished_run: Path,
    data_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deployed, "PRECISIONS", ("fp32", "fp16"))
    monkeypatch.setattr(deployed, "_TIMED", 8)
    monkeypatch.setattr(deployed, "_exporters", lambda *_: {})
    given = ("bench", "runtime", finished_run, "--data", data_folder, "--quick", "--json")
    told = json.loads(cli(*given).out)
    assert told["runtime.crops"] == 12
    assert told["runtime.fp32.same_answers"] == 1
    assert told["runtime.fp32.largest_difference"] <= 1e-3
    assert told["runtime.fp16.mb"] < told["runtime.fp32.mb"]
    assert told["runtime.fp32.rare"] == told["runtime.torch.rare"]
    assert told["runtime.torch.crops_per_second_2"] > 0
    table, rest = deployed_table(told)
    assert table is not None
    openvino = sum(name.startswith("runtime.openvino") and name.endswith(".mb") for name in told)
    assert table.row_count == 3 + openvino
    assert not any("fp32" in name for name in rest)
    assert cli("bench", "runtime").code == 2
    assert cli("bench", "loss", finished_run).code == 2


def test_openvino_answers_as_onnxruntime(tmp_path: Path) -> None:
    bundle = raresign.export("built-in", tmp_path / "signs.raresign")
    crops = np.random.default_rng(0).integers(0, 256, (70, 3, 64, 64), np.uint8)
    with pytest.raises(InputError, match="no engine is called 'tflite'"):
        raresign.load(bundle, engine="tflite")
    with pytest.raises(InputError, match="runs bundles"):
        raresign.load("built-in", engine="openvino")
    pytest.importorskip("openvino", reason="openvino is not installed")
    wanted = raresign.load(bundle).recognise(crops)
    said = raresign.load(bundle, engine="openvino").recognise(crops)
    np.testing.assert_allclose(said.probabilities, wanted.probabilities, atol=1e-3)
    assert said.level_names() == wanted.level_names()
    assert len(raresign.load(bundle, engine="openvino").recognise(crops[:0]).levels) == 0
    with pytest.raises(InputError, match="OpenVINO cannot read"):
        OpenVinoEncoder(b"no graph")


def test_a_signal_after_two_models_of_openvino_harms_nothing(tmp_path: Path) -> None:
    pytest.importorskip("openvino", reason="openvino is not installed")
    raresign.export("built-in", tmp_path / "signs.raresign")
    lines = (
        "import signal, raresign",
        "first = raresign.load('signs.raresign', engine='openvino')",
        "second = raresign.load('signs.raresign', engine='openvino')",
        "del first",
        "del second",
        "signal.signal(signal.SIGINT, lambda *_: print('told'))",
        "signal.raise_signal(signal.SIGINT)",
    )
    ended = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], cwd=tmp_path, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stdout) == (0, "told\n")


def test_both_exporters_keep_the_embedding(new_net: Callable[[], SignNet]) -> None:
    net = new_net().eval()
    crops = np.random.default_rng(0).integers(0, 256, (3, 3, 32, 32), np.uint8)
    found = deployed._exporters(net, crops)
    assert found["runtime.exporter_torchscript"] <= 1e-3
    newer = found["runtime.exporter_dynamo"]
    assert isinstance(newer, str) or newer <= 1e-3  # it needs a library of its own
