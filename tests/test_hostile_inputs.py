"""Files that strangers wrote: pipes, bombs, deep nests, odd names. One message, and no harm."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from raresign.cli.printing import Console, printable
from raresign.cli.tables import print_json
from raresign.commands.synth.crop_writers import crop_files, encode
from raresign.commands.synth.settings_file import read_settings
from raresign.crops.crop_table import CropTable
from raresign.crops.decode import UnreadableFile, decode_crop, decode_picture
from raresign.crops.layouts.yolo import from_yolo
from raresign.crops.squashing import squashed_chunks
from raresign.errors import InputError
from raresign.files import read_bytes, read_text, sweep, whole_file, write_json, write_text
from raresign.lab.protocol.ideas import load_ideas
from raresign.parsing import parse_json, parse_yaml
from raresign.report.pictures import crop_uri, sheet_uri
from raresign.signs.catalogue.classes_file import read_classes
from raresign.synthesis.preset import load_preset
from raresign.training.recipe import load_recipe

DEEP = "[" * 50_000 + "]" * 50_000
LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join(f'*{old}' for _ in range(9))}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


def fifo(folder: Path, name: str) -> Path:
    os.mkfifo(folder / name)
    return folder / name


def test_a_pipe_hangs_nothing_and_a_device_floods_nothing(tmp_path: Path) -> None:
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    for path in (fifo(tmp_path, "pipe.png"), tmp_path / "zero.png"):
        with pytest.raises(OSError, match="not a file"):
            read_bytes(path)
        with pytest.raises(UnreadableFile, match="not a file"):
            decode_crop(path)
        assert crop_uri(path) is None
    for name in ("recipe.yaml", "classes.json"):
        with pytest.raises(InputError, match="not a file"):
            {"recipe.yaml": load_recipe, "classes.json": read_classes}[name](fifo(tmp_path, name))
    with pytest.raises(IsADirectoryError):
        read_bytes(tmp_path)


def test_what_is_read_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert read_bytes(tmp_path / "a", 5) == b"12345"
    with pytest.raises(OSError, match="larger than 0 MB"):
        read_bytes(tmp_path / "a", 4)
    with (tmp_path / "sparse.png").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(UnreadableFile, match="larger than 537 MB"):
        decode_crop(tmp_path / "sparse.png")
    assert read_bytes("/proc/self/stat")  # says that it is empty, and is not
    (tmp_path / "b").write_bytes(b"a\r\nb\rc")
    assert read_text(tmp_path / "b") == "a\nb\nc"


def test_no_other_program_opens_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An EPS under another name would make Pillow call Ghostscript."""
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "gs"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path}/called\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    eps = tmp_path / "a.png"
    eps.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")
    assert crop_uri(eps) is None
    assert sheet_uri(eps) is None
    with pytest.raises(UnreadableFile, match="no PNG"):
        decode_crop(eps)
    assert not (tmp_path / "called").exists()


def test_large_pictures_come_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("raresign.crops.decode.LARGE_PIXELS", 100)
    for number in range(8):
        Image.new("RGB", (20, 20), (number, 0, 0)).save(tmp_path / f"{number}.png")
    inside: list[int] = []
    most: list[int] = []
    load = Image.Image.load

    def counted(self: Image.Image) -> Any:
        if self.size == (20, 20) and getattr(self, "fp", None):
            inside.append(threading.get_ident())
            most.append(len(set(inside)))
            try:
                return load(self)
            finally:
                inside.clear()
        return load(self)

    monkeypatch.setattr(Image.Image, "load", counted)
    paths = tuple(tmp_path / f"{number}.png" for number in range(8)) * 20
    boxes = np.array([[1.0, 1, 9, 9]] * len(paths))
    table = CropTable(paths, np.zeros(len(paths), int), boxes, ("",) * len(paths))
    chunks = list(squashed_chunks(table, 8))
    assert sum(len(chunk.rows) for chunk in chunks) == len(paths)
    assert max(most) <= 1


