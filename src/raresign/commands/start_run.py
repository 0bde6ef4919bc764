"""`raresign start`: the built-in model as a run folder, to which signs can be added."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from raresign.commands.data_folder import open_data
from raresign.errors import InputError
from raresign.files import whole_file
from raresign.models.built_in_files import ENCODER, facts, part
from raresign.models.built_in_weights import encoder_state
from raresign.models.model_files import save_model
from raresign.models.pretrained import WeightsRecord
from raresign.models.saved_rows import classifier_rows
from raresign.models.sign_net import SignNet
from raresign.runs.built_in import built_in_recogniser
from raresign.runs.environment import machine
from raresign.runs.head_file import save_head
from raresign.runs.run_folder import RunFolder
from raresign.runtime.onnx_encoder import ENCODER_FILE, MODEL_DIGEST, with_seal


def start_run(out: str | Path) -> Path:
    """Write the built-in model as a finished run; it answers alike, and signs can be added to it.

    Args:
        out: The run folder to make.

    Returns:
        The run folder.

    Raises:
        InputError: `out` exists, or the built-in model is damaged.
    """
    out = Path(out)
    RunFolder.check_free(out)
    known, recogniser = facts(), built_in_recogniser()
    saved = dict(known["run"])
    head = recogniser.head
    catalogue = open_data(saved["settings"]["data"]).catalogue
    if catalogue.codes != recogniser.catalogue.codes:
        raise InputError("the built-in model knows other signs than we draw", "build it again")
    net = _net(known, encoder := part(ENCODER, known), head.rows, head.biases)
    notes = {key: value for key, value in saved.items() if key not in ("name", "created")}

    def write(place: Path) -> None:
        save_model(net, place)
        graph = onnx.load_from_string(encoder)
        graph.metadata_props.add(key=MODEL_DIGEST, value=classifier_rows(place).digest)
        with whole_file(place / ENCODER_FILE) as temporary:
            temporary.write_bytes(with_seal(graph.SerializeToString()))
        save_head(place, head)

    told = {**notes, "machine": machine(), "finished": True, "built_in": known["commit"]}
    RunFolder.create(out, saved["settings"], catalogue, told, write)
    return out


def _net(known: dict[str, Any], encoder: bytes, rows: np.ndarray, biases: np.ndarray) -> SignNet:
    """The built-in model's net, in evaluation mode."""
    settings = {key: value for key, value in known["net"].items() if key not in ("mean", "std")}
    weights = known["run"]["weights"]
    net = SignNet(**settings, weights="none")
    state = encoder_state(encoder)
    state["classifier.weight"] = torch.from_numpy(rows)
    state["classifier.bias"] = torch.from_numpy(biases)
    net.load_state_dict({**net.state_dict(), **state})
    scale = tuple(known["net"]["mean"]), tuple(known["net"]["std"])
    net.weights = WeightsRecord(str(weights["source"]), str(weights["sha256"]), *scale)
    return net.eval()
