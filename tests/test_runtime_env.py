"""A second virtual environment without torch answers what the run answers.

`make test` makes it (tools/runtime_env.sh); elsewhere these tests are skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

import raresign

ROOT = Path(raresign.__file__).parents[2]
VENV = Path(os.environ.get("RARESIGN_RUNTIME", ROOT / ".venv-runtime"))
PYTHON = VENV / "bin" / "python"
pytestmark = pytest.mark.skipif(
    not PYTHON.exists(), reason=f"no {VENV.name}: make it with tools/runtime_env.sh {VENV.name}"
)
SCRIPT = """
import json, sys
from importlib.metadata import distributions
from importlib.util import find_spec
import raresign
bundle, *crops = sys.argv[1:]
answers = [raresign.load(one).answer(crops) for one in (bundle, "built-in")]
print(json.dumps({
    "answers": [[one.as_dict() for one in several] for several in answers],
    "torch": find_spec("torch") is not None,
    "installed": sorted(one.metadata["Name"].lower() for one in distributions()),
}))
"""
HEAVY = {"torch", "torchvision", "timm", "lightning", "onnx", "scipy", "scikit-learn", "pyarrow"}


def call(*arguments: object) -> str:
    """Run the other Python on the sources of this checkout."""
    away = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [str(PYTHON), *map(str, arguments)]
    return subprocess.run(command, env=away, check=True, capture_output=True, text=True).stdout


def test_answers_are_those_of_the_run(
    finished_run: Path, data_folder: Path, tmp_path: Path
) -> None:
    bundle = raresign.export(finished_run, tmp_path / "tiny.raresign")
    crops = [str(path) for path in sorted((data_folder / "smalltest").iterdir())[:6]]
    told = json.loads(call("-c", SCRIPT, bundle, *crops))
    assert not told["torch"]
    assert not HEAVY & set(told["installed"])
    for said, model in zip(told["answers"], (finished_run, "built-in"), strict=True):
        wanted = [one.as_dict() for one in raresign.load(model).answer(crops)]
        assert said == json.loads(json.dumps(wanted))


def test_the_command_answers(data_folder: Path, finished_run: Path, tmp_path: Path) -> None:
    bundle = raresign.export(finished_run, tmp_path / "tiny.raresign")
    crop = data_folder / "smalltest" / "0003.png"
    told = json.loads(call("-m", "raresign", "predict", bundle, crop, "--json"))
    assert told["answers"]


def test_size_and_first_answer_are_printed() -> None:
    told = json.loads(call(ROOT / "tools" / "first_answer.py"))
    assert not told["torch"]
    assert told["installed_mb"] <= 220  # with the command line; 192 without
    assert told["first_answer_cpu_seconds"] <= 3  # 0.5 on a quiet machine
