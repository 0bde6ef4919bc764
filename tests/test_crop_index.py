"""An index of crops: what it holds after kills, changes of its folder and another model."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from raresign.answers.head import Head
from raresign.crops.crop_table import CropTable
from raresign.crops.layouts.plain_layouts import from_files
from raresign.crops.pack import pack_crops
from raresign.errors import InputError
from raresign.finding import crop_index
from raresign.finding.crop_index import CropIndex, IndexCounts
from raresign.finding.index_place import encoder_digest
from raresign.finding.looks import looks_of
from raresign.finding.vectors import unpacked
from raresign.runtime.recogniser import Recogniser
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.catalogue.sign_class import SignClass

SIDE, WIDTH = 8, 12


class MadeEncoder:
    """A fixed linear map of pixels; slow where a test has to be faster than it."""

    crop_size = SIDE

    def __init__(self, name: str = "made", seconds: float = 0.0) -> None:
        self.digest = name
        self.seconds = seconds
        self.calls = 0
        self.map = np.random.default_rng(3).standard_normal((3 * SIDE * SIDE, WIDTH))

    def embed(self, crops: np.ndarray) -> np.ndarray:
        time.sleep(self.seconds)
        self.calls += len(crops)
        flat = crops.reshape(len(crops), -1) / 255 - 0.5
        return (flat @ self.map).astype(np.float32)


def made_model(name: str = "made", seconds: float = 0.0) -> Recogniser:
    """Three classes whose rows and prototypes are made."""
    rng = np.random.default_rng(0)
    families = ["ring", "disc", "ring"]
    head = Head.plain(
        rng.standard_normal((3, WIDTH)).astype(np.float32),
        np.zeros(3, np.float32),
        families,
        np.array([False, True, False]),
    )
    head = head.with_prototypes(rng.standard_normal((6, WIDTH)), np.arange(6) % 3, "icon")
    classes = [
        SignClass(f"c{k}", k, "freq", (Path(f"{k}.png"),), families[k], None) for k in range(3)
    ]
    return Recogniser(MadeEncoder(name, seconds), head, SignCatalogue(classes))


def write_crops(folder: Path, numbers: range) -> None:
    for number in numbers:
        place = folder / f"{number % 3}"
        place.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
        Image.fromarray(pixels).save(place / f"{number}.png")


def check(index: CropIndex, folder: Path) -> None:
    """Every picture there once, with the embedding that it has now."""
    rows, alive = index.rows()
    crops = index.crops(np.flatnonzero(alive).tolist())
    pictures = sorted(str(path) for path in folder.rglob("*.png") if path.stat().st_size > 20)
    assert sorted(crop.path for crop in crops) == pictures
    assert len({crop.row for crop in crops}) == len(crops)
    for crop in crops:
        pixels = np.asarray(Image.open(crop.path).convert("RGB")).transpose(2, 0, 1)[None]
        wanted = MadeEncoder().embed(pixels)
        assert np.abs(unpacked(rows[[crop.row]]) - wanted).max() < 1e-3


def test_a_folder_that_changes(tmp_path: Path) -> None:
    folder, model = tmp_path / "crops", made_model()
    write_crops(folder, range(20))
    (folder / "0" / "broken.png").write_bytes(b"")
    (folder / "0" / "noise.png").write_bytes(b"no picture at all")
    index = CropIndex(tmp_path / "index", model)
    counts = index.update(folder)
    assert (counts.embedded, counts.waiting, counts.gone, counts.broken) == (20, 0, 0, 2)
    assert counts.unreadable["the file is empty"] == 1
    check(index, folder)

    encoder = model.encoder
    (folder / "1" / "1.png").unlink()
    shutil.copy(folder / "2" / "2.png", folder / "1" / "4.png")  # another picture now
    os.utime(folder / "0" / "3.png", (1, 1))  # touched, the same picture
    (folder / "2" / "5.png").rename(tmp_path / "5.png")
    write_crops(folder, range(20, 23))
    encoder.calls = 0
    counts = index.update(folder)
    assert (counts.embedded, counts.gone, encoder.calls) == (21, 2, 5)
    check(index, folder)

    (tmp_path / "5.png").rename(folder / "2" / "5.png")  # it is back, and not embedded again
    encoder.calls = 0
    assert index.update(folder).gone == 1
    assert encoder.calls == 0
    check(index, folder)


def test_a_process_that_is_killed(tmp_path: Path) -> None:
    folder, place = tmp_path / "crops", tmp_path / "index"
    write_crops(folder, range(90))
    code = (
        "import sys; sys.path.insert(0, sys.argv[3])\n"
        "import test_crop_index as made; from raresign.finding import crop_index\n"
        "crop_index._BATCH = 1; crop_index._ASKED = 16\n"
        "model = made.made_model(seconds=0.01)\n"
        "crop_index.CropIndex(sys.argv[1], model).update(sys.argv[2],"
        " progress=lambda counts: print(counts.embedded, flush=True))\n"
    )
    command = [sys.executable, "-c", code, str(place), str(folder), str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    index = CropIndex(place, made_model())
    some = index.counts()
    assert 0 < some.embedded < 90
    with (place / "embeddings.bin").open("ab") as file:  # half a row that nobody vouches for
        file.write(b"half")
    index.update(folder)
    assert index.counts() == IndexCounts(90, 0, 0)
    check(index, folder)


def test_rows_that_the_disk_lost_are_embedded_again(tmp_path: Path) -> None:
    folder, place = tmp_path / "crops", tmp_path / "index"
    write_crops(folder, range(10))
    index = CropIndex(place, made_model())
    index.update(folder)
    vectors = place / "embeddings.bin"
    os.truncate(vectors, vectors.stat().st_size - 1)
    index = CropIndex(place, made_model())
    assert index.counts() == IndexCounts(9, 1, 0)
    index.update(folder)
    check(index, folder)


def test_stopping_and_going_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crop_index, "_BATCH", 4)
    folder = tmp_path / "crops"
    write_crops(folder, range(200))
    index = CropIndex(tmp_path / "index", made_model())
    told: list[int] = []
    counts = index.update(
        folder, progress=lambda now: told.append(now.embedded), stopped=lambda: bool(told)
    )
    assert 0 < counts.embedded < 200
    assert counts.embedded + counts.waiting == 200
    index.update(folder)
    assert index.counts() == IndexCounts(200, 0, 0)


def test_another_model_is_refused_or_starts_anew(tmp_path: Path) -> None:
    folder, place = tmp_path / "crops", tmp_path / "index"
    write_crops(folder, range(4))
    CropIndex(place, made_model()).update(folder)
    with pytest.raises(InputError, match=r"made with another model; .*--rebuild"):
        CropIndex(place, made_model("other"))
    index = CropIndex(place, made_model("other"), rebuild=True)
    assert index.counts() == IndexCounts(0, 0, 0)
    index.update(folder)
    check(index, folder)
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "crops.sqlite").write_bytes(b"no table" * 1000)
    with pytest.raises(InputError, match="cannot be used"):
        CropIndex(damaged, made_model())


def test_an_encoder_without_a_name_is_known_by_what_it_says() -> None:
    one, other = made_model(""), made_model("")
    assert encoder_digest(one) == encoder_digest(other)
    other.encoder.map = other.encoder.map * 1.1
    assert encoder_digest(one) != encoder_digest(other)
    assert encoder_digest(one) != encoder_digest(replace(one, framing="found"))


def test_boxes_of_frames_and_packs(tmp_path: Path) -> None:
    frame = np.zeros((SIDE, 3 * SIDE, 3), np.uint8)
    frame[:, SIDE : 2 * SIDE] = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3))
    Image.fromarray(frame).save(tmp_path / "frame.png")
    boxes = np.array([[0, 0, SIDE, SIDE], [SIDE, 0, 2 * SIDE, SIDE]], float)
    table = CropTable((tmp_path / "frame.png",) * 2, np.full(2, -1), boxes, ("", ""))
    index = CropIndex(tmp_path / "index", made_model())
    index.update(table, ["t1", "t2"])
    crops = index.crops([0, 1])
    assert [(crop.box, crop.track) for crop in crops] == [
        (tuple(box), track) for box, track in zip(boxes.tolist(), ("t1", "t2"), strict=True)
    ]
    assert [index.row_of(crop.path, crop.part) for crop in crops] == [0, 1]

    write_crops(tmp_path / "crops", range(5))
    pack = pack_crops(from_files([tmp_path / "crops"]), SIDE, tmp_path / "cache")
    index = CropIndex(tmp_path / "index-2", made_model())
    assert index.update(pack).embedded == index.update(pack).embedded == 5
    wanted = MadeEncoder().embed(pack.crops)
    assert np.abs(unpacked(index.rows()[0]) - wanted).max() < 1e-3
    with pytest.raises(InputError, match="pack of crops of 9 pixels for a model of 8"):
        index.update(pack_crops(from_files([tmp_path / "crops"]), 9, tmp_path / "cache"))


def test_names_that_are_no_text(tmp_path: Path) -> None:
    folder = tmp_path / "crops"
    write_crops(folder, range(1))
    odd = os.fsencode(folder) + b"/\xff'<b>.png"
    try:
        shutil.copy(os.fsencode(folder / "0" / "0.png"), odd)
    except OSError:
        pytest.skip("this disk keeps text alone")
    index = CropIndex(tmp_path / "index", made_model())
    assert index.update(folder).embedded == 2
    check(index, folder)
    assert index.row_of(os.fsdecode(odd)) is not None


def test_two_connections_write_one_table(tmp_path: Path) -> None:
    write_crops(tmp_path / "crops", range(3))
    one, other = (CropIndex(tmp_path / "index", made_model()) for _ in range(2))
    one.update(tmp_path / "crops")
    other.update(tmp_path / "crops")
    assert one.counts() == other.counts() == IndexCounts(3, 0, 0)
    with sqlite3.connect(tmp_path / "index" / "crops.sqlite") as data:
        assert data.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_looks_do_not_see_brightness() -> None:
    crop = np.random.default_rng(0).integers(0, 100, (1, 3, 16, 16), np.uint8)
    assert looks_of(crop) == looks_of(crop + 50)
    assert looks_of(crop) != looks_of(crop[..., ::-1])
