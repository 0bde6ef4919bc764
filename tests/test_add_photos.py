"""`add-photos`: real crops become prototypes of a class, and nothing else moves."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from raresign.answers.prototypes import SOURCES
from raresign.commands.added.change_classes import add_photos
from raresign.commands.predict_files import predict
from raresign.errors import InputError
from raresign.runs.run_folder import RunFolder
from raresign.simulated.photo import simulated_photo

RARE = "3.24.n60"


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "crops"
    folder.mkdir()
    for number in range(4):
        Image.fromarray(simulated_photo(RARE, 7, number)).save(folder / f"{number}.png")
    return folder


def test_they_move_the_class_mean_alone(run: Path, photos: Path) -> None:
    before = RunFolder.open(run).recogniser().head
    assert add_photos(run, RARE, [photos / "0.png"]) == 1
    assert add_photos(run, RARE, [photos]) == 4, "the first one counts once"
    folder = RunFolder.open(run)
    after, label = folder.recogniser().head, folder.catalogue.label_of(RARE)
    real = after.index.sources == SOURCES.index("real")
    assert real.sum() == 4
    assert set(after.index.labels[real]) == {label}
    old, new = before.index.class_means, after.index.class_means
    others = np.arange(len(old)) != label
    np.testing.assert_allclose(new[others], old[others], atol=1e-6)
    rows = after.index.embeddings[after.index.labels == label]
    mean = rows.mean(0) / np.linalg.norm(rows.mean(0))
    np.testing.assert_allclose(new[label], mean, atol=1e-5)
    assert not np.allclose(new[label], old[label], atol=1e-4)


def test_to_delete_the_file_undoes_it(run: Path, photos: Path, data_folder: Path) -> None:
    def answers() -> list[Any]:
        return [one.as_dict() for one in predict(run, [data_folder / "smalltest"], top=9)]

    before = answers()
    add_photos(run, RARE, [photos])
    (run / "photos" / f"{RARE}.safetensors").unlink()
    assert answers() == before


def test_what_cannot_be_is_refused(run: Path, photos: Path, cli: Callable[..., Any]) -> None:
    (photos / "void").mkdir()
    for arguments, word in (
        (["9.9", photos], "9.9"),
        ([RARE, photos / "void"], "void"),
        ([RARE, photos / "gone.png"], "gone.png"),
    ):
        ended = cli("add-photos", run, *arguments)
        assert ended.code == 2
        assert word in ended.err
    assert not (run / "photos").exists()
    add_photos(run, RARE, [photos / "1.png"])
    (run / "photos" / f"{RARE}.safetensors").write_bytes(b"x")
    with pytest.raises(InputError, match=r"3\.24\.n60\.safetensors is damaged"):
        RunFolder.open(run).recogniser()
