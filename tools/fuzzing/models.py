"""Models of strangers: bundles, patches, networks, arrays, run folders, checkpoints."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from contextlib import suppress
from pathlib import Path
from random import Random

import numpy as np

from fuzzing.kind import Kind, Target, reading
from fuzzing.tiny_model import (
    CODES,
    network,
    safetensors,
    tiny_parts,
    tiny_run,
    tiny_weights,
    weights_digest,
)


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


def _weights_file(folder: Path) -> Target:
    from raresign.errors import InputError
    from raresign.models.saved_rows import classifier_rows, classifier_shape

    seeds = [safetensors(tiny_weights(), {"sha256": weights_digest()})]

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
    seeds = [safetensors(arrays, {"plain": "null"})]
    inner = reading(file, lambda path: list(read_photos(folder)))
    return Target(seeds, lambda data: inner(_resealed(data)), (InputError,))


def _marks(folder: Path) -> Target:
    from raresign.commands.trained_crops import FILE, training_marks

    held = io.BytesIO()
    np.save(held, np.arange(5, dtype=np.uint64))
    read = reading(folder / FILE, lambda path: len(training_marks(path.parent)) > 0)
    return Target([held.getvalue()], read, ())


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
