"""What a stranger gives us runs nothing, reads no other file and fills no memory."""

from __future__ import annotations

import io
import json
import stat
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from raresign.bundles.archive import MANIFEST, read_archive, write_archive
from raresign.bundles.bundle import Bundle
from raresign.bundles.catalogue_part import PART, catalogue_of
from raresign.commands.trained_crops import FILE, training_marks
from raresign.crops.layouts.sheet_file import sheet_rows
from raresign.crops.layouts.text_files import read_xml
from raresign.errors import InputError
from raresign.files import write_text
from raresign.models.pretrained import _read
from raresign.models.saved_rows import WEIGHTS_FILE, classifier_rows
from raresign.networks import MOST_SIDE, check_network, open_network
from raresign.runs.photo_embeddings import PHOTOS, read_photos
from raresign.runs.presets import with_kept_presets
from raresign.runtime.onnx_encoder import OnnxEncoder
from raresign.training.recipe import load_recipe
from test_onnx_seal import graph

# --- networks ------------------------------------------------------------------------------------


def _changed(change: Callable[[Any], object]) -> bytes:
    model = onnx.load_from_string(graph())
    change(model)
    content: bytes = model.SerializeToString()
    return content


def _elsewhere(tensor: Any, place: str = "w.bin") -> None:
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=place)


def _in_another_order() -> bytes:
    """The place before the word "location", which protobuf reads as well."""
    content = _changed(lambda model: _elsewhere(model.graph.initializer[0]))
    told = b"\x0a\x08location", b"\x12\x05w.bin"
    assert b"".join(told) in content
    return content.replace(b"".join(told), b"".join(reversed(told)))


def _longer() -> bytes:
    """Lengths in more bytes than they need: 13 as 0x8D 0x00."""
    content = _changed(lambda model: _elsewhere(model.graph.initializer[0]))
    at = content.index(b"\x0a\x08location")
    tensor = content[at - 2 :]  # field 13, its length, ...
    entry = tensor[: 2 + tensor[1]]
    longer = entry[:1] + bytes([entry[1] + 1 | 0x80, 0]) + b"\x0a\x88\x00" + entry[4:]
    model = onnx.load_from_string(graph())
    model.graph.ClearField("initializer")
    weights = b"\x08\x03\x08\x02\x10\x01\x42\x01w" + longer + b"\x70\x01"
    inner = model.graph.SerializeToString() + b"\x2a" + bytes([len(weights)]) + weights
    model.ClearField("graph")
    size = bytes([len(inner) & 0x7F | 0x80, len(inner) >> 7])
    whole: bytes = model.SerializeToString() + b"\x3a" + size + inner
    assert onnx.load_from_string(whole).graph.initializer[0].external_data[0].key == "location"
    return whole


def _in_a_node(model: Any) -> None:
    value = helper.make_tensor("v", TensorProto.FLOAT, [1], [0.0])
    _elsewhere(value, "/etc/passwd")
    model.graph.node.insert(0, helper.make_node("Constant", [], ["v"], value=value))


def _loop(model: Any) -> None:
    body = helper.make_graph([], "body", [], [])
    model.graph.node.append(helper.make_node("Loop", ["m", "c"], ["x"], body=body))


def _functions(model: Any) -> None:
    model.functions.append(helper.make_function("f", "F", ["x"], ["y"], [], []))


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "other order": (_in_another_order, "names another file"),
    "longer numbers": (_longer, "names another file"),
    "memory": (
        lambda: _changed(
            lambda model: _elsewhere(model.graph.initializer[0], "*/_ORT_MEM_ADDR_/*")
        ),
        "names another file",
    ),
    "in a node": (lambda: _changed(_in_a_node), "names another file"),
    "loop": (lambda: _changed(_loop), "a loop or a branch"),
    "functions": (lambda: _changed(_functions), "functions of its own"),
    "cut": (lambda: graph()[:-3], "cut"),
    "another format": (lambda: b"\x20\0\0\0ORTM" + bytes(64), "no ONNX|cut"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_network_reads_no_other_file_and_does_not_loop(name: str, tmp_path: Path) -> None:
    content, told = HOSTILE[name][0](), HOSTILE[name][1]
    (tmp_path / "encoder.onnx").write_bytes(content)
    for source in (content, tmp_path / "encoder.onnx"):
        with pytest.raises(InputError, match=told):
            OnnxEncoder(source)
    with pytest.raises(ValueError, match=told):
        open_network(content, 1)


def test_operators_that_onnxruntime_lacks_are_refused() -> None:
    def own(model: Any) -> None:
        model.graph.node[0].domain = "evil"
        model.opset_import.append(helper.make_opsetid("evil", 1))

    check_network(graph())
    with pytest.raises(InputError, match="not a registered function"):
        OnnxEncoder(_changed(own))


@pytest.mark.parametrize("side", [MOST_SIDE + 1, 10**9, "any"])
def test_a_network_asks_for_no_huge_crops(side: Any) -> None:
    def larger(model: Any) -> None:
        for place in model.graph.input[0].type.tensor_type.shape.dim[2:]:
            place.Clear()
            setattr(place, "dim_param" if side == "any" else "dim_value", side)

    with pytest.raises(InputError, match="it takes pictures of"):
        OnnxEncoder(_changed(larger))


# --- packed files --------------------------------------------------------------------------------


def _lying_zip(parts: dict[str, bytes], name: str, real: int) -> bytes:
    """A zip whose part `name` says its own length and unpacks to `real` bytes more of zeros."""
    content, listed = b"", b""
    for part, data in parts.items():
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = packer.compress(data) + (packer.compress(bytes(real)) if part == name else b"")
        packed += packer.flush()
        facts = (0, 0, zlib.crc32(data), len(packed), len(data), len(part), 0)
        head = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 8, *facts)
        where = struct.pack(
            "<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 8, *facts, 0, 0, 0, 0, len(content)
        )
        content += head + part.encode() + packed
        listed += where + part.encode()
    end = struct.pack(
        "<4s4H2IH", b"PK\5\6", 0, 0, len(parts), len(parts), len(listed), len(content), 0
    )
    return content + listed + end


