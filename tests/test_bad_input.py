"""Named files of the hostile and the careless: bombs, loops, two files in one, names of no disk."""

from __future__ import annotations

import io
import json
import os
import struct
import tempfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import test_layouts
from raresign.bundles.archive import write_archive
from raresign.bundles.bundle import Bundle
from raresign.cli.app import app, run_safely
from raresign.commands.boxes_file import boxed_signs
from raresign.commands.results_file import check_results, read_results
from raresign.commands.trained_crops import FILE, training_marks
from raresign.crops.decode import UnreadableFile, decode_crop, picture_header
from raresign.crops.layouts.frame_files import FrameFiles
from raresign.errors import InputError
from raresign.files import is_there
from raresign.language.spoken import speaking
from raresign.models.pretrained import _read
from raresign.runtime.onnx_encoder import OnnxEncoder
from raresign.runtime.threads import said_threads
from raresign.service.served_model import ServedModel
from raresign.signs.icons.icon_file import load_icon
from raresign.synthesis.icon_atlas import IconAtlas
from test_onnx_seal import graph


def png(width: int, height: int, pixels: bytes = b"") -> bytes:
    """A PNG of a header and whatever pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        told = struct.pack(">I", len(content)) + name + content
        return told + struct.pack(">I", zlib.crc32(name + content))

    head = chunk(b"IHDR", struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def bmp(width: int, height: int) -> bytes:
    return struct.pack(
        "<2sIHHIIiiHHIIiiII", b"BM", 54, 0, 0, 54, 40, width, height, 1, 24, *[0] * 6
    )


def tiff(width: int, height: int) -> bytes:
    tags = ((256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 8), (278, height))
    rows = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in (*tags, (279, 9)))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags) + 1) + rows + bytes(4)


BOMBS = {
    "a.png": png(50_000, 50_000, zlib.compress(bytes(1 << 20), 9)),
    "a.bmp": bmp(50_000, 50_000),
    "a.ppm": b"P6\n50000 50000\n255\n" + bytes(99),
    "a.gif": b"GIF89a" + struct.pack("<HH3B", 50_000, 50_000, 0, 0, 0) + b",\0\0\0\0" + bytes(9),
    "a.tif": tiff(50_000, 50_000),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_header_of_50_000_pixels_a_side_is_refused_at_once(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(BOMBS[name])
    for read in (decode_crop, picture_header):
        with pytest.raises(UnreadableFile, match=r"more than the limit|broken|no PNG"):
            read(tmp_path / name)
    if name == "a.png":
        with pytest.raises(InputError, match="50000x50000 px"):
            load_icon(tmp_path / name)


def zipped() -> bytes:
    """A good bundle."""
    with tempfile.TemporaryDirectory() as folder:
        write_archive(Path(folder) / "a.raresign", {"card.md": b"a card"}, {})
        return (Path(folder) / "a.raresign").read_bytes()


def test_two_files_in_one_are_what_their_reader_says(tmp_path: Path) -> None:
    """A picture with a bundle behind it, a bundle behind a script, an HTML page called a PNG."""
    held = io.BytesIO()
    Image.new("RGB", (9, 9)).save(held, "BMP")
    (tmp_path / "a.bmp").write_bytes(held.getvalue() + zipped())
    with pytest.raises(UnreadableFile, match="its pixels are"):
        decode_crop(tmp_path / "a.bmp")
    (tmp_path / "a.png").write_bytes(png(1, 1, zlib.compress(bytes(4))) + zipped())
    assert decode_crop(tmp_path / "a.png").size == (1, 1)
    (tmp_path / "a.raresign").write_bytes(b"#!/bin/sh\nrm -rf /\n" + zipped())
    assert Bundle.open(tmp_path / "a.raresign").card == "a card"  # the checksums hold
    (tmp_path / "page.png").write_bytes(b"<html><script>alert(1)</script></html>")
    with pytest.raises(UnreadableFile, match="no PNG"):
        decode_crop(tmp_path / "page.png")
    (tmp_path / "page.svg").write_bytes(
        b"\x89PNG\r\n\x1a\n<svg xmlns='http://www.w3.org/2000/svg'/>"
    )
    with pytest.raises(InputError, match="broken SVG"):
        load_icon(tmp_path / "page.svg")


ODD = ("a\nb.png", "\u202egnp.a", " .png", "-rf.png", "a;b|c.png", "\x1b[2J.png")


def test_odd_names_of_files_are_read_as_any_other(tmp_path: Path) -> None:
    root = test_layouts.folders(tmp_path / "data")
    for name in ODD:
        suffix = "" if name.endswith(".png") else ".png"
        test_layouts.frame(root / "train" / "stop" / f"{name}{suffix}")
    training, _, _ = test_layouts.read(root)
    assert len(training) == 2 + len(ODD)


LAYOUTS = ("yolo", "coco", "voc", "folders", "cvat", "csv_export", "rtsd", "belgium")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_links_in_a_circle_end_nothing(layout: str, tmp_path: Path) -> None:
    """Links to themselves among pictures and folders: YOLO and class folders ended in an error."""
    root = getattr(test_layouts, layout)(tmp_path / "data")
    wanted = len(test_layouts.read(root)[0])
    for place in [root, *[path for path in root.rglob("*") if path.is_dir()]]:
        for name in ("loop.png", "loop", "up"):
            (place / name).symlink_to(".." if name == "up" else name)
    assert len(test_layouts.read(root)[0]) >= min(wanted, 1)


COMMANDS: dict[str, Callable[[Path], list[Any]]] = {
    "predict": lambda loop: ["predict", "built-in", loop],
    "catalogue": lambda loop: ["catalogue", loop],
    "report": lambda loop: ["report", loop],
    "check-results": lambda loop: ["check-results", loop],
    "map": lambda loop: ["map", loop, "--out", loop.with_name("o.csv")],
    "patch": lambda loop: ["patch", loop, loop, "--out", loop.with_name("o.raresign")],
    "add-class": lambda loop: ["add-class", loop, loop, "--code", "1"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_link_to_itself_is_one_message(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    monkeypatch.setattr("sys.argv", ["raresign", *map(str, COMMANDS[name](loop))])
    assert run_safely(app) == 2
    said = capsys.readouterr().err
    assert said.count("error: ") == 1
    assert "Traceback" not in said


def test_a_served_link_to_itself_is_one_message(tmp_path: Path) -> None:
    """It ended in a RuntimeError of pathlib."""
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InputError, match="loop"):
        ServedModel(str(tmp_path / "loop"))


LONG = "x" * 300


@pytest.mark.parametrize(
    "name", [LONG, f"{LONG}/{LONG}.png", "a/" * 3000, "a\0b", "\ud800.png", "..", ".", "/", "\n"]
)
def test_a_name_that_no_disk_takes_is_a_picture_that_is_not_there(
    name: str, tmp_path: Path
) -> None:
    """`OSError: File name too long` for one line of a list of frames ended the whole reading."""
    found = FrameFiles(tmp_path).find(name)
    assert not found.is_file()
    assert len(os.fspath(found)) < 5000
    root = test_layouts.darknet(tmp_path / "data")
    listed = f"data/obj_train_data/a.png\n{name}\n".replace("\0", "")
    (root / "train.txt").write_bytes(listed.encode("utf-8", "replace"))
    assert len(test_layouts.read(root)[0]) == 1
    assert not is_there(tmp_path / LONG)


def test_a_frame_with_a_long_name_leaves_the_other_boxes(tmp_path: Path) -> None:
    Image.new("RGB", (50, 40)).save(tmp_path / "a.png")
    rows = f"file,x0,y0,x1,y1\na.png,1,2,30,30\n{LONG}.png,1,2,30,30\n"
    (tmp_path / "b.csv").write_text(rows)
    signs = boxed_signs(tmp_path / "b.csv", [tmp_path])
    assert [sign.path.is_file() for sign in signs] == [True, False]


def test_a_task_without_results_is_no_traceback(tmp_path: Path) -> None:
    """Label Studio: `"result": null`, and other values that are no list."""
    root = test_layouts.label_studio(tmp_path / "data")
    tasks = json.loads((root / "export.json").read_text())
    for odd in (None, 5, {"a": 1}, "x"):
        more = {**tasks[0], "annotations": [{"result": odd}]}
        (root / "export.json").write_text(json.dumps([*tasks, more]))
        assert len(test_layouts.read(root)[0]) == 1


@pytest.mark.parametrize(
    "head",
    [
        b"{'descr': '<u8', 'fortran_order': False, 'shape': (5,), (\n",
        b"{'descr': '<u8', 'fortran_order': False, 'shape': (9999999999999999999,), }\n",
        b"((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((\n",
    ],
)
def test_hashes_with_a_broken_header_count_nothing(head: bytes, tmp_path: Path) -> None:
    """NumPy reads the header as Python text: `tokenize.TokenError`."""
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + bytes(40)
    (tmp_path / FILE).write_bytes(content)
    assert not len(training_marks(tmp_path))


@pytest.mark.parametrize(
    "content", [b"\x80", b"\x80\x02M\x01", b"\x80\x02e.", b"\x80\x02t.", b"\x80\x02\x8a\xff", b"]"]
)
def test_broken_weights_are_one_message(content: bytes, tmp_path: Path) -> None:
    """torch's reader of pickles fails with IndexError and struct.error."""
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.pth"):
        _read(tmp_path / "a.pth")