def test_a_deep_picture_takes_little(tmp_path: Path) -> None:
    """16 bits a pixel: its high byte, without eight bytes a pixel on the way."""
    deep = np.arange(0, 65536, 7, dtype=np.uint16)[:9216].reshape(96, 96)
    file = io.BytesIO()
    Image.fromarray(deep).save(file, "PNG")
    seen = np.asarray(decode_picture(file.getvalue(), "a"))
    assert np.array_equal(seen[..., 0], (deep >> 8).astype(np.uint8))


def test_a_sparse_shard_and_a_bomb_in_it_are_no_crops(tmp_path: Path) -> None:
    files = crop_files(tmp_path, ("a", "b"), "tar")
    with tarfile.open(tmp_path / "shard-000000.tar", "w") as tar:
        bomb = io.BytesIO()
        Image.new("1", (8000, 8000)).save(bomb, "PNG")
        good = encode(np.zeros((4, 4, 3), np.uint8), "png")
        for number, content in enumerate((bomb.getvalue(), good)):
            info = tarfile.TarInfo(f"{number:09d}.png")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("000000002.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        sparse = tarfile.TarInfo("000000003.png")
        sparse.type, sparse.size = tarfile.GNUTYPE_SPARSE, 0
        tar.addfile(sparse)
    read = list(files.read(0, 4))
    assert isinstance(read[1], np.ndarray)
    assert [one for one in read if isinstance(one, str)] == ["no picture"] * 3
    (tmp_path / "shard-000000.tar").unlink()
    fifo(tmp_path, "shard-000000.tar")
    assert "it is no file" in str(next(iter(files.read(0, 1))))


@pytest.mark.parametrize("codes", [["../x"], ["a/b"], [1], "a", [""]])
def test_settings_of_crops_name_no_place_outside(codes: Any, tmp_path: Path) -> None:
    settings = {"size": 8, "seed": 0, "format": "png", "preset": {}, "digests": {}, "data": ""}
    write_json(tmp_path / "settings.json", {**settings, "codes": ["1.1"]})
    assert read_settings(tmp_path)["codes"] == ["1.1"]
    write_json(tmp_path / "settings.json", {**settings, "codes": codes})
    with pytest.raises(InputError, match="damaged"):
        read_settings(tmp_path)


YAML = [
    (LAUGHS, "'\\*a' is an alias"),
    ("a: &a [*a]", "is an alias"),
    (f"a: {DEEP}", "nested deeper than 30 levels"),
    ("a: " + "{b: " * 400 + "1" + "}" * 400, "nested deeper than 30 levels"),
    ("a: 2026-99-99", "month must be in"),
    ("a: !!bool x", "line 1: the tag tag:yaml.org,2002:bool is not read"),
    ("a: !!python/object/apply:os.system [id]", "the tag .* is not read"),
    ("a: !!timestamp x", "is not read"),
    ("steps: " + "9" * 5000, "digits"),
    ("- a\nb", "line 2"),
    ("a: " + "x" * 2_000_000, "larger than 1 MB|longer than"),
    ("a: [" + "1," * 200_000 + "]", "more than 100000 parts"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "told"), YAML, ids=range(len(YAML)))
@pytest.mark.parametrize("read", [load_recipe, load_preset, load_ideas])
def test_yaml_is_bounded(text: str, told: str, read: Callable[[Path], Any], tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text)
    with pytest.raises(InputError) as error:
        read(file)
    assert re.search(told, str(error.value)), str(error.value)
    assert len(str(error.value)) < 1000
    assert str(error.value).count("\n") <= 5


def test_texts_stay_texts() -> None:
    assert parse_yaml("names: [1.10, true]", texts_only=True) == {"names": ["1.10", "true"]}
    assert parse_yaml("a: [1.5, x, null, 2026-01-01]")["a"][:3] == [1.5, "x", None]


def test_messages_are_short(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("stages: " + "[" + "aaaaaaaa," * 90_000 + "]")
    with pytest.raises(InputError) as error:
        load_recipe(tmp_path / "a.yaml")
    assert len(str(error.value)) < 5000
    assert len(str(InputError("x" * 10**6, "y" * 10**6))) < 10_000


def test_json_is_one_message(tmp_path: Path) -> None:
    file = tmp_path / "classes.json"
    for text, told in (
        ('{"a": ' + DEEP + "}", "nested too deep"),
        ('{"a": {"id": ' + "9" * 5000 + ', "type": "freq"}}', "thousands of digits"),
        ('{"a": {"id": ' + "9" * 4000 + ', "type": "freq"}}', "has the id"),
        ('{"a": {"id": 1e999, "type": "freq"}}', "has the id"),
    ):
        file.write_text(text)
        with pytest.raises(InputError, match=told):
            read_classes(file)
    with pytest.raises(json.JSONDecodeError):
        parse_json("{")


def test_class_numbers_of_thousands_of_digits(tmp_path: Path) -> None:
    Image.new("RGB", (50, 50)).save(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("9" * 5000 + " 0.5 0.5 0.2 0.2\n0 0.5 0.5 0.2 0.2\n")
    book: Any = SimpleNamespace(label_of=["x"].index)
    with pytest.warns(UserWarning, match="no whole number"):
        assert len(from_yolo(tmp_path, ["x"], book)) == 1
    (tmp_path / "data.yaml").write_text("names: {" + "9" * 5000 + ": x}")
    with pytest.raises(InputError, match=r"data\.yaml"):
        from_yolo(tmp_path, tmp_path / "data.yaml", book)


@pytest.mark.parametrize(
    "stage",
    [{"validate_every": 10**9}, {"real": 10**9}, {"synthetic": 10**9}, {"steps": 10**12},
     {"learning_rate": float("nan")}, {"others": 10**7}],
)  # fmt: skip
def test_no_stage_asks_for_more_than_memory(stage: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(stage))):
        load_recipe({"stages": [{"use": "mixed", **stage}]})


def test_a_file_name_moves_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    name = "a\x1b[2J\x9b1m\u202eb\udce7.png"
    console = Console(markup=False, force_terminal=True, width=100)
    console.print(f"error: {name}", style="red")
    shown = capsys.readouterr().out
    assert "\x1b[31m" in shown, "its own colour"
    assert "\x1b[2J" not in shown
    assert not {"\x9b", "\u202e", "\udce7"} & set(shown)
    assert printable("Знак ü\n") == "Знак ü\n"
    print_json({"path": name, "sign": "Знак"})
    line = capsys.readouterr().out
    assert json.loads(line)["path"] == name
    assert line.strip().isprintable()


def test_names_that_are_no_utf8_are_kept_in_files(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"path": "\udce7.png"})
    assert json.loads((tmp_path / "a.json").read_text()) == {"path": "\udce7.png"}
    write_text(tmp_path / "a.html", "\udce7")


def test_a_strict_terminal() -> None:
    """ASCII output, a name that is no UTF-8, and a message in Russian letters."""
    code = (
        "import sys, os; from raresign.cli.app import run_safely; "
        "from raresign.cli.printing import show_what_can_be; show_what_can_be(); "
        "from raresign.errors import InputError\n"
        "def fail(): raise InputError('Знак ' + os.fsdecode(b'\\xe7') + '\\x1b[2J')\n"
        "sys.exit(run_safely(fail))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONIOENCODING": "ascii:strict"},
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith(b"error: \\u0417")
    assert b"\x1b" not in ended.stderr
    assert b"Traceback" not in ended.stderr


def test_only_old_files_of_ours_are_swept(tmp_path: Path) -> None:
    with whole_file(tmp_path / "a.json"):
        (being_written,) = (path.name for path in tmp_path.iterdir())
    (tmp_path / "a.json").unlink()
    ages = {being_written: 1e6, ".raresign-new.json": 10, ".mine-abcdefgh.json": 1e6}
    for name, age in ages.items():
        (tmp_path / name).touch()
        changed = (tmp_path / name).stat().st_mtime - age
        os.utime(tmp_path / name, (changed, changed))
    sweep(tmp_path)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [".mine-abcdefgh.json", ".raresign-new.json"]
    sweep(tmp_path / "nowhere")
