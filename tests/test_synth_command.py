"""`synth`: the crops on disk are a function of settings and number, however often it was killed."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import raresign.workflow.synth as synth_module
from raresign.catalogue import SignCatalogue
from raresign.errors import InputError
from raresign.workflow import synthesise

SMALL: dict[str, Any] = {"size": 16, "per_class": 3}


def content_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="session")
def crops(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three crops of every class."""
    folder = tmp_path_factory.mktemp("synth") / "crops"
    assert synthesise(data_folder, folder, **SMALL) == 18
    return folder


def test_counts_and_manifest(crops: Path, catalogue: SignCatalogue) -> None:
    assert {path.name for path in crops.iterdir() if path.is_dir()} == set(catalogue.codes)
    for code in catalogue.codes:
        assert len(list((crops / code).iterdir())) == 3
    with (crops / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 18
    assert len({row["number"] for row in rows}) == 18
    for row in rows:
        assert row["path"].startswith(row["class"] + "/")
        with Image.open(crops / row["path"]) as picture:
            assert picture.size == (16, 16)
            assert picture.mode == "RGB"


def test_crops_differ(crops: Path) -> None:
    pictures = [data for name, data in content_of(crops).items() if name.endswith(".png")]
    assert len(set(pictures)) == 18


@contextmanager
def killed_after(files: int) -> Iterator[None]:
    """Ctrl-C after so many pictures, in the middle of the next one."""
    save = Image.Image.save
    saved: list[Path] = []

    def dying(self: Image.Image, path: Path, *args: Any, **options: Any) -> None:
        if len(saved) == files:
            path.write_bytes(b"half a pic")
            raise KeyboardInterrupt
        saved.append(path)
        save(self, path, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Image.Image, "save", dying)
        yield


@pytest.mark.parametrize("files", [0, 7])
def test_killed_and_resumed_is_the_same(
    crops: Path, data_folder: Path, tmp_path: Path, files: int
) -> None:
    out = tmp_path / "crops"
    with killed_after(files), pytest.raises(KeyboardInterrupt):
        synthesise(data_folder, out, **SMALL)
    half = [name for name in content_of(out) if name.endswith(".png")]
    assert len(half) == files  # none half-written, no litter
    assert synthesise(data_folder, out, **SMALL) == 18 - files
    assert content_of(out) == content_of(crops)


def test_finished_folder_is_left_alone(crops: Path, data_folder: Path) -> None:
    before = content_of(crops)
    assert synthesise(data_folder, crops, **SMALL) == 0
    assert content_of(crops) == before


@pytest.mark.parametrize("at_once", [1, 5])
def test_batch_size_does_not_show(
    crops: Path,
    data_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    at_once: int,
) -> None:
    monkeypatch.setattr(synth_module, "_AT_ONCE", at_once)
    synthesise(data_folder, tmp_path / "crops", **SMALL)
    assert content_of(tmp_path / "crops") == content_of(crops)


def test_more_crops_keep_the_first(crops: Path, data_folder: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(crops, tmp_path / "crops"))
    assert synthesise(data_folder, out, **{**SMALL, "per_class": 4}) == 6
    after = content_of(out)
    for name, data in content_of(crops).items():
        assert name == "manifest.csv" or after[name] == data
    fresh = tmp_path / "fresh"
    synthesise(data_folder, fresh, **{**SMALL, "per_class": 4})
    assert content_of(fresh) == after


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"size": 17}, {"preset": "reference"}], ids=lambda c: next(iter(c))
)
def test_other_settings_are_refused(crops: Path, data_folder: Path, change: dict[str, Any]) -> None:
    before = content_of(crops)
    with pytest.raises(InputError, match="other settings"):
        synthesise(data_folder, crops, **{**SMALL, **change})
    assert content_of(crops) == before


def test_a_changed_preset_file_is_another_setting(data_folder: Path, tmp_path: Path) -> None:
    preset = tmp_path / "mine.yaml"
    preset.write_text("background: {flat: 0.0}\n")
    out = tmp_path / "crops"
    synthesise(data_folder, out, preset=str(preset), size=16, per_class=1)
    preset.write_text("background: {flat: 1.0}\n")
    with pytest.raises(InputError, match="other settings"):
        synthesise(data_folder, out, preset=str(preset), size=16, per_class=2)


def test_other_seeds_make_other_crops(crops: Path, data_folder: Path, tmp_path: Path) -> None:
    synthesise(data_folder, tmp_path / "crops", **SMALL, seed=1)
    ours, theirs = content_of(crops), content_of(tmp_path / "crops")
    for name, data in ours.items():
        assert not name.endswith(".png") or theirs[name] != data


def test_icons_alone_and_a_sheet(own_data: Path, tmp_path: Path) -> None:
    for folder in ("cropped-train", "smalltest", "background_images"):
        shutil.rmtree(own_data / folder)
    out = tmp_path / "crops"
    assert synthesise(own_data, out, size=16, per_class=1, sheet=True) == 6
    with Image.open(out / "sheet.png") as sheet:
        assert min(sheet.size) > 6 * 16
        assert np.asarray(sheet.convert("L")).std() > 5


def test_a_folder_of_something_else_is_not_touched(data_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        synthesise(data_folder, tmp_path, **SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("wrong", [{"per_class": 0}, {"size": 4}, {"size": 5000}, {"preset": "x"}])
def test_wrong_settings(data_folder: Path, tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        synthesise(data_folder, tmp_path / "crops", **{**SMALL, **wrong})
    assert not (tmp_path / "crops").exists()


def test_damaged_settings_file(crops: Path, data_folder: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(crops, tmp_path / "crops"))
    (out / "settings.json").write_text("{")
    with pytest.raises(InputError, match="other settings"):
        synthesise(data_folder, out, **SMALL)
