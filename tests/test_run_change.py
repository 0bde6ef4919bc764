"""A run that several commands change, that is killed, damaged or a stranger's: never half of it."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from raresign.answers.added_class import AddedClass
from raresign.commands.demonstration import demo
from raresign.errors import InputError
from raresign.runs import added_classes
from raresign.runs.added_classes import (
    AddedFolder,
    added_places,
    check_added,
    keep_added,
    read_added,
    write_added,
)
from raresign.runs.exchange import exchange, finish_exchange
from raresign.runs.photo_embeddings import Photos, forget_photos, keep_photos, read_photos
from raresign.runs.run_folder import RunFolder
from raresign.runs.run_info import read_info
from raresign.runs.run_lock import run_lock
from raresign.runs.sealed_arrays import load_sealed, save_sealed
from raresign.runs.snapshot import Seen
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.catalogue.sign_class import SignClass
from test_exchange import Killed, killed

WIDTH = 4


def new_class(folder: Path, code: str, order: int, id_: int) -> AddedFolder:
    icon = folder / f"{code}.svg"
    icon.write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    numbers = np.random.default_rng(order).random((3, WIDTH)).astype(np.float16)
    sources = np.array([0, 0, 1], np.uint8)
    added = AddedClass("red ring", numbers[0].astype(np.float32), 0.5, numbers, sources)
    info = {"code": code, "id": id_, "family": "red ring", "name": "", "order": order}
    info |= {"forecast": None, "confusions": []}
    return AddedFolder(SignClass(code, id_, "rare", (icon,), "red ring", None), added, info)


def add(run: Path, *classes: AddedFolder) -> None:
    with run_lock(run), exchange(run) as place:
        keep_added(run, place)
        write_added(place, classes, lambda *_: None)


def remove(run: Path, *codes: str) -> None:
    with run_lock(run):
        check_added(run, codes)
        with exchange(run) as place:
            keep_added(run, place, without=codes)
            forget_photos(run, place, codes)


def photos(run: Path, code: str, count: int) -> None:
    with run_lock(run), exchange(run) as place:
        every = np.eye(count, WIDTH, dtype=np.float32)
        keep_photos(run, place, {code: Photos(every, np.ones(WIDTH + 1, np.float32))})


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder with two added classes, one with photos."""
    folder = tmp_path / "run"
    folder.mkdir()
    add(folder, new_class(tmp_path, "a", 1, 10), new_class(tmp_path, "b", 2, 11))
    photos(folder, "a", 2)
    return folder


def state(run: Path) -> tuple[list[str], list[str]]:
    return [one.sign.code for one in read_added(run)], [code for code, _ in read_photos(run)]


