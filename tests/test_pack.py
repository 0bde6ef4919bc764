"""Packing: the right pixels in the right rows, once, whole or not at all."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import raresign.crops.pack as pack_module
from raresign.crops.crop_table import CropTable
from raresign.crops.decode import decode_crop
from raresign.crops.pack import pack_crops
from raresign.crops.pack_name import pack_key
from raresign.errors import InputError
from raresign.files import default_cache
from raresign.framing.framed_picture import framed


def write_pictures(folder: Path, count: int, seed: int = 0) -> CropTable:
    """Pictures of different sizes, labels 0, 1, 2, 0, ..."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(count):
        height, width = random.integers(4, 40, 2)
        pixels = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
        paths.append(folder / f"{number:03d}.png")
        Image.fromarray(pixels).save(paths[-1])
    return CropTable(tuple(paths), np.arange(count) % 3, None, ("x",) * count)


def folders_of(cache: Path) -> list[str]:
    """Packs in a cache, finished or not."""
    found = [*cache.glob("packs/*"), *cache.glob("packs/unfinished/*")]
    return sorted(path.name for path in found if path.name != "unfinished")


def forbid_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    def decode_nothing(*_: object) -> None:
        raise AssertionError("the pack should have been opened, not made")

    monkeypatch.setattr(pack_module, "squashed_chunks", decode_nothing)


def test_rows_of_the_pack_are_the_squashed_crops(tmp_path: Path) -> None:
    table = write_pictures(tmp_path / "data", 150)  # more than one chunk
    seen: list[tuple[int, int]] = []
    pack = pack_crops(table, 16, tmp_path / "cache", progress=lambda *done: seen.append(done))
    assert pack.crops.shape == (150, 3, 16, 16)
    assert pack.crops.dtype == np.uint8
    assert isinstance(pack.crops, np.memmap)
    for row, path in enumerate(table.paths):
        np.testing.assert_array_equal(pack.crops[row], framed(decode_crop(path), 16))
    np.testing.assert_array_equal(pack.labels, table.labels)
    assert pack.labels.dtype == np.int64
    columns = pack.table.to_pydict()
    assert list(columns) == ["path", "label", "width", "height", "box", "hash"]
    assert columns["path"] == [str(path) for path in table.paths]
    assert columns["label"] == table.labels.tolist()
    sizes = [Image.open(path).size for path in table.paths]
    assert list(zip(columns["width"], columns["height"], strict=True)) == sizes
    assert len(set(columns["hash"])) == 150
    assert pack.skipped == ()
    assert seen[-1] == (150, 150)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})


def test_boxes_of_one_frame(tmp_path: Path) -> None:
    table = write_pictures(tmp_path / "data", 2)
    frame, other = table.paths
    boxes = np.array([[0, 0, 3, 3], [1, 1, 3.5, 4], [np.nan] * 4, [0, 0, 3, 3], [90, 90, 99, 99]])
    boxed = CropTable(
        (frame, frame, frame, other, frame), np.array([1, 2, 3, 4, 5]), boxes, ("",) * 5
    )
    pack = pack_crops(boxed, 8, tmp_path / "cache")
    for row in range(4):
        expected = framed(decode_crop(boxed.paths[row], boxes[row]), 8)
        np.testing.assert_array_equal(pack.crops[row], expected)
    assert pack.table["width"].to_pylist()[:2] == [3, 3]
    assert pack.table["height"].to_pylist()[:2] == [3, 3]
    assert len(set(pack.table["hash"].to_pylist())) == 4
    assert pack.labels.tolist() == [1, 2, 3, 4]
    ((path, reason),) = pack.skipped
    assert path == str(frame)
    assert "lies outside the picture" in reason
    whole = CropTable((frame,), np.array([3]), None, ("",))
    same = pack_crops(whole, 8, tmp_path / "cache").table["hash"][0]
    assert same == pack.table["hash"][2]  # a whole picture hashes alike with and without boxes


def test_later_runs_open_the_pack_without_decoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = write_pictures(tmp_path / "data", 5)
    first = pack_crops(table, 8, tmp_path / "cache")
    forbid_decoding(monkeypatch)
    again = pack_crops(table, 8, tmp_path / "cache")
    np.testing.assert_array_equal(again.crops, first.crops)
    assert again.table.equals(first.table)
    again.crops[:] = 0  # copy-on-write
    np.testing.assert_array_equal(pack_crops(table, 8, tmp_path / "cache").crops, first.crops)


