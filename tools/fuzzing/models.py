"""Models of strangers: bundles, patches, networks, arrays, run folders, checkpoints."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from fuzzing.kind import Kind, Target, reading
from fuzzing.settings import RUN

CODES = ("1.11.1", "1.11.2", "2.5")
_FEATURES = 4


def network() -> bytes:
    """A tiny encoder: the mean of each channel, times weights."""
    from onnx import TensorProto, helper, numpy_helper

    rows = np.arange(3 * _FEATURES, dtype=np.float32).reshape(3, _FEATURES) - 5
    nodes = [
        helper.make_node("ReduceMean", ["crops"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["mean", "w"], ["embedding"]),
    ]
    taken = helper.make_tensor_value_info("crops", TensorProto.FLOAT, ["n", 3, 8, 8])
    given = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", _FEATURES])
    weights = [numpy_helper.from_array(rows, "w")]
    made = helper.make_graph(nodes, "g", [taken], [given], weights)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    model.metadata_props.add(key="model_sha256", value=_digest())
    content: bytes = model.SerializeToString()
    return content


def _weights() -> dict[str, np.ndarray]:
    rows = np.eye(len(CODES), _FEATURES, dtype=np.float32)
    return {"classifier.weight": rows, "classifier.bias": np.zeros(len(CODES), np.float32)}


def _digest() -> str:
    from raresign.models.saved_rows import state_digest

    return state_digest(_weights())


def tiny_model() -> Any:
    """A recogniser of three classes with prototypes and photos."""
    from raresign.answers.fusion import Fusion
    from raresign.answers.head import Head
    from raresign.answers.prototypes import PrototypeIndex
    from raresign.runtime.onnx_encoder import OnnxEncoder
    from raresign.runtime.recogniser import Recogniser
    from raresign.signs.catalogue.sign_catalogue import SignCatalogue
    from raresign.signs.catalogue.sign_class import SignClass

    signs = [SignClass(code, k, "freq", (), f"f{k % 2}", None) for k, code in enumerate(CODES)]
    rows, biases = _weights().values()
    near = PrototypeIndex(np.eye(3, _FEATURES), [0, 1, 2], [0, 1, 2], 3)
    head = Head(
        *(rows, biases, ("f0", "f1", "f0"), np.array([False, False, True]), near),
        *(np.ones(3, np.float32), Fusion(1.0, 2.0, 0.1)),
        lifts=((2, np.ones(_FEATURES + 1, np.float32)),),
    )
    return Recogniser(OnnxEncoder(network(), threads=1), head, SignCatalogue(signs))


def tiny_parts() -> tuple[dict[str, bytes], dict[str, Any]]:
    """The parts of a bundle of the tiny model, and the facts of its manifest."""
    from raresign.bundles.bundle import bundle_parts

    model = tiny_model()
    icons = {code: np.full((16, 16, 4), 200, np.uint8) for code in CODES}
    parts = bundle_parts(model, network(), "# card\n", icons)
    return parts, {"raresign": "0", "name": "tiny", "classes": 3, "precision": "fp32", "net": "x"}


def _bundle_bytes(folder: Path) -> Target:
    from raresign.bundles.archive import write_archive
    from raresign.bundles.bundle import Bundle
    from raresign.errors import InputError

    parts, facts = tiny_parts()
    write_archive(folder / "seed.raresign", parts, facts)
    write_archive(folder / "small.raresign", {"card.md": b"a card"}, {})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("../card.md", b"a")
    seeds = [(folder / name).read_bytes() for name in ("seed.raresign", "small.raresign")]
    reader = reading(folder / "a.raresign", lambda path: Bundle.open(path))
    return Target([*seeds, packed.getvalue()], reader, (InputError,))


def _bundle_parts(folder: Path) -> Target:
    """A part is spoiled and the manifest tells its new checksum: what a stranger would send."""
    from raresign.bundles.bundle import Bundle
    from raresign.errors import InputError

    parts, facts = tiny_parts()
    names = sorted(name for name in parts if name != "card.md")
    seeds = [bytes([number]) + parts[name] for number, name in enumerate(names)]
    listed = {name: {"bytes": len(part), "sha256": ""} for name, part in parts.items()}

    def read(data: bytes) -> object:
        name = names[data[0] % len(names)] if data else names[0]
        bundle = Bundle(folder / "a.raresign", {**facts, "parts": listed}, parts | {name: data[1:]})
        model = bundle.recogniser()
        bundle.icon(CODES[0])
        return model.recognise(np.full((1, 3, 8, 8), 90, np.uint8))

    return Target(seeds, read, (InputError,), ("json",), 1)


def _patch(folder: Path) -> Target:
    from raresign.bundles.archive import write_archive
    from raresign.bundles.bundle import Bundle
    from raresign.bundles.patch import patch_bundle, write_patch
    from raresign.errors import InputError

    parts, facts = tiny_parts()
    write_archive(folder / "base.raresign", parts, facts)
    base = Bundle.open(folder / "base.raresign")
    write_patch(folder / "s.raresign-patch", base, parts | {"card.md": b"# new\n"}, facts)
    seed = (folder / "s.raresign-patch").read_bytes()
    kept = {name: hashlib.sha256(part).hexdigest() for name, part in parts.items()}
    own = [
        {"kept": {**kept, "card.md": None}},
        {"kept": []},
        {"kept": {"../x": "a"}},
        {"kept": {name: kept[name] for name in list(kept)[:2]}},
    ]
    seeds = [seed]
    for odd in own:
        write_archive(folder / "o.raresign-patch", {}, {**facts, **odd})
        seeds.append((folder / "o.raresign-patch").read_bytes())

    def read(path: Path) -> object:
        return patch_bundle(folder / "base.raresign", path, folder / "out.raresign")

    return Target(seeds, reading(folder / "a.raresign-patch", read), (InputError,))


def _checked_network(folder: Path) -> Target:
    from raresign.networks import check_network

    return Target([network()], check_network, (ValueError,))


def _opened_network(folder: Path) -> Target:
    from raresign.errors import InputError
    from raresign.runtime.onnx_encoder import OnnxEncoder

    def read(data: bytes) -> object:
        encoder = OnnxEncoder(data, threads=1)
        return encoder.crop_size <= 64 and encoder.width

    return Target([network()], read, (InputError,))


def _safetensors(arrays: dict[str, np.ndarray], told: dict[str, str]) -> bytes:
    from safetensors.numpy import save

    return save(arrays, metadata=told)


def _weights_file(folder: Path) -> Target:
    from raresign.errors import InputError
    from raresign.models.saved_rows import classifier_rows, classifier_shape

    seeds = [_safetensors(_weights(), {"sha256": _digest()})]

    def read(path: Path) -> object:
        with suppress(ValueError):
            classifier_shape(path.parent)
        return classifier_rows(path.parent)

    return Target(seeds, reading(folder / "model.safetensors", read), (InputError,))


def _resealed(data: bytes) -> bytes:
    """The arrays of a file, and plain values beside them, under a right checksum."""
    from safetensors.numpy import load, save

    from raresign.runs.sealed_arrays import _digest as digest

    try:
        arrays = load(data)
        text = data[8 : 8 + struct.unpack("<Q", data[:8])[0]].decode()
        plain = json.loads(text).get("__metadata__", {}).get("plain", "null")
        sealed = json.dumps({"plain": plain, "sha256": digest(arrays, plain, b"")})
        return save(arrays, metadata={"sealed": sealed})
    except Exception:
        return data


def _photos(folder: Path) -> Target:
    """Photos of a class, with a right checksum wherever one can be made."""
    from raresign.errors import InputError
    from raresign.runs.photo_embeddings import PHOTOS, read_photos

    file = folder / PHOTOS / "2.5.safetensors"
    arrays = {"embedding": np.ones((2, 4), np.float16), "lift": np.ones(5, np.float32)}
    seeds = [_safetensors(arrays, {"plain": "null"})]
    inner = reading(file, lambda path: list(read_photos(folder)))
    return Target(seeds, lambda data: inner(_resealed(data)), (InputError,))


def _marks(folder: Path) -> Target:
    from raresign.commands.trained_crops import FILE, training_marks

    held = io.BytesIO()
    np.save(held, np.arange(5, dtype=np.uint64))
    read = reading(folder / FILE, lambda path: len(training_marks(path.parent)) > 0)
    return Target([held.getvalue()], read, ())


def tiny_run(folder: Path) -> Path:
    """A run folder of the tiny model, with an added class and photos."""
    from PIL import Image

    from raresign.runs.head_file import save_head
    from raresign.runs.run_folder import RunFolder
    from raresign.runs.sealed_arrays import save_sealed
    from raresign.runtime.onnx_encoder import with_seal
    from raresign.signs.catalogue.sign_catalogue import SignCatalogue

    icon = folder / "icon.png"
    picture = Image.new("RGBA", (24, 24))
    picture.paste((200, 0, 30, 255), (3, 3, 21, 21))
    picture.save(icon)
    model = tiny_model()
    signs = [replace(sign, icons=(icon,)) for sign in model.catalogue.classes]
    recipe: dict[str, Any] = {"recognition": "fused", "framing": "whole", "stages": []}
    settings = {**RUN["settings"], "recipe": recipe}  # type: ignore[dict-item]
    run = RunFolder.create(folder / "run", settings, SignCatalogue(signs), {})
    run.info |= {"finished": True}
    run.write()
    path = run.path
    (path / "model.safetensors").write_bytes(_safetensors(_weights(), {"sha256": _digest()}))
    (path / "encoder.onnx").write_bytes(with_seal(network()))
    save_head(path, replace(model.head, lifts=()))
    (path / "photos").mkdir()
    lifts = {"embedding": np.ones((2, 4), np.float16), "lift": np.ones(5, np.float32)}
    save_sealed(path / "photos" / "2.5.safetensors", lifts)
    own = path / "added" / "9.9"
    own.mkdir(parents=True)
    picture.save(own / "icon.png")
    told = {"code": "9.9", "id": 9, "family": "f0", "order": 1, "name": "new"}
    (own / "class.json").write_text(json.dumps(told))
    arrays = {
        "row": np.ones(4, np.float32),
        "bias": np.zeros(1, np.float32),
        "embedding": np.ones((1, 4), np.float16),
        "sources": np.ones(1, np.uint8),
    }
    save_sealed(own / "rows.safetensors", arrays, beside=(own / "class.json").read_bytes())
    return path


def _run_folder(folder: Path) -> Target:
    """Any one file of a run folder is spoiled; sealed arrays get a right checksum half the time."""
    from raresign.errors import InputError
    from raresign.runs.run_folder import RunFolder

    path = tiny_run(folder)
    files = sorted(file for file in path.rglob("*") if file.is_file() and file.suffix != ".png")
    whole = {file: file.read_bytes() for file in files}
    seeds = [bytes([number]) + content for number, content in enumerate(whole.values())]
    random = Random(0)

    def read(data: bytes) -> object:
        file = files[data[0] % len(files)] if data else files[0]
        content = data[1:]
        if file.suffix == ".safetensors" and random.random() < 0.5:
            content = _resealed(content)
        file.write_bytes(content)
        try:
            model = RunFolder.open(path).recogniser()
            return model.recognise(np.full((1, 3, 8, 8), 90, np.uint8))
        finally:
            file.write_bytes(whole[file])

    return Target(seeds, read, (InputError,), ("json",), 1)


def _checkpoint(folder: Path) -> Target:
    import torch

    from raresign.errors import InputError
    from raresign.models.pretrained import _read
    from raresign.training.checkpoint_files import read_checkpoint

    held = io.BytesIO()
    state = {"w": torch.ones(3), "b": torch.zeros(2, dtype=torch.int64)}
    found = {"state_dict": state, "callbacks": {"a": 1}, "loops": {}, "global_step": 3}
    torch.save(found, held)
    old = io.BytesIO()
    torch.save(state, old, _use_new_zipfile_serialization=False)

    def read(path: Path) -> object:
        with suppress(InputError):
            _read(path)
        return read_checkpoint(path)

    seeds = [held.getvalue(), old.getvalue()]
    return Target(seeds, reading(folder / "last.ckpt", read), (InputError,))


def _predictions(folder: Path) -> Target:
    from raresign.errors import InputError
    from raresign.evaluation.predictions import Predictions

    shares, types = [[0.25, 0.75], [0.5, 0.5]], ("freq", "rare")
    made = Predictions(
        ("a.png", "b.png"), np.array([0, -1]), np.array(shares), ("1", "2"), types, types
    )
    made.as_parquet(folder / "seed.parquet")
    seeds = [(folder / "seed.parquet").read_bytes()]
    read = reading(folder / "a.parquet", Predictions.from_parquet)
    return Target(seeds, read, (InputError,))


KINDS = [
    Kind("bundle", 90_000, _bundle_bytes, ("raresign.bundles",)),
    Kind("parts of a bundle", 1_000, _bundle_parts),
    Kind("patch", 1_500, _patch),
    Kind("network, looked through", 230_000, _checked_network, ("raresign.networks",)),
    Kind("network, opened", 100_000, _opened_network),
    Kind("model.safetensors", 60_000, _weights_file),
    Kind("photos of a class", 40_000, _photos),
    Kind("hashes of crops (.npy)", 8_000, _marks),
    Kind("run folder", 600, _run_folder),
    Kind("checkpoint", 800, _checkpoint),
    Kind("predictions.parquet", 2_000, _predictions),
]