@pytest.mark.parametrize("said", ["abc", "-1", "1e3", "٣", "99999999999", "1.5"])
def test_a_number_of_threads_that_is_none_is_told(
    said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    with pytest.raises(InputError, match="OMP_NUM_THREADS is "):
        OnnxEncoder(graph())
    assert OnnxEncoder(graph(), threads=1).crop_size == 8
    for good, threads in (("4", 4), (" 2,1", 2), ("", 0), ("0", 0)):
        monkeypatch.setenv("OMP_NUM_THREADS", good)
        assert said_threads() == threads


def test_icons_that_fit_no_cell_are_told() -> None:
    good = np.zeros((32, 32, 4), np.uint8)
    odd = (good[:16], good[..., :3], good[:16, :16], good.astype(np.float32), good[0])
    for one in odd:
        with pytest.raises(InputError, match=r"the icon of 'b' has the shape"):
            IconAtlas.from_pictures([good, one], ["a", "b"], 16)
    with pytest.raises(InputError, match=r"the icon of 'a' has the shape \(16, 32, 4\)"):
        IconAtlas.from_pictures([good[:16]], ["a"], 16)
    with pytest.raises(InputError, match="2 icons and 1 class codes"):
        IconAtlas.from_pictures([good, good], ["a"], 16)
    with pytest.raises(InputError, match="0 icons"):
        IconAtlas.from_pictures([], [], 16)


@pytest.mark.parametrize("number", ["1" + "0" * 400, "-1" + "0" * 400, "NaN", "Infinity", "1e999"])
def test_results_with_numbers_of_no_float_are_told(number: str, tmp_path: Path) -> None:
    """`OverflowError` of an integer of 400 digits."""
    (tmp_path / "a.jsonl").write_text(f'{{"path": "a", "known": {number}}}\n')
    told = [problem for _, problem in check_results(tmp_path / "a.jsonl")]
    assert any(one.startswith("known: ") for one in told), told
    with pytest.raises(InputError):
        list(read_results(tmp_path / "a.jsonl"))


@pytest.mark.parametrize("part", [b"model_sha256", b"embedding", b"crops"])
def test_a_network_whose_names_are_no_text_is_one_message(part: bytes) -> None:
    """onnxruntime gives names as they stand, and pybind11 then fails with UnicodeDecodeError."""
    content = graph().replace(part, b"\xff" + part[1:])
    with pytest.raises(InputError, match="the encoder"):
        OnnxEncoder(content)


HUGE = 10**400
"""`OverflowError: int too large to convert to float`, wherever annotations hold one."""


@pytest.mark.parametrize(
    ("make", "file", "wrong"),
    [
        ("mapillary", "annotations/aB.json", ('"width": 200', f'"width": {HUGE}')),
        ("label_studio", "export.json", ('"original_width": 200', f'"original_width": {HUGE}')),
        ("label_studio", "export.json", ('"x": 20.0', f'"x": {HUGE}')),
        ("coco", "train/_annotations.coco.json", ('"width": 200', f'"width": {HUGE}')),
        ("coco", "train/_annotations.coco.json", ("[40, 20,", f"[40, {HUGE},")),
        ("tt100k", "annotations_all.json", ('"xmin": 40', f'"xmin": {HUGE}')),
    ],
)
def test_numbers_that_no_float_holds_are_no_traceback(
    make: str, file: str, wrong: tuple[str, str], tmp_path: Path
) -> None:
    root = getattr(test_layouts, make)(tmp_path / "data")
    text = (root / file).read_text()
    assert wrong[0] in text
    (root / file).write_text(text.replace(*wrong))
    with suppress(InputError):
        test_layouts.read(root)


def test_detections_with_numbers_that_no_float_holds(tmp_path: Path) -> None:
    Image.new("RGB", (50, 40)).save(tmp_path / "a.png")
    ring = [[[1, 2], [30, 2], [HUGE, 30], [1, 30]]]
    shapes: list[Any] = [[1, 2, 30, 30], {"type": "Polygon", "coordinates": ring}]
    rows = [{"shape": shape, "semantics": [], "score": HUGE} for shape in shapes]
    (tmp_path / "a.json").write_text(json.dumps({"annotations": rows}))
    (sign,) = boxed_signs(tmp_path / "a.json", [tmp_path])
    assert (sign.box, sign.score) == ((1.0, 2.0, 30.0, 30.0), None)
    table = tmp_path / "t.csv"
    shape = json.dumps({"name": "circle", "cx": HUGE, "cy": 1, "r": 2}).replace('"', '""')
    table.write_text(f'file,region_shape_attributes\na.png,"{shape}"\n')
    with pytest.raises(InputError):
        boxed_signs(table, [tmp_path])


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.json", "a.xml", "a.xlsx"])
def test_a_pipe_that_nobody_writes_to_is_told(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    read = check_results(tmp_path / name) if name == "a.jsonl" else None
    with pytest.raises(InputError, match=r"cannot read .*: it is a device, a pipe or a socket"):
        boxed_signs(tmp_path / name, [tmp_path]) if read is None else list(read)


@pytest.mark.parametrize("text", ["file,class\na.png\n", "foo,bar\n1,2\n", "a.png,1,2,9,9\n", None])
def test_a_wrong_table_of_boxes_is_told_in_one_language(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "a.csv"
    if text is not None:
        file.write_text(text)
    with speaking("ru"), pytest.raises(InputError) as told:
        boxed_signs(file, [tmp_path])
    for sentence in (told.value.problem, told.value.hint):
        letters = [letter for letter in sentence.replace(str(file), "") if letter.isalpha()]
        assert any("а" <= letter <= "я" for letter in letters)
        assert " the " not in sentence
