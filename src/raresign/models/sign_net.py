"""The classifier: a timm backbone, a 512-d embedding, ReLU, a linear classifier."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any, NamedTuple

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from raresign.errors import InputError
from raresign.files import whole_file, write_json
from raresign.models.weights import WeightsRecord, load_weights

_TENSORS, _SETTINGS = "model.safetensors", "model.json"


class SignOutput(NamedTuple):
    """What the classifier returns.

    Args:
        logits: (N, C) float.
        embedding: (N, E) float, before the ReLU, as the reference's metric stage uses it.
    """

    logits: Tensor
    embedding: Tensor


class SignNet(nn.Module):
    """Crops in [0, 1] to logits and embedding; the backbone's normalisation is inside.

    Args:
        backbone: Any timm name.
        classes: Number of classes.
        embedding: Length of the embedding.
        weights: See `load_weights`.
        crop_size: Side of the crops in pixels; recorded, and used by backbones of fixed size.

    Raises:
        InputError: timm knows no such backbone, or weights are wrong.

    Example:
        >>> net = SignNet("resnet18", classes=3, weights="none", crop_size=32)
        >>> logits, embedding = net(torch.rand(2, 3, 32, 32))
        >>> logits.shape, embedding.shape
        (torch.Size([2, 3]), torch.Size([2, 512]))
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: str,
        classes: int,
        embedding: int = 512,
        weights: str = "auto",
        crop_size: int = 64,
    ) -> None:
        super().__init__()
        self.settings: dict[str, Any] = {
            "backbone": backbone,
            "classes": classes,
            "embedding": embedding,
            "crop_size": crop_size,
        }
        self.backbone = _create(backbone, crop_size)
        self.weights = load_weights(self.backbone, backbone, weights)
        for module in self.backbone.modules():
            # TensorFlow's 0.01 adapts too slowly in a fine-tuning of a thousand steps.
            if isinstance(module, nn.BatchNorm2d) and module.momentum == 0.01:
                module.momentum = 0.1
        width = getattr(self.backbone, "head_hidden_size", None) or self.backbone.num_features
        self.embed = nn.Linear(int(width), embedding)
        self.classifier = nn.Linear(embedding, classes)
        self.frozen: tuple[nn.Module, ...] = ()
        self._set_normalisation(self.weights)

    def _set_normalisation(self, weights: WeightsRecord) -> None:
        self.register_buffer("mean", torch.tensor(weights.mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(weights.std).view(1, 3, 1, 1))

    @property
    def crop_size(self) -> int:
        """Side of the crops that the net was made for."""
        return int(self.settings["crop_size"])

    def forward(self, crops: Tensor) -> SignOutput:
        """Logits and embedding of (N, 3, S, S) crops in [0, 1]."""
        embedding = self.embed(self.backbone((crops - self.mean) / self.std))
        return SignOutput(self.classifier(torch.relu(embedding)), embedding)

    def train(self, mode: bool = True) -> SignNet:
        """Switch to training; frozen parts stay in evaluation mode."""
        super().train(mode)
        for part in self.frozen:
            part.eval()
        return self


def _create(backbone: str, crop_size: int) -> nn.Module:
    if not timm.is_model(backbone):
        near = difflib.get_close_matches(backbone, timm.list_models(), n=4)
        raise InputError(
            f"timm knows no backbone called '{backbone}'",
            f"did you mean {', '.join(near)}" if near else "see timm.list_models()",
        )
    settings = timm.get_pretrained_cfg(backbone)
    if settings is not None and settings.fixed_input_size:
        return timm.create_model(backbone, num_classes=0, img_size=crop_size)
    return timm.create_model(backbone, num_classes=0)


def default_backbone(device: str) -> tuple[str, int]:
    """Backbone and crop size: ResNet50 at 224 px on a GPU, MobileNetV2 at 64 px on a CPU.

    Example:
        >>> default_backbone("cpu")
        ('mobilenetv2_100', 64)
    """
    return ("resnet50", 224) if device.startswith("cuda") else ("mobilenetv2_100", 64)


def save_model(net: SignNet, folder: str | Path) -> None:
    """Write model.safetensors and model.json, each whole or not at all."""
    folder = Path(folder)
    with whole_file(folder / _TENSORS) as temporary:
        save_file({key: value.contiguous() for key, value in net.state_dict().items()}, temporary)
    write_json(
        folder / _SETTINGS,
        {**net.settings, "weights": net.weights.source, "weights_sha256": net.weights.sha256},
    )


def load_model(folder: str | Path) -> SignNet:
    """Read a saved classifier, exactly as it was.

    Raises:
        InputError: A file is missing or damaged, or the two do not belong together.
    """
    folder = Path(folder)
    try:
        settings = json.loads((folder / _SETTINGS).read_text(encoding="utf-8"))
        net = SignNet(
            settings["backbone"],
            settings["classes"],
            settings["embedding"],
            "none",
            settings["crop_size"],
        )
        net.load_state_dict(load_file(folder / _TENSORS))
    except InputError:
        raise
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise InputError(
            f"the model in {folder} cannot be read: {error}", "train it again"
        ) from error
    net.weights = WeightsRecord(
        settings["weights"],
        settings["weights_sha256"],
        tuple(net.mean.flatten().tolist()),
        tuple(net.std.flatten().tolist()),
    )
    return net