def test_a_moved_data_folder_keeps_its_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = write_pictures(tmp_path / "old" / "a", 3)
    pack_crops(table, 8, tmp_path / "cache")
    (tmp_path / "old").rename(tmp_path / "new")
    paths = tuple(tmp_path / "new" / "a" / path.name for path in table.paths)
    forbid_decoding(monkeypatch)
    moved = pack_crops(
        CropTable(paths, table.labels, None, table.class_names), 8, tmp_path / "cache"
    )
    assert moved.table["path"].to_pylist() == [str(path) for path in paths]


def replaced_file(table: CropTable) -> CropTable:
    old = table.paths[1].stat()
    data = bytearray(table.paths[1].read_bytes())
    table.paths[1].write_bytes(data)  # same size, same bytes even, but written later
    os.utime(table.paths[1], ns=(old.st_atime_ns, old.st_mtime_ns + 1000))
    return table


def removed_file(table: CropTable) -> CropTable:
    table.paths[1].unlink()
    return table


@pytest.mark.parametrize(
    "change",
    [
        replaced_file,
        removed_file,
        lambda t: CropTable(t.paths, t.labels[::-1].copy(), None, t.class_names),
        lambda t: CropTable(t.paths[::-1], t.labels, None, t.class_names),
        lambda t: t.filter(np.array([True, True, False])),
        lambda t: CropTable(t.paths, t.labels, np.array([[0, 0, 2, 2.0]] * 3), t.class_names),
    ],
)
def test_whatever_changes_the_content_changes_the_key(
    tmp_path: Path, change: Callable[[CropTable], CropTable]
) -> None:
    table = write_pictures(tmp_path / "data", 3)
    before = pack_key(table, 8).digest
    assert pack_key(table, 8).digest == before
    assert pack_key(table, 9).digest != before
    assert pack_key(change(table), 8).digest != before


@given(st.lists(st.sampled_from(["a", "b/c", "d", "b/e"]), min_size=1, max_size=5))
def test_keys_know_where_files_lie_under_their_root(names: list[str]) -> None:
    for base in ("", "data", "/nowhere/data", "/"):
        paths = tuple(Path(base) / name for name in names)
        key = pack_key(CropTable(paths, np.zeros(len(names), int), None, ("",) * len(names)), 8)
        assert [Path(key.root) / name for name in key.names] == list(paths)


def test_unreadable_files_are_listed_and_left_out(tmp_path: Path) -> None:
    table = write_pictures(tmp_path / "data", 70)
    table.paths[2].write_text("no picture")
    table.paths[66].unlink()
    for _ in range(2):  # made, then opened
        pack = pack_crops(table, 8, tmp_path / "cache")
        assert len(pack) == 68
        assert [path for path, _ in pack.skipped] == [str(table.paths[2]), str(table.paths[66])]
        assert pack.skipped[0][1].startswith("no PNG")
        assert pack.skipped[1][1] == "No such file or directory"
        kept = np.delete(np.arange(70), [2, 66])
        np.testing.assert_array_equal(pack.labels, table.labels[kept])
        last = framed(decode_crop(table.paths[69]), 8)
        np.testing.assert_array_equal(pack.crops[-1], last)
    with pytest.raises(InputError, match=r"cannot read .*002\.png: no PNG"):
        pack_crops(table, 8, tmp_path / "cache", strict=True)  # also of a pack that is there
    with pytest.raises(InputError, match=r"cannot read .*002\.png: no PNG"):
        pack_crops(table, 8, tmp_path / "other", strict=True)
    assert folders_of(tmp_path / "other") == []


def test_nothing_to_pack(tmp_path: Path) -> None:
    table = write_pictures(tmp_path / "data", 2)
    for path in table.paths:
        path.write_bytes(b"")
    with pytest.raises(
        InputError, match=r"none of the 2 pictures .*000\.png \(the file is empty\)"
    ):
        pack_crops(table, 8, tmp_path / "cache")
    assert folders_of(tmp_path / "cache") == []
    with pytest.raises(InputError, match="no crops to pack"):
        pack_crops(CropTable((), np.zeros(0, np.int64), None, ()), 8, tmp_path / "cache")
    with pytest.raises(InputError, match="crop size 0"):
        pack_crops(table, 0, tmp_path / "cache")


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    table = write_pictures(tmp_path / "data", 70)

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack_crops(table, 8, tmp_path / "cache", progress=interrupt)
    assert folders_of(tmp_path / "cache") == []
    assert len(pack_crops(table, 8, tmp_path / "cache")) == 70


def test_a_disk_that_fills_up_leaves_nothing_behind(tmp_path: Path) -> None:
    table = write_pictures(tmp_path / "data", 70)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, hard))
    try:
        with pytest.raises(InputError, match=r"cannot write a pack of 70 crops to .*cache: File"):
            pack_crops(table, 32, tmp_path / "cache")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert folders_of(tmp_path / "cache") == []


