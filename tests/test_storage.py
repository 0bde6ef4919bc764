"""URLs where paths are: `memory://`, `file://`, tar shards, S3 against a server of this machine."""

from __future__ import annotations

import io
import sys
import tarfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import raresign
from raresign.commands.data_folder import open_data
from raresign.crops.layouts.shards import unpacked
from raresign.errors import InputError
from raresign.files import default_cache, write_json
from raresign.storage.local_copy import local_copy
from raresign.storage.places import as_path
from raresign.storage.published import publish, staged, written

fsspec = pytest.importorskip("fsspec")
MISSING = "pip install 'raresign[s3]'"


@pytest.fixture
def memory() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RARESIGN_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return raresign.export("built-in", tmp_path_factory.mktemp("bundle") / "b.raresign")


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crops")
    draw = np.random.default_rng(0)
    for number in range(5):
        name = folder / ("b" if number > 2 else "a") / f"{number}.png"
        name.parent.mkdir(exist_ok=True)
        Image.fromarray(draw.integers(0, 255, (20, 20, 3), np.uint8)).save(name)
    return folder


def sent(folder: Path, system: Any, place: str) -> str:
    for file in folder.rglob("*"):
        if file.is_file():
            system.pipe_file(f"{place}/{file.relative_to(folder).as_posix()}", file.read_bytes())
    return place


