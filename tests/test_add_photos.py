"""`add-photos`: photos of a class lift its score, and nothing else moves."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from raresign.answers.prototypes import SOURCES
from raresign.commands.added.change_classes import add_photos, remove_photos
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


def test_they_move_their_class_alone(run: Path, photos: Path) -> None:
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
    own = after.index.labels == label
    mean = after.index.embeddings[own].mean(0)
    np.testing.assert_allclose(new[label], mean / np.linalg.norm(mean), atol=1e-5)
    np.testing.assert_array_equal(after.rows, before.rows)
    assert [label for label, _ in after.lifts] == [label]
    chances = [head.judge(after.index.embeddings[real]).probabilities for head in (before, after)]
    assert (chances[1][:, label] > chances[0][:, label]).all(), "of the very photos"


def test_order_does_not_matter(run: Path, photos: Path) -> None:
    add_photos(run, RARE, [photos / "0.png", photos / "2.png"])
    add_photos(run, RARE, [photos])
    bit_by_bit = (run / "photos" / f"{RARE}.safetensors").read_bytes()
    remove_photos(run, [RARE])
    add_photos(run, RARE, [photos])
    assert (run / "photos" / f"{RARE}.safetensors").read_bytes() == bit_by_bit


def test_a_corrected_table_comes_back(run: Path, photos: Path, cli: Callable[..., Any]) -> None:
    table = photos.parent / "answers.csv"
    assert cli("predict", run, photos, "--out", table).code == 0
    rows = list(csv.DictReader(table.read_text(encoding="utf-8-sig").splitlines()))
    assert len(rows) == 4
    for row in rows[:3]:
        row |= {"code": RARE, "answered": ""}
    rows[3]["check me"] = ""
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    ended = cli("add-photos", run, "--from", table)
    assert ended.code == 0
    assert f"3 real crops of {RARE}" in ended.out
    assert cli("add-photos", run).code == 2
    assert cli("remove-photos", run, RARE).code == 0
    assert cli("remove-photos", run, RARE).code == 2


def test_removing_undoes_it(run: Path, photos: Path, data_folder: Path) -> None:
    def answers() -> list[Any]:
        return [one.as_dict() for one in predict(run, [data_folder / "smalltest"], top=9)]

    before = answers()
    add_photos(run, RARE, [photos])
    remove_photos(run, [RARE])
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
