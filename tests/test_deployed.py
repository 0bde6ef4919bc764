"""`raresign bench runtime`: the net in torch and its bundles say the same of the same crops."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from conftest import Ended
from raresign.cli.deployed_table import deployed_table
from raresign.lab.bench import deployed
from raresign.models.sign_net import SignNet


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
    assert table.row_count == 3
    assert not any("fp32" in name for name in rest)
    assert cli("bench", "runtime").code == 2
    assert cli("bench", "loss", finished_run).code == 2


def test_both_exporters_keep_the_embedding(new_net: Callable[[], SignNet]) -> None:
    net = new_net().eval()
    crops = np.random.default_rng(0).integers(0, 256, (3, 3, 32, 32), np.uint8)
    found = deployed._exporters(net, crops)
    assert found["runtime.exporter_torchscript"] <= 1e-3
    newer = found["runtime.exporter_dynamo"]
    assert isinstance(newer, str) or newer <= 1e-3  # it needs a library of its own