def _peak(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_part_unpacks_to_no_more_than_its_entry_says(tmp_path: Path) -> None:
    write_archive(tmp_path / "a.raresign", {"card.md": b"a card"}, {})
    with zipfile.ZipFile(tmp_path / "a.raresign") as archive:
        parts = {name: archive.read(name) for name in (MANIFEST, "card.md")}
    wrong = tmp_path / "wrong.raresign"
    for name in parts:
        wrong.write_bytes(_lying_zip(parts, name, 64 << 20))
        assert _peak(lambda: read_archive(wrong)) < 8 << 20
        assert read_archive(wrong)[1] == {"card.md": b"a card"}


def test_a_sheet_unpacks_to_no_more_than_its_entry_says(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.xlsx"
    wrong.write_bytes(_lying_zip({"[Content_Types].xml": b"<a/>"}, "[Content_Types].xml", 64 << 20))

    def read() -> None:
        with pytest.raises(InputError, match="no workbook"):
            list(sheet_rows(wrong))

    read()  # imports
    assert _peak(read) < 8 << 20


def test_a_link_in_a_bundle_is_a_text(tmp_path: Path) -> None:
    write_archive(tmp_path / "a.raresign", {"card.md": b"/etc/passwd"}, {})
    with zipfile.ZipFile(tmp_path / "a.raresign") as archive:
        entries = [(entry, archive.read(entry)) for entry in archive.infolist()]
    wrong = tmp_path / "wrong.raresign"
    with zipfile.ZipFile(wrong, "w") as archive:
        for entry, data in entries:
            entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(entry, data)
    assert Bundle.open(wrong).card == "/etc/passwd"
    assert sorted(place.name for place in tmp_path.iterdir()) == ["a.raresign", "wrong.raresign"]


@pytest.mark.parametrize("code", ["../x", "a/b", "a\\b", "a\0b", "a\r\nX: b", ""])
def test_a_bundle_has_no_codes_that_are_paths(code: str) -> None:
    row = {"code": code, "id": 0, "type": "freq", "name": "", "family": "", "twin": None}
    listed = {"country": None, "classes": [{**row, "icon": None}]}
    with pytest.raises((InputError, ValueError)):
        catalogue_of({PART: json.dumps(listed).encode()})


# --- arrays --------------------------------------------------------------------------------------


def _terabytes() -> bytes:
    """A safetensors file whose header tells of 4 TB."""
    shape = {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}
    head = json.dumps({"embedding": shape, "classifier.weight": shape}).encode()
    return struct.pack("<Q", len(head)) + head + bytes(64)


@pytest.mark.parametrize("content", [_terabytes(), struct.pack("<Q", 1 << 62) + b"{}"])
def test_arrays_that_claim_terabytes_are_refused(content: bytes, tmp_path: Path) -> None:
    for name in (WEIGHTS_FILE, f"{PHOTOS}/2.5.safetensors"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        classifier_rows(tmp_path)
    with pytest.raises(InputError, match="cannot be read as weights"):
        _read(tmp_path / WEIGHTS_FILE)
    with pytest.raises(InputError, match="damaged"):
        list(read_photos(tmp_path))


def test_hashes_that_claim_terabytes_or_are_none_count_nothing(tmp_path: Path) -> None:
    file = io.BytesIO()
    np.save(file, np.arange(3, dtype=np.uint64))
    good = file.getvalue()
    objects = io.BytesIO()
    np.save(objects, np.array([{}, {}]), allow_pickle=True)
    huge = good.replace(b"(3,), ", b"(%d,), " % (1 << 42)).replace(b" " * 13, b"", 1)
    for content, count in (
        (good, 3),
        (huge, 0),
        (objects.getvalue(), 0),
        (b"PK\5\6" + bytes(18), 0),
    ):
        (tmp_path / FILE).write_bytes(content)
        assert len(training_marks(tmp_path)) == count


# --- settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["presets/../../other.yaml", "presets/", "presets//etc/x.yaml"])
def test_a_run_names_no_preset_outside(preset: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name a file of"):
        with_kept_presets(tmp_path, {"stages": [{"preset": preset}]})
    kept = with_kept_presets(tmp_path, {"stages": [{"preset": "presets/a.yaml"}]})
    assert kept["stages"] == [{"preset": str(tmp_path / "presets" / "a.yaml")}]


@pytest.mark.parametrize("name", ["../x", "a/b", "a\\b", "a\nb"])
def test_a_stage_has_no_folder_outside(name: str) -> None:
    with pytest.raises(InputError, match="name"):
        load_recipe({"stages": [{"use": "mixed", "name": name}]})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("entity", ['"x"', 'SYSTEM "file:///etc/passwd"'])
def test_xml_has_no_entities(encoding: str, entity: str, tmp_path: Path) -> None:
    text = f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e {entity}>]><a>&e;</a>'
    (tmp_path / "a.xml").write_bytes(text.encode(encoding))
    with pytest.raises(InputError, match="defines entities"):
        read_xml(tmp_path / "a.xml")


def test_a_link_in_the_way_is_replaced_and_not_followed(tmp_path: Path) -> None:
    mine, link = tmp_path / "mine", tmp_path / "report.html"
    mine.write_text("mine")
    link.symlink_to(mine)
    write_text(link, "new")
    assert (mine.read_text(), link.read_text(), link.is_symlink()) == ("mine", "new", False)
