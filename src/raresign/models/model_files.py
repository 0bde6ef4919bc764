"""A trained classifier as files: weights with a checksum, settings beside them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from raresign.errors import InputError
from raresign.files import read_text, whole_file, write_json
from raresign.models.pretrained import WeightsRecord
from raresign.models.saved_rows import WEIGHTS_FILE, classifier_shape, state_digest
from raresign.models.sign_net import SignNet
from raresign.parsing import parse_json

_SETTINGS = "model.json"
_MOST_BYTES = 1 << 20


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
        settings = parse_json(read_text(folder / _SETTINGS, _MOST_BYTES))
        _check_form(folder, settings)
        names = ("backbone", "classes", "embedding", "crop_size", "drop_rate")
        given = {"photometry": "none", **settings}  # older files do not name it
        _check_values(given, classifier_shape(folder))
        own = {name: given[name] for name in (*names, "photometry")}
        net = SignNet(**own, weights="none")
        source, digest = str(settings["weights"]), str(settings["weights_sha256"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError) as error:
        raise InputError(
            f"{folder / _SETTINGS} is damaged: {type(error).__name__}: {str(error)[:300]}",
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


def _check_values(given: dict[str, Any], shape: tuple[int, int]) -> None:
    """Refuse settings that no net has, before one is built of them.

    Raises:
        KeyError, TypeError, ValueError: A value is missing, of another type, out of its range, or
            at odds with the shape of the classifier in the weights.
    """
    for name, low, high in (("classes", 1, 10**6), ("embedding", 1, 10**5), ("crop_size", 1, 1024)):
        value = given[name]
        if type(value) is not int or not low <= value <= high:
            raise ValueError(f"{name} is {str(value)[:40]}")
    if (given["classes"], given["embedding"]) != shape:
        raise ValueError(f"the weights are of {shape[0]} classes, an embedding of {shape[1]}")
    rate, backbone = given["drop_rate"], given["backbone"]
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate < 1:
        raise ValueError(f"drop_rate is {str(rate)[:40]}")
    # A name with a colon or a slash would make timm ask the hub, or read another folder.
    if not isinstance(backbone, str) or not re.fullmatch(r"[\w.-]{1,100}", backbone):
        raise ValueError(f"backbone is {str(backbone)[:40]!r}")


def _digest(state: dict[str, Tensor]) -> str:
    return state_digest({name: value.numpy() for name, value in state.items()})
