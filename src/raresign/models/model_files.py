"""A trained classifier as files: weights with a checksum, settings beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from raresign.errors import InputError
from raresign.files import whole_file, write_json
from raresign.models.pretrained import WeightsRecord
from raresign.models.saved_rows import WEIGHTS_FILE, state_digest
from raresign.models.sign_net import SignNet

_SETTINGS = "model.json"


def save_model(net: SignNet, folder: str | Path) -> None:
    """Write model.safetensors and model.json, each whole or not at all.

    Args:
        net: The classifier, on any device.
        folder: Made if it is not there.

    Raises:
        OSError: The folder cannot be written.
    """
    folder = Path(folder)
    state = {key: value.detach().cpu().contiguous() for key, value in net.state_dict().items()}
    try:
        with whole_file(folder / WEIGHTS_FILE) as temporary:
            # The checksum travels in the file itself: two files would be at odds for a moment.
            save_file(state, temporary, metadata={"sha256": _digest(state)})
    except SafetensorError as error:  # a full disk, which safetensors calls so
        raise OSError(f"cannot write the model to {folder}: {error}") from error
    weights = {"weights": net.weights.source, "weights_sha256": net.weights.sha256}
    scale = {"mean": net.mean.flatten().tolist(), "std": net.std.flatten().tolist()}
    write_json(folder / _SETTINGS, {**net.settings, **weights, **scale})


def load_model(folder: str | Path) -> SignNet:
    """Read a saved classifier exactly as it was, on the CPU, in training mode like any new module.

    Args:
        folder: What `save_model` wrote to.

    Raises:
        InputError: A file is missing or damaged, or the two do not belong together.
    """
    folder = Path(folder)
    for name in (_SETTINGS, WEIGHTS_FILE):
        if not (folder / name).is_file():
            raise InputError(f"{folder} holds no model: {name} is missing", "name a run folder")
    try:
        settings = json.loads((folder / _SETTINGS).read_text(encoding="utf-8"))
        _check_form(folder, settings)
        names = ("backbone", "classes", "embedding", "crop_size", "drop_rate")
        given = {"photometry": "none", **settings}  # older files do not name it
        own = {name: given[name] for name in (*names, "photometry")}
        net = SignNet(**own, weights="none")
        source, digest = str(settings["weights"]), str(settings["weights_sha256"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{folder / _SETTINGS} is damaged: {type(error).__name__}: {error}",
            "restore it, or train again",
        ) from error
    try:
        state = load_file(folder / WEIGHTS_FILE)
        with safe_open(folder / WEIGHTS_FILE, framework="pt") as file:
            expected = (file.metadata() or {}).get("sha256")
        if expected != _digest(state):
            raise ValueError("the checksum does not match")
        net.load_state_dict(state)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise InputError(
            f"{folder / WEIGHTS_FILE} is damaged or of another model: {error}",
            "restore it, or train again",
        ) from error
    mean, std = tuple(net.mean.flatten().tolist()), tuple(net.std.flatten().tolist())
    net.weights = WeightsRecord(source, digest, mean, std)
    return net


def _check_form(folder: Path, settings: dict[str, Any]) -> None:
    """Refuse a net of an earlier version that had more than a linear head and one look."""
    head = settings.get("head", "linear")
    if head != "linear" or settings.get("second_look"):
        odd = f"a {head} head" if head != "linear" else "a second look"
        raise InputError(f"the net in {folder} has {odd}, which is gone", "train again")


def _digest(state: dict[str, Tensor]) -> str:
    return state_digest({name: value.numpy() for name, value in state.items()})
