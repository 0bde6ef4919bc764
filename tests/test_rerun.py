"""A run repeated: the same weights, bit for bit, and what is told where it is not the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import raresign
from raresign.errors import InputError
from raresign.files import write_json
from raresign.models.model_files import load_model, save_model
from raresign.models.saved_rows import WEIGHTS_FILE


@pytest.fixture(scope="module")
def repeated(
    finished_run: Path, shared_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A repetition made with another number of threads set: it takes those of the run."""
    out = tmp_path_factory.mktemp("again") / "run"
    before = torch.get_num_threads()
    torch.set_num_threads(2 if before == 1 else 1)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("RARESIGN_CACHE", str(shared_cache))
            found = raresign.rerun(finished_run, out)
        assert torch.get_num_threads() != before
    finally:
        torch.set_num_threads(before)
    assert found.same_weights
    assert found.largest_difference == 0
    assert found.changed == ()
    assert found.recall
    assert all(then == now for then, now in found.recall.values())
    return out


def test_the_files_hold_the_same_weights(finished_run: Path, repeated: Path) -> None:
    old, new = (load_file(run / WEIGHTS_FILE) for run in (finished_run, repeated))
    assert list(old) == list(new)
    assert all(torch.equal(old[name], new[name]) for name in old)


def test_differences_are_told(finished_run: Path, repeated: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(repeated, tmp_path / "other"))
    net = load_model(other)
    with torch.no_grad():
        net.classifier.weight[0, 0] += 0.25
    save_model(net, other)
    info = json.loads((other / "run.json").read_text())
    info["versions"]["torch"] = "1.0"
    (other / "run.json").write_text(json.dumps(info))
    (other / "training-crops.npy").unlink()
    found = raresign.compare_rerun(finished_run, other)
    assert not found.same_weights
    assert found.largest_difference == pytest.approx(0.25)
    assert any(line.endswith("-> 1.0") for line in found.changed)
    assert any("training crops" in line for line in found.changed)
    assert json.dumps(found.as_dict())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"finished": False}, "not finished"),
        ({"built_in": "abc"}, "raresign start"),
        ({"layout": "table"}, "a table in Python"),
    ],
)
def test_runs_that_cannot_be_repeated(
    finished_run: Path, tmp_path: Path, cli: Callable[..., Any], change: Any, said: str
) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    info = json.loads((run / "run.json").read_text())
    if "layout" in change:
        info["settings"] |= change
    else:
        info |= change
    (run / "run.json").write_text(json.dumps(info))
    ended = cli("rerun", run, "--out", tmp_path / "again")
    assert ended.code == 2
    assert said in ended.err
    assert not (tmp_path / "again").exists()


def test_a_run_that_names_a_url_reaches_no_server(tmp_path: Path) -> None:
    settings = {"data": "http://127.0.0.1:9/secret?key=1"}
    info = {"name": "evil", "stages": [], "finished": True, "settings": settings}
    write_json(tmp_path / "run" / "run.json", info)
    with pytest.raises(InputError, match=r"says that its data is at http://127.0.0.1:9/secret;"):
        raresign.rerun(tmp_path / "run", tmp_path / "again")
