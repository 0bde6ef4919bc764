"""A tiny model of three classes, as network, parts of a bundle and run folder."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

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
    model.metadata_props.add(key="model_sha256", value=weights_digest())
    content: bytes = model.SerializeToString()
    return content


def tiny_weights() -> dict[str, np.ndarray]:
    """The classifier of the tiny model."""
    rows = np.eye(len(CODES), _FEATURES, dtype=np.float32)
    return {"classifier.weight": rows, "classifier.bias": np.zeros(len(CODES), np.float32)}


def weights_digest() -> str:
    """What names them in a network."""
    from raresign.models.saved_rows import state_digest

    return state_digest(tiny_weights())


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
    rows, biases = tiny_weights().values()
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


def safetensors(arrays: dict[str, np.ndarray], told: dict[str, str]) -> bytes:
    """A file of arrays, with plain values beside them."""
    from safetensors.numpy import save

    return save(arrays, metadata=told)


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
    (path / "model.safetensors").write_bytes(
        safetensors(tiny_weights(), {"sha256": weights_digest()})
    )
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
