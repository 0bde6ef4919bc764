"""Ray: two machines of a local cluster, one of which dies; every input once, bytes as here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

import raresign
from raresign.cluster.ray_cluster import RayCluster
from raresign.errors import InputError


def test_without_ray_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r'pip install "raresign\[ray\]"'):
        RayCluster()


def slow(folder: Path, piece: int) -> int:
    """Leaves a mark a call; the second piece kills its process the first time."""
    with (folder / f"{piece}-{os.getpid()}-{time.monotonic_ns()}").open("w"):
        time.sleep(0.05)
    if piece == 1 and not (folder / "killed").exists():
        (folder / "killed").touch()
        os.kill(os.getpid(), 9)
    return piece * piece


def refuse(_: None, piece: int) -> int:
    raise InputError(f"piece {piece}", "another")


@pytest.fixture(scope="module")
def two_machines() -> Iterator[Any]:
    """A cluster of a head without processors, which the driver is on, and two machines of one."""
    ray = pytest.importorskip("ray", reason="ray is not installed")
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    for _ in range(2):
        made.add_node(num_cpus=1)
    ray.init(address=made.address, log_to_driver=False, logging_level="error")
    yield made
    ray.shutdown()
    made.shutdown()


def pictures(folder: Path, count: int) -> Path:
    """Crops of noise around colours, one of them broken."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(count):
        pixels = random.integers(0, 256, (24, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:05d}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


@pytest.mark.slow
def test_a_process_that_dies_loses_and_repeats_nothing(two_machines: Any, tmp_path: Path) -> None:
    cluster = RayCluster(two_machines.address)
    assert list(cluster.map(slow, tmp_path, range(12))) == [k * k for k in range(12)]
    assert len(list(tmp_path.glob("1-*"))) == 2  # it was done again
    with pytest.raises(InputError, match="piece 0"):
        list(cluster.map(refuse, None, range(3)))


@pytest.mark.slow
def test_answers_are_those_of_this_machine_though_one_dies(
    two_machines: Any, tmp_path: Path
) -> None:
    """2 x 256 + 89 crops; the second machine dies when the first answers come, one joins later."""
    folder, cluster = pictures(tmp_path / "crops", 600), RayCluster(two_machines.address)
    model = raresign.load()
    expected = [answer.as_dict() for answer in raresign.predict(model, [folder])]
    victim = two_machines.add_node(num_cpus=1)
    found = raresign.predict(model, [folder], cluster=cluster)
    answers = [next(found).as_dict()]
    two_machines.remove_node(victim, allow_graceful=False)
    answers += [answer.as_dict() for answer in found]
    assert answers == expected
    assert len({answer["path"] for answer in answers}) == 601


@pytest.mark.slow
def test_index_and_synthetic_crops_are_those_of_this_machine(
    two_machines: Any, tmp_path: Path, data_folder: Path
) -> None:
    cluster, model = RayCluster(two_machines.address), raresign.load()
    folder = pictures(tmp_path / "crops", 300)
    here, there = (
        raresign.find_crops(model, folder, "2.5", index=tmp_path / name, cluster=each)
        for name, each in (("one", None), ("two", cluster))
    )
    assert here.rows() == there.rows()
    assert here.counts == there.counts
    for name, each in (("made", None), ("afar", cluster)):
        raresign.synthesise(data_folder, tmp_path / name, per_class=30, size=32, cluster=each)
    files = sorted(path.relative_to(tmp_path / "made") for path in tmp_path.glob("made/**/*.p*"))
    assert len(files) == 6 * 30 + 1
    for file in files:
        assert (tmp_path / "made" / file).read_bytes() == (tmp_path / "afar" / file).read_bytes()


@pytest.mark.slow
def test_trials_are_those_of_this_machine_though_one_dies(
    two_machines: Any, tmp_path: Path, data_folder: Path, tiny: Callable[..., Any]
) -> None:
    recipe, cluster = tmp_path / "tiny.yaml", RayCluster(two_machines.address)
    recipe.write_text(json.dumps(tiny()))  # JSON is YAML
    options = {"folds": 2, "seeds": 2, "reference": False}
    raresign.protocol(data_folder, tmp_path / "here", recipe, **options)
    victim, said = two_machines.add_node(num_cpus=1), list[str]()

    def say(text: str) -> None:
        said.append(text)
        if text.startswith("1 of 4"):
            two_machines.remove_node(victim, allow_graceful=False)

    raresign.protocol(data_folder, tmp_path / "afar", recipe, **options, cluster=cluster, say=say)
    assert [text[:6] for text in said[-4:]] == [f"{number} of 4" for number in range(1, 5)]
    files = sorted(tmp_path.glob("here/*/*/outputs.safetensors"))
    assert len(files) == 4
    for file in files:
        one, two = (
            load_file(file),
            load_file(tmp_path / "afar" / file.relative_to(tmp_path / "here")),
        )
        np.testing.assert_allclose(one["logits"], two["logits"], atol=1e-4)


def test_an_address_needs_the_engine() -> None:
    command = [sys.executable, "-m", "raresign", "predict", "a.png", "--address", "auto"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "--engine ray" in ended.stderr