@pytest.mark.parametrize("after", range(24))
def test_a_killed_removal_is_whole_or_nothing(
    after: int, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, contextlib.suppress(Killed):
        killed(after, patch, (Path, "unlink"))
        remove(run, "a")
    finish_exchange(run)
    codes, with_photos = state(run)
    assert (codes, with_photos) in ((["a", "b"], ["a"]), (["b"], []))
    if codes == ["a", "b"]:
        remove(run, "a")
    add(run, new_class(tmp_path, "a", 3, 12))
    assert state(run) == (["b", "a"], []), "photos of a class that has gone do not come back"
    remove(run, "a", "b")
    assert sorted(path.name for path in run.iterdir()) in ([], ["photos"])


@pytest.mark.parametrize("code", ["../../victim", "..", ".", "/tmp/x", "", "c"])
def test_no_code_leads_outside(code: str, run: Path, tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "thesis").touch()
    file = run / "added" / "a" / "class.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "code": code}))
    with pytest.warns(UserWarning, match=r"added/a is damaged.*remove-class"):
        assert state(run)[0] == ["b"]
    with pytest.raises(InputError, match="has no added class"):
        remove(run, code)
    remove(run, "a")
    assert state(run) == (["b"], [])
    assert (tmp_path / "victim" / "thesis").exists()


def test_a_link_leads_nowhere(run: Path, tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "thesis").touch()
    (run / "added" / "c").symlink_to(tmp_path / "victim")
    remove(run, "c")
    shutil.rmtree(run / "added")
    (run / "added").symlink_to(tmp_path / "victim")
    add(run, new_class(tmp_path, "d", 1, 1))
    assert (tmp_path / "victim" / "thesis").exists()
    with pytest.warns(UserWarning, match="thesis is damaged"):
        assert state(run)[0] == ["d"]


def test_ids_cannot_collide(run: Path, tmp_path: Path) -> None:
    """Two classes of one id, and one that has an id of the training."""
    add(run, new_class(tmp_path, "c", 2, 11), new_class(tmp_path, "d", 9, 0))
    trained = [new_class(tmp_path, "t", 0, 10).sign]
    signs = [one.sign for one in read_added(run, trained)]
    assert [sign.code for sign in signs] == ["a", "b", "c", "d"], "by order"
    catalogue = SignCatalogue([*trained, *signs])
    assert catalogue.codes == ("t", "a", "b", "c", "d"), "rows of the classifier stand so"


def test_one_changed_bit_is_found(run: Path) -> None:
    """The class is left out, or what changed says nothing."""
    before = read_added(run)[0]
    for name in ("rows.safetensors", "class.json"):
        file = run / "added" / "a" / name
        data = file.read_bytes()
        for place in range(0, len(data), max(1, len(data) // 60)):
            changed = bytes([data[place] ^ 1 << place % 8])
            file.unlink()
            file.write_bytes(data[:place] + changed + data[place + 1 :])
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = {one.sign.code: one for one in read_added(run)}
            assert "b" in found
            if "a" in found:
                now = found["a"]
                assert now.info == before.info, (name, place)
                assert np.array_equal(now.added.row, before.added.row), (name, place)
                assert np.array_equal(now.added.embedding, before.added.embedding), (name, place)
        file.write_bytes(data)


def test_a_changed_bit_of_photos_is_told(run: Path) -> None:
    file = run / "photos" / "a.safetensors"
    data = file.read_bytes()
    file.unlink()
    file.write_bytes(data[:-3] + bytes([data[-3] ^ 4]) + data[-2:])
    with pytest.raises(InputError, match=r"a\.safetensors is damaged"):
        list(read_photos(run))


def test_arrays_of_an_earlier_version_have_no_checksum(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    arrays = {"x": np.arange(3.0)}
    save_file(arrays, tmp_path / "old", metadata={"raresign": '{"a": 1}'})
    found, plain = load_sealed(tmp_path / "old")
    assert (found["x"].tolist(), plain) == ([0, 1, 2], {"a": 1})
    save_sealed(tmp_path / "new", arrays, {"a": 1}, beside=b"this")
    assert load_sealed(tmp_path / "new", beside=b"this")[1] == {"a": 1}
    with pytest.raises(ValueError, match="checksum"):
        load_sealed(tmp_path / "new", beside=b"that")


COUNT = """
import sys
from pathlib import Path
from raresign.runs.run_lock import run_lock
run = Path(sys.argv[1])
for _ in range(50):
    with run_lock(run), run_lock(run):
        count = int((run / "count").read_text())
        (run / "count").write_text(str(count + 1))
"""


def test_one_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "count").write_text("0")
    command = [sys.executable, "-c", COUNT, str(tmp_path)]
    running = [subprocess.Popen(command) for _ in range(3)]

    def here() -> None:
        for _ in range(50):
            with run_lock(tmp_path):
                count = int((tmp_path / "count").read_text())
                (tmp_path / "count").write_text(str(count + 1))

    with ThreadPoolExecutor(2) as pool:
        for one in [pool.submit(here), pool.submit(here)]:
            one.result()
    assert [process.wait(120) for process in running] == [0, 0, 0]
    assert (tmp_path / "count").read_text() == "250"
    assert [path.name for path in tmp_path.iterdir()] == ["count"], "the lock is no file"


def test_two_changes_at_once_keep_both(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(add, run, new_class(tmp_path, f"c{k}", k, 5)) for k in range(8)]
        jobs += [pool.submit(photos, run, f"c{k}", 1) for k in range(8)]
        for job in jobs:
            job.result()
    codes, with_photos = state(run)
    assert sorted(codes) == sorted(with_photos) == [f"c{k}" for k in range(8)]
    assert len({one.sign.id for one in read_added(run)}) == 8


def test_the_same_class_twice(run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a was added already"):
        add(run, new_class(tmp_path, "a", 3, 3))
    assert state(run) == (["a", "b"], ["a"])
    assert sorted(path.name for path in run.iterdir()) == ["added", "photos"]


def test_a_reader_sees_that_a_run_changes(run: Path, tmp_path: Path) -> None:
    seen = Seen.of(run)
    assert seen == Seen.of(run)
    photos(run, "b", 1)
    after = Seen.of(run)
    assert seen != after
    with exchange(run) as place:
        keep_added(run, place)
        assert after == Seen.of(run), "nothing counts yet"
        (run / ".ready").mkdir()
        assert Seen.of(run) != Seen.of(run), "files are being moved: no state at all"
        (run / ".ready").rmdir()


def catalogue_of(folder: Path) -> SignCatalogue:
    return SignCatalogue([new_class(folder, code, 1, k).sign for k, code in enumerate("xy")])


def test_classes_are_of_one_state_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    """Two classes go while they are read: the reader sees both or none, and no damage."""
    run = tmp_path / "run"
    RunFolder.create(run, {"recipe": {"stages": []}}, catalogue_of(tmp_path), {"seed": 1})
    add(run, new_class(tmp_path, "a", 1, 10), new_class(tmp_path, "b", 2, 11))
    folder, places = RunFolder.open(run), added_places(run)

    def places_that_go(path: Path) -> Iterator[Path]:
        yield places[0]
        patch.undo()
        remove(run, "a", "b")
        yield places[1]

    with monkeypatch.context() as patch:
        patch.setattr(added_classes, "added_places", places_that_go)
        assert folder.catalogue.codes == ("x", "y")
    assert not recwarn.list


@pytest.mark.parametrize("after", range(22))
def test_a_killed_creation_leaves_a_run_or_room_for_one(
    after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, settings = tmp_path / "run", {"recipe": {"stages": []}}
    catalogue = catalogue_of(tmp_path)
    with monkeypatch.context() as patch, contextlib.suppress(Killed):
        killed(after, patch, (Path, "unlink"))
        RunFolder.create(run, settings, catalogue, {"seed": 1})
    with contextlib.suppress(InputError):  # it holds the run already
        RunFolder.create(run, settings, catalogue, {"seed": 1})
    assert RunFolder.open(run).trained_catalogue.codes == ("x", "y")
    assert sorted(path.name for path in run.iterdir()) == ["catalogue", "run.json"]


def test_a_full_folder_is_no_place_for_a_run(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").touch()
    with pytest.raises(InputError, match="is not empty"):
        RunFolder.check_free(tmp_path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[" * 100_000, "nested too deep"),
        ('{"seed": ' + "9" * 5_000 + "}", "thousands of digits"),
        ('{"settings": []}', "settings is '\\[\\]'"),
        ('{"settings": {"recipe": {"stages": [1]}}}', "stages must be a list of objects"),
        ('{"stages": [{"name": 3}]}', "stages: 0: name is '3'"),
        ('{"finished": "yes"}', "finished is 'yes'"),
        ('{"seed": true}', "seed is 'True'"),
        ("[]", "must hold a JSON object"),
        ("{", "line 1"),
    ],
)
def test_a_strange_run_json_is_one_message(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(InputError, match=rf"run\.json cannot be read: .*{told}"):
        RunFolder.open(tmp_path)


def test_a_key_that_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"settings": {}, "stages": [{}]}')
    info = read_info(tmp_path)
    for part, key in ((info, "seed"), (info["settings"], "recipe"), (info["stages"][0], "steps")):
        with pytest.raises(InputError, match=rf"run\.json lacks '{key}'; restore it"):
            part[key]
    assert info.get("seed") is None
    assert json.loads(json.dumps(info)) == {"settings": {}, "stages": [{}]}


@pytest.mark.parametrize("name", ["first", "run", "data"])
def test_a_demonstration_replaces_nothing_of_others(name: str, tmp_path: Path) -> None:
    mine = tmp_path / name / "run.json"
    mine.parent.mkdir()
    mine.write_text("{}")
    (tmp_path / "data").mkdir(exist_ok=True)
    with pytest.raises(InputError, match=f"{name} is of no demonstration"):
        demo(tmp_path)
    assert mine.read_text() == "{}"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted({name, "data"})