def tar_of(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def test_answers_from_a_url_are_those_of_the_same_files_here(
    memory: Any, crops: Path, bundle: Path
) -> None:
    sent(crops, memory, "/crops")
    memory.pipe_file("/crops/a/.hidden.png", b"")
    memory.pipe_file("/crops/notes.txt", b"no picture")
    memory.pipe_file("/models/b.raresign", bundle.read_bytes())
    here = list(raresign.predict("built-in", [crops]))
    there = list(raresign.predict("memory://models/b.raresign", ["memory://crops"]))
    assert [one.answers for one in there] == [one.answers for one in here]
    names = [one.path.removeprefix("memory://crops/") for one in there]
    assert names == [Path(one.path).relative_to(crops).as_posix() for one in here]


def test_a_broken_or_absent_file_is_a_row(memory: Any) -> None:
    memory.pipe_file("/c/1.png", b"no picture")
    memory.pipe_file("/c/2.png", b"")
    found = list(raresign.predict("built-in", ["memory://c", "memory://c/3.png"]))
    assert [bool(one.error) for one in found] == [True] * 3
    assert found[1].error == "the file is empty"


def test_a_copy_is_fetched_once_and_anew_when_it_has_changed(memory: Any) -> None:
    memory.pipe_file("/d/a.txt", b"one")
    first = local_copy("memory://d/a.txt")
    assert first.read_bytes() == b"one"
    known = first.stat().st_ino
    assert local_copy("memory://d/a.txt").stat().st_ino == known
    memory.pipe_file("/d/a.txt", b"two")
    assert local_copy("memory://d/a.txt").read_bytes() == b"two"
    folder = local_copy("memory://d")
    assert [path.name for path in folder.iterdir()] == ["a.txt"]
    memory.pipe_file("/d/b/c.txt", b"three")
    assert (local_copy("memory://d") / "b" / "c.txt").read_bytes() == b"three"
    assert not (folder / "b").exists()  # whoever reads the older state keeps it


@pytest.mark.parametrize("name", ["/d/x/../../../../evil.txt", "/d/x/\n.txt", f"/d/{'n' * 300}"])
def test_a_name_that_climbs_out_is_refused(memory: Any, name: str) -> None:
    memory.store[name] = fsspec.implementations.memory.MemoryFile(memory, name, b"evil")
    memory.pipe_file("/d/a.txt", b"fine")
    with pytest.raises(InputError, match="holds a file called"):
        local_copy("memory://d")
    assert not [path for path in default_cache().rglob("*") if path.is_file()]


def test_a_broken_copy_is_none(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    memory.pipe_file("/d/a.txt", b"whole")
    whole = type(memory).info

    def longer(self: Any, path: str, **more: Any) -> dict[str, Any]:
        return {**whole(self, path, **more), "size": 9}

    monkeypatch.setattr(type(memory), "info", longer)
    with pytest.raises(InputError, match="5 bytes came"):
        local_copy("memory://d/a.txt")
    assert not [path for path in default_cache().rglob("*") if path.is_file()]


def test_a_result_appears_whole_or_not_at_all(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    put = type(memory).put_file

    def watched(self: Any, here: str, there: str, **more: Any) -> None:
        put(self, here, there, **more)
        seen.append([name for name in self.find("/out") if "/." not in name])

    with monkeypatch.context() as patched:
        patched.setattr(type(memory), "put_file", watched)
        with written("memory://out/a.csv") as place:
            place.parent.mkdir(parents=True)
            place.write_text("row")
    assert seen == [[]]  # while it was sent
    assert memory.find("/out") == ["/out/a.csv"]
    assert not place.exists()

    def broken(self: Any, here: str, there: str, **more: Any) -> None:
        self.pipe_file(there, b"ro")
        raise ConnectionError("the line is cut")

    with monkeypatch.context() as patched:
        patched.setattr(type(memory), "put_file", broken)
        place.parent.mkdir(parents=True)
        place.write_text("other")
        with pytest.raises(InputError, match=r"out/a.csv cannot be written: ConnectionError"):
            publish("memory://out/a.csv")
    assert memory.find("/out") == ["/out/a.csv"]
    assert memory.cat("/out/a.csv") == b"row"
    assert place.read_text() == "other"  # and goes on where it was
    publish("memory://out/a.csv")
    assert memory.cat("/out/a.csv") == b"other"


def test_predict_writes_to_a_url_and_goes_on(
    memory: Any, crops: Path, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(crops, memory, "/crops")
    out = "memory://out/answers.jsonl"

    def cut(*given: Any) -> None:
        raise OSError("the line is cut")

    with monkeypatch.context() as patched:
        patched.setattr(type(memory), "mv", cut)
        stopped = cli("predict", "memory://crops/", "--out", out)
    assert stopped.code == 2
    assert memory.find("/out") == []
    done = cli("predict", "memory://crops/", "--out", out, "--resume")
    assert done.code == 0
    assert f"written to {out}" in done.err
    assert memory.cat("/out/answers.jsonl").count(b"\n") == 5
    assert memory.find("/out") == ["/out/answers.jsonl"]
    read = list(raresign.read_results(out))
    assert read[0].path == "memory://crops/a/0.png"


def test_a_run_at_a_url_is_read_and_does_not_change(memory: Any, tmp_path: Path) -> None:
    memory.pipe_file("/runs/mine/run.json", b'{"name": "mine", "stages": [], "finished": true}')
    run = as_path("memory://runs/mine")
    assert raresign.RunFolder.open(run).info["name"] == "mine"
    assert raresign.run_and_files([run, Path("a.png")]) == (run, [Path("a.png")])
    with pytest.raises(InputError, match="does not change"):
        raresign.remove_class(run, "1.1")
    with pytest.raises(InputError, match="does not change"):
        raresign.write_report(run)


def test_a_bundle_of_a_stranger_is_checked_as_any(memory: Any, bundle: Path) -> None:
    content = bytearray(bundle.read_bytes())
    content[len(content) // 2] ^= 1
    memory.pipe_file("/m/b.raresign", bytes(content))
    with pytest.raises(InputError, match=r"memory://m/b.raresign is no usable bundle"):
        raresign.load("memory://m/b.raresign")


def test_synthetic_crops_go_to_a_url_and_train_from_there(memory: Any, data_folder: Path) -> None:
    sent(data_folder, memory, "/data")
    out = "memory://synth/crops"
    made = raresign.synthesise("memory://data", out, per_class=2, form="tar", size=16)
    assert str(made.out) == out
    names = {Path(name).name for name in memory.find("/synth")}
    assert names == {"shard-000000.tar", "manifest.parquet", "settings.json"}
    with pytest.raises(InputError, match="already holds manifest"):
        raresign.synthesise("memory://data", out, per_class=2, form="tar", size=16)
    assert raresign.verify_crops(out, "memory://data").same == made.crops == 12
    source = open_data("memory://data", out)
    assert source.layout.name == "folders"
    assert sorted(source.training.class_names) == sorted(2 * list(source.catalogue.codes))


def test_shards_answer_as_their_pictures(crops: Path, tmp_path: Path, memory: Any) -> None:
    members = {path.name: path.read_bytes() for path in sorted(crops.rglob("*.png"))}
    shard = tmp_path / "shards" / "0.tar"
    shard.parent.mkdir()
    shard.write_bytes(tar_of({**members, "0.cls": b"1.1", ".hidden.png": b""}))
    expected = [one.answers for one in raresign.predict("built-in", sorted(crops.rglob("*.png")))]
    memory.pipe_file("/shards/0.tar", shard.read_bytes())
    for place in (shard, shard.parent, "memory://shards", "memory://shards/0.tar"):
        found = list(raresign.predict("built-in", [place]))
        assert [one.answers for one in found] == expected
        assert found[1].path.endswith("0.tar/1.png")
    shard.write_bytes(shard.read_bytes()[:2000])
    *_whole, last = raresign.predict("built-in", [shard])
    assert "broken tar" in str(last.error)


def test_a_tar_unpacks_into_class_folders_and_nowhere_else(tmp_path: Path) -> None:
    good = tmp_path / "good.tar"
    good.write_bytes(tar_of({"1.png": b"x", "1.cls": b"3.1", "2.5/2.png": b"y", "1.json": b"{}"}))
    found = unpacked(good)
    names = sorted(path.relative_to(found).as_posix() for path in found.rglob("*.*g"))
    assert names == ["2.5/2.png", "3.1/1.png"]
    assert not list(found.rglob("*.json"))
    for name in ("../evil.png", "/etc/evil.png", "a/../../evil.png"):
        bad = tmp_path / "bad.tar"
        bad.write_bytes(tar_of({name: b"x"}))
        with pytest.raises(InputError, match="holds a file called"):
            unpacked(bad)
    bad.write_bytes(tar_of({"1.png": b"x", "1.cls": b"../../evil"}))
    with pytest.raises(InputError, match="holds a file called"):
        unpacked(bad)
    assert not list(tmp_path.rglob("*evil*"))


def test_urls_that_cannot_be_used(memory: Any, cli: Callable[..., Any]) -> None:
    told = {
        "nosuch://bucket/a.png": "there is no storage of the kind nosuch://",
        "memory://nothing/here": "there is nothing there",
        "tar://a.png::memory://b.tar": "is a chain of URLs",
    }
    for url, problem in told.items():
        done = cli("predict", url)
        assert (done.code, done.out) == (2, "")
        assert problem in done.err
        assert "Traceback" not in done.err
    done = cli("predict", "a.png", "--out", "http://127.0.0.1:9/a.csv")
    assert "this kind of storage only reads" in done.err


def test_what_goes_to_no_url_makes_no_folder_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match="not written to a URL"):
        write_json(as_path("s3://bucket/a.json"), {})
    assert not Path("s3:").exists()


def test_without_fsspec_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(InputError, match=r"needs fsspec.*raresign\[storage\]"):
        raresign.load("s3://bucket/a.raresign")


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    """A bucket on a server of this machine."""
    server_of = pytest.importorskip("moto.server", reason=MISSING)
    s3fs = pytest.importorskip("s3fs", reason=MISSING)
    server = server_of.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    port = server._server.socket.getsockname()[1]
    names = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patched:
        for name, value in names.items():
            patched.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        system = s3fs.S3FileSystem()
        system.mkdir(f"signs-{uuid.uuid4().hex[:8]}")
        yield system
    server.stop()


def test_s3_from_bundle_and_crops_to_answers(
    s3: Any, crops: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [bucket] = s3.ls("")
    s3.put_file(str(bundle), f"{bucket}/m/b.raresign")
    sent(crops, s3, f"{bucket}/crops")
    page = type(s3).call_s3
    asked: list[str] = []

    def small_pages(self: Any, method: str, *given: Any, **more: Any) -> Any:
        asked.append(method)
        return page(self, method, *given, **more, MaxKeys=2)

    monkeypatch.setattr(type(s3), "call_s3", small_pages)
    model = raresign.load(f"s3://{bucket}/m/b.raresign")
    out = f"s3://{bucket}/answers.parquet"
    assert raresign.save_answers(out, raresign.predict(model, [f"s3://{bucket}/crops"])) == 5
    assert asked == ["list_objects_v2"] * 3
    assert local_copy(out).read_bytes()[:4] == b"PAR1"
    assert [name.rpartition("/")[2] for name in s3.find(bucket) if "/." in name] == []
    with pytest.raises(InputError, match="there is nothing there"):
        raresign.load("s3://no-such-bucket/b.raresign")


def test_s3_without_rights_is_one_sentence(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    [bucket] = s3.ls("")

    async def refused(*given: Any, **more: Any) -> None:
        raise PermissionError("Forbidden")

    monkeypatch.setattr(type(s3), "_call_s3", refused)
    with pytest.raises(InputError, match=rf"no rights to write s3://{bucket}/a.csv"):
        raresign.AnswersJournal(f"s3://{bucket}/a.csv")
    assert not staged(f"s3://{bucket}/a.csv").exists()


def test_file_urls_are_paths(crops: Path) -> None:
    assert local_copy(f"file://{crops}") == crops
    [first, *_] = raresign.predict("built-in", [f"file://{crops}"])
    assert Path(first.path) == crops / "a" / "0.png"
