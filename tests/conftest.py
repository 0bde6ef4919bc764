"""Shared material: a tiny data folder, the tensors made of it, the command line in-process."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from raresign.crops.layouts.folder_layout import from_folders
from raresign.crops.pack import pack_crops
from raresign.fitting import recogniser_fit
from raresign.models.sign_net import SignNet
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.simulated.backgrounds import procedural_backgrounds
from raresign.training.recipe import Recipe, load_recipe
from raresign.training.training_data import TrainingData, split_crops
from tiny_data import write_data

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["RARESIGN_LANG"] = "en"  # whatever the locale of the machine
torch.set_num_threads(1)

CROP_SIZE = 32
AXE = "axe-core@4.14.1"
BACKBONE = "test_efficientnet"  # 0.1 M parameters, with batch normalisation


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _cache_in_tmp(shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test leaves packs in the user's home or asks the hub for weights."""
    monkeypatch.setenv("RARESIGN_CACHE", str(shared_cache))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture(scope="session", autouse=True)
def _few_crops_for_rules() -> Iterator[None]:
    """Rules of tiny nets are fitted on few crops without a sign or of unknown ones.

    The finder looks at each of the 1,024 that a real run makes, twice a run: six seconds.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recogniser_fit, "_NO_SIGN_CROPS", 96)
        patch.setattr(recogniser_fit, "_UNKNOWN_CROPS", 4)
        yield


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny data folder; nobody writes to it."""
    return write_data(tmp_path_factory.mktemp("data") / "signs")


@pytest.fixture
def own_data(data_folder: Path, tmp_path: Path) -> Path:
    """A copy of the data folder to spoil."""
    return Path(shutil.copytree(data_folder, tmp_path / "own"))


@pytest.fixture(scope="session")
def catalogue(data_folder: Path) -> SignCatalogue:
    return SignCatalogue.from_folder(data_folder)


@pytest.fixture(scope="session")
def training_data(data_folder: Path, catalogue: SignCatalogue, shared_cache: Path) -> TrainingData:
    """The tiny data folder as tensors: one class plays rare, a quarter of the crops validate."""
    table = from_folders(data_folder / "cropped-train", catalogue)
    pack = pack_crops(table, CROP_SIZE, shared_cache)
    return TrainingData(
        catalogue,
        torch.from_numpy(np.array(pack.crops)),
        torch.tensor(pack.labels),
        split_crops(pack.crops, pack.labels, catalogue, 0.25, 0.25, seed=3),
        procedural_backgrounds(3, seed=1),
        CROP_SIZE,
        seed=3,
    )


@pytest.fixture
def new_net(catalogue: SignCatalogue) -> Callable[[], SignNet]:
    """Makes the same small random classifier each time."""

    def make() -> SignNet:
        torch.manual_seed(7)
        return SignNet(BACKBONE, len(catalogue), 16, weights="none", crop_size=CROP_SIZE)

    return make


def tiny_stages(*stages: dict[str, Any]) -> dict[str, Any]:
    """A recipe of these stages with a small net."""
    return {
        "name": "tiny",
        "backbone": BACKBONE,
        "crop_size": CROP_SIZE,
        "weights": "none",
        "embedding": 16,
        "index_crops": 8,
        "stages": list(stages) or [MIXED],
    }


MIXED = {"kind": "mixed", "steps": 2, "real": 4, "synthetic": 4, "validate_every": 2}


@pytest.fixture(scope="session")
def tiny() -> Callable[..., dict[str, Any]]:
    """Makes the mapping of a recipe of the given stages, one short mixed stage by default."""
    return tiny_stages


@pytest.fixture(scope="session")
def tiny_recipe() -> Recipe:
    return load_recipe(tiny_stages())


@pytest.fixture(scope="session")
def finished_run(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two stages with its report; nobody writes to it."""
    from raresign.commands.train.train_run import train

    folder = tmp_path_factory.mktemp("runs") / "finished"
    recipe = tiny_stages({**MIXED, "kind": "pretrain", "real": 8, "synthetic": 0}, MIXED)
    return train(data_folder, folder, recipe, cache=tmp_path_factory.mktemp("packs"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium; a module, for Playwright keeps a loop of events as long as it runs."""
    sync_api = pytest.importorskip("playwright.sync_api")
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium: install it, or set CHROMIUM to its path")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=[*flags, "--no-first-run"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Any], list[Any]]:
    """What axe-core (from the npm registry) finds wrong with a page: [rule, element]."""
    folder = tmp_path_factory.mktemp("axe")
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm to get axe-core with")
    try:
        subprocess.run([npm, "pack", AXE], cwd=folder, check=True, capture_output=True, timeout=60)
    except (subprocess.SubprocessError, OSError):
        pytest.skip("axe-core cannot be had from the npm registry here")
    with tarfile.open(next(folder.glob("*.tgz"))) as packed:
        file = packed.extractfile("package/axe.min.js")
        assert file is not None
        source = file.read().decode()

    def violations(page: Any) -> list[Any]:
        page.evaluate(source)
        found: list[Any] = page.evaluate(
            "axe.run().then(r => r.violations.map(v => [v.id, v.nodes[0].html]))"
        )
        return found

    return violations


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def cli(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """Calls the command line in this process: `cli("predict", run, files)`."""
    from raresign.cli.app import app, run_safely

    def call(*arguments: object) -> Ended:
        monkeypatch.setattr("sys.argv", ["raresign", *map(str, arguments)])
        capsys.readouterr()
        with warnings.catch_warnings():  # the command line replaces how they are shown
            code = run_safely(app)
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    return call