class _Usage(NamedTuple):
    free: int


def test_a_disk_without_room_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = write_pictures(tmp_path / "data", 5)
    forbid_decoding(monkeypatch)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(1_000_000))
    with pytest.raises(InputError, match=r"the pack needs 16 MB, but .* has 1 MB free"):
        pack_crops(table, 1024, tmp_path / "cache")


def test_a_cache_that_is_a_file(tmp_path: Path) -> None:
    table = write_pictures(tmp_path / "data", 1)
    (tmp_path / "cache").write_text("x")
    with pytest.raises(InputError, match="cannot write a pack of 1 crops"):
        pack_crops(table, 8, tmp_path / "cache")


@pytest.mark.parametrize("name", ["crops.npy", "table.parquet", "pack.json"])
@pytest.mark.parametrize("damage", ["cut", "empty", "remove", "flip"])
def test_a_damaged_pack_is_made_again(tmp_path: Path, name: str, damage: str) -> None:
    table = write_pictures(tmp_path / "data", 5)
    first = np.array(pack_crops(table, 8, tmp_path / "cache").crops)
    folder = pack_folder(tmp_path / "cache")
    data = (folder / name).read_bytes()
    if damage == "remove":
        (folder / name).unlink()
    elif damage == "flip":
        at = data.index(b"label") if name == "pack.json" and b"label" in data else len(data) // 2
        (folder / name).write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    else:
        (folder / name).write_bytes(data[: len(data) // 2] if damage == "cut" else b"")
    np.testing.assert_array_equal(pack_crops(table, 8, tmp_path / "cache").crops, first)
    assert folders_of(tmp_path / "cache") == [folder.name]


def pack_folder(cache: Path) -> Path:
    (folder,) = (path for path in (cache / "packs").iterdir() if path.name != "unfinished")
    return folder


def aged(folder: Path, seconds: float) -> None:
    changed = folder.stat().st_mtime - seconds
    os.utime(folder, (changed, changed))


def test_what_a_killed_process_left_is_swept_after_a_day(tmp_path: Path) -> None:
    table = write_pictures(tmp_path / "data", 1)
    key = "0123456789abcdef" * 2
    unfinished = tmp_path / "cache" / "packs" / "unfinished"
    for name, age in ((f"{key}-old", 100_000), (f"{key}-new", 1_000)):
        (unfinished / name).mkdir(parents=True)
        (unfinished / name / ".raresign").touch()
        aged(unfinished / name, age)
    pack_crops(table, 8, tmp_path / "cache")
    assert [path.name for path in unfinished.iterdir()] == [f"{key}-new"]


def test_folders_of_others_are_never_removed(tmp_path: Path) -> None:
    table = write_pictures(tmp_path / "data", 1)
    cache = tmp_path / "cache"
    key = "0123456789abcdef" * 2
    theirs = [
        cache / ".config-of-mine" / "keys",
        cache / f".{key}-work" / "thesis.tex",
        cache / "packs" / ".old-thing" / "a",
        cache / "packs" / "unfinished" / f"{key}-mine" / "a",  # without our mark
        cache / "packs" / "unfinished" / "my-notes" / ".raresign",  # without our name
    ]
    for file in theirs:
        file.parent.mkdir(parents=True)
        file.write_text("mine")
        aged(file.parent, 1e6)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / ".raresign").write_text("mine")
    link = cache / "packs" / "unfinished" / f"{key}-link"
    link.symlink_to(tmp_path / "elsewhere")
    aged(tmp_path / "elsewhere", 1e6)
    pack_crops(table, 8, cache)
    assert all(file.read_text() == "mine" for file in theirs)
    assert (tmp_path / "elsewhere" / ".raresign").exists()


def test_a_pack_that_someone_else_wrote_is_not_believed(tmp_path: Path) -> None:
    """Random pixels, or those of another size, under the right name."""
    table = write_pictures(tmp_path / "data", 5)
    first = np.array(pack_crops(table, 8, tmp_path / "cache").crops)
    folder = pack_folder(tmp_path / "cache")
    for side in (8, 16):
        noise = np.random.default_rng(1).integers(0, 256, (5, 3, side, side), dtype=np.uint8)
        np.save(folder / "crops.npy", noise)
        np.testing.assert_array_equal(pack_crops(table, 8, tmp_path / "cache").crops, first)
    other = write_pictures(tmp_path / "data2", 5, seed=2)
    pack_crops(other, 8, tmp_path / "cache2")
    shutil.rmtree(folder)
    shutil.copytree(pack_folder(tmp_path / "cache2"), folder)  # a pack of ours, of other crops
    np.testing.assert_array_equal(pack_crops(table, 8, tmp_path / "cache").crops, first)


def test_what_could_not_be_read_is_tried_again(tmp_path: Path) -> None:
    """A `chmod` leaves size and time of a file as they are."""
    table = write_pictures(tmp_path / "data", 5)
    content, changed = table.paths[3].read_bytes(), table.paths[3].stat()
    table.paths[3].write_bytes(bytes(len(content)))
    os.utime(table.paths[3], ns=(changed.st_atime_ns, changed.st_mtime_ns))
    assert len(pack_crops(table, 8, tmp_path / "cache").skipped) == 1
    table.paths[3].write_bytes(content)
    os.utime(table.paths[3], ns=(changed.st_atime_ns, changed.st_mtime_ns))
    pack = pack_crops(table, 8, tmp_path / "cache")
    assert (len(pack), pack.skipped) == (5, ())
    assert len(folders_of(tmp_path / "cache")) == 1


def test_two_processes_at_once(tmp_path: Path) -> None:
    table = write_pictures(tmp_path / "data", 300)
    program = textwrap.dedent(
        """
        import sys
        import numpy as np
        from pathlib import Path
        from raresign import CropTable, pack_crops
        data, cache = map(Path, sys.argv[1:])
        paths = tuple(sorted(data.iterdir()))
        table = CropTable(paths, np.arange(len(paths)) % 3, None, ("x",) * len(paths))
        print(int(pack_crops(table, 24, cache).crops.astype(np.int64).sum()))
        """
    )
    command = [sys.executable, "-c", program, str(tmp_path / "data"), str(tmp_path / "cache")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    sums = [process.communicate(timeout=60)[0].strip() for process in running]
    expected = sum(int(framed(decode_crop(p), 24).astype(np.int64).sum()) for p in table.paths)
    assert sums == [str(expected)] * 2
    assert len(folders_of(tmp_path / "cache")) == 1


def test_the_process_that_comes_second_uses_the_first_pack(tmp_path: Path) -> None:
    table = write_pictures(tmp_path / "data", 3)

    def overtaken(done: int, total: int) -> None:
        pack_crops(table, 8, tmp_path / "cache")  # finishes while the outer call still packs

    assert len(pack_crops(table, 8, tmp_path / "cache", progress=overtaken)) == 3
    assert len(folders_of(tmp_path / "cache")) == 1


def test_a_file_name_that_is_not_utf8(tmp_path: Path) -> None:
    table = write_pictures(tmp_path / "data", 2)
    try:
        path = table.paths[0].rename(tmp_path / "data" / os.fsdecode(b"\xe7\xed.png"))
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    broken = path.with_name(path.name + ".png")
    broken.write_bytes(b"x")
    odd = CropTable((path, broken), np.array([1, 2]), None, ("", ""))
    pack = pack_crops(odd, 8, tmp_path / "cache")
    assert pack.labels.tolist() == [1]
    assert len(pack.skipped) == 1
    np.testing.assert_array_equal(pack.crops[0], framed(decode_crop(path), 8))


def test_default_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RARESIGN_CACHE", str(tmp_path))
    assert default_cache() == tmp_path
    monkeypatch.delenv("RARESIGN_CACHE")
    assert default_cache() == Path.home() / ".cache" / "raresign"


def test_made_files_are_pictures_spread_over_classes(tmp_path: Path) -> None:
    from raresign.lab.bench.packing import make_files

    make_files(tmp_path, 410, seed=1)
    folders = sorted(path.name for path in tmp_path.iterdir())
    assert folders == [f"c{number:03d}" for number in range(205)]
    assert all(len(list(path.iterdir())) == 2 for path in tmp_path.iterdir())
    assert decode_crop(tmp_path / "c204" / "000409.png").size == (48, 48)


@pytest.mark.real_data
def test_real_crops_are_all_read(tmp_path: Path) -> None:
    data = os.environ.get("RARESIGN_DATA")
    if not data:
        pytest.skip("RARESIGN_DATA is not set: it names the folder with rtsd-r1")
    paths = tuple(sorted((Path(data) / "rtsd-r1" / "smalltest").iterdir()))
    table = CropTable(paths, np.full(len(paths), -1), None, ("",) * len(paths))
    pack = pack_crops(table, 32, tmp_path, strict=True)
    assert len(pack) == 2337
    assert set(pack.table["width"].to_pylist()) == {48}
    row = len(paths) // 2
    np.testing.assert_array_equal(
        pack.crops[row], framed(Image.open(paths[row]).convert("RGB"), 32)
    )
