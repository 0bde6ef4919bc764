"""The weights of a saved net, checked and read without torch: its classifier's rows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from raresign.errors import InputError

WEIGHTS_FILE = "model.safetensors"


@dataclass(frozen=True)
class SavedRows:
    """The classifier of a saved net.

    Attributes:
        rows: (C, E) float32.
        biases: (C,) float32.
        digest: Checksum of all weights of the net, by which other files name it.
    """

    rows: np.ndarray
    biases: np.ndarray
    digest: str


def classifier_rows(folder: str | Path) -> SavedRows:
    """Read the rows and biases of the classifier.

    Args:
        folder: What `save_model` wrote to.

    Raises:
        InputError: No model, a damaged file, or a net of another head.
    """
    file = Path(folder) / WEIGHTS_FILE
    if not file.is_file():
        raise InputError(f"{folder} holds no model: {file.name} is missing", "name a run folder")
    try:
        with safe_open(file, framework="np") as opened:
            state = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            digest = (opened.metadata() or {}).get("sha256", "")
        if digest != state_digest(state):
            raise ValueError("the checksum does not match")
        rows, biases = (state[f"classifier.{name}"] for name in ("weight", "bias"))
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise InputError(f"{file} is damaged: {error}", "restore it, or train again") from error
    return SavedRows(np.asarray(rows, np.float32), np.asarray(biases, np.float32), digest)


def classifier_shape(folder: str | Path) -> tuple[int, int]:
    """(C, E) of the classifier of a saved net, from the header of its file.

    Raises:
        ValueError: The file is damaged, or holds no such classifier.
    """
    try:
        with safe_open(Path(folder) / WEIGHTS_FILE, framework="np") as opened:
            shape = opened.get_slice("classifier.weight").get_shape()
    except (OSError, SafetensorError) as error:
        raise ValueError(f"{WEIGHTS_FILE}: {error}") from error
    if len(shape) != 2:
        raise ValueError(f"{WEIGHTS_FILE} has a classifier of shape {shape}")
    return int(shape[0]), int(shape[1])


def state_digest(state: dict[str, np.ndarray]) -> str:
    """SHA-256 over names, types, shapes and bytes of a net's weights."""
    digest = hashlib.sha256()
    for key in sorted(state):
        value = state[key]
        digest.update(f"{key} torch.{value.dtype} {value.shape}\n".encode())
        digest.update(np.ascontiguousarray(value).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
