"""The classifier: a timm backbone, a 512-d embedding, ReLU, a linear classifier."""

from __future__ import annotations

import difflib
from typing import Any, NamedTuple

import timm
import torch
from torch import Tensor, nn

from raresign.errors import InputError
from raresign.models.pretrained import load_weights

# What timm's models raise when a crop size does not suit them.
_UNSUITABLE = (AssertionError, ValueError, TypeError, RuntimeError, ZeroDivisionError)
_OTHER_SIZE = "choose another crop size or backbone"


class SignOutput(NamedTuple):
    """(N, C) logits, and (N, E) embeddings before the ReLU, as in the published system's `fc`."""

    logits: Tensor
    embedding: Tensor


class SignNet(nn.Module):
    """Crops in [0, 1] to logits and embedding; mean and std are subtracted and divided inside.

    Embedding and classifier (and the backbone without weights) are drawn from torch's generator:
    call `torch.manual_seed` before, as for every torch module.

    Args:
        backbone: Any timm name, with or without a tag.
        classes: Number of classes C.
        embedding: Length E of the embedding.
        weights: `auto`, `hub`, `package`, `none` or a file; see `load_weights`.
        crop_size: Side of the crops in pixels. Backbones of a fixed input size (ViT, Swin) are made
            for it, others take any size; None is the size that timm's weights were trained at.
        drop_rate: Drop-out in front of the classifier; the embedding is not touched.
        photometry: `none`, or `contrast`: every crop is brought to the same mean and contrast.

    Attributes:
        weights: `WeightsRecord`, where the backbone's weights came from.
        crop_size: As above, always a number.

    Raises:
        InputError: timm knows no such backbone, the crop size does not suit it, or the weights
            are not to be had or do not fit.

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
        crop_size: int | None = None,
        drop_rate: float = 0.0,
        photometry: str = "none",
    ) -> None:
        super().__init__()
        if classes < 1 or embedding < 1:
            raise InputError(f"{classes} classes, embedding {embedding}", "both need at least 1")
        self.backbone = _create(backbone, crop_size)
        trained_at: Any = getattr(self.backbone, "pretrained_cfg", None) or {}
        self.crop_size = crop_size or int(trained_at.get("input_size", (3, 224, 224))[1])
        width = _width(self.backbone, backbone, self.crop_size)
        self.settings: dict[str, Any] = {
            "backbone": backbone,
            "classes": classes,
            "embedding": embedding,
            "crop_size": self.crop_size,
            "drop_rate": drop_rate,
            "photometry": photometry,
        }
        self.weights = load_weights(self.backbone, backbone, weights)
        quicken_batchnorms(self.backbone)
        self.embed = nn.Linear(width, embedding)
        self.drop = nn.Dropout(drop_rate)
        self.classifier = nn.Linear(embedding, classes)
        self.register_buffer("mean", torch.tensor(self.weights.mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(self.weights.std).view(1, 3, 1, 1))

    def forward(self, crops: Tensor) -> SignOutput:
        """Logits (N, C) and embedding (N, E) of crops (N, 3, H, W) in [0, 1]."""
        if self.settings["photometry"] == "contrast":
            crops = even_contrast(crops)
        embedding = self.embed(self.backbone((crops - self.mean) / self.std))
        return SignOutput(self.classifier(self.drop(torch.relu(embedding))), embedding)

    def train(self, mode: bool = True) -> SignNet:
        """Switch to training; batch normalisations with frozen weights keep their statistics."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                own = list(module.parameters(recurse=False))
                if own and not any(parameter.requires_grad for parameter in own):
                    module.eval()
        return self


def even_contrast(crops: Tensor) -> Tensor:
    """Bring every crop to the mean 0.45 and the standard deviation 0.22 over pixels and channels.

    Photometric normalisation in training and test (Jin, Rinard 2021 use autocontrast); mean and
    deviation instead of extremes, which one glint decides. Colours keep their ratios' order.

    Args:
        crops: (N, 3, H, W) floats in [0, 1].
    """
    mean = crops.mean((1, 2, 3), keepdim=True)
    deviation = (crops - mean).square().mean((1, 2, 3), keepdim=True).sqrt()
    return (crops - mean) * (0.22 / deviation.clamp_min(1 / 255)) + 0.45


def quicken_batchnorms(module: nn.Module) -> None:
    """Raise a BatchNorm momentum of 0.01, TensorFlow's default in `tf_` nets, to torch's 0.1.

    Fine-tuning lasts some thousand steps; with 0.01 the running statistics lag behind and cost 10
    points of accuracy (measured on EfficientNet-Lite0).
    """
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm) and part.momentum == 0.01:
            part.momentum = 0.1


def _create(backbone: str, crop_size: int | None) -> nn.Module:
    """The timm model without classifier and with random weights."""
    name, _, tag = backbone.partition(".")
    # timm.is_model looks at the part before the first point only, and "hf-hub:" would go online.
    if ":" in backbone or not timm.is_model(name):
        near = difflib.get_close_matches(name.lower(), timm.list_models(), n=4, cutoff=0.5)
        raise InputError(
            f"timm knows no backbone called '{backbone}'",
            f"did you mean {', '.join(near)}" if near else "see timm.list_models()",
        )
    tagged = timm.list_pretrained(f"{name}.*")
    if tag and backbone not in tagged:
        raise InputError(
            f"timm has no weights '{tag}' of {name}",
            f"it has {', '.join(tagged[:5]) or 'none'}{', ...' if tagged[5:] else ''}",
        )
    settings = timm.get_pretrained_cfg(backbone)
    options: dict[str, Any] = {}
    if crop_size and settings is not None and settings.fixed_input_size:
        options["img_size"] = crop_size
    try:
        model: nn.Module = timm.create_model(backbone, num_classes=0, **options)
    except _UNSUITABLE as error:
        raise InputError(
            f"{backbone} cannot be made for crops of {crop_size} px: {error}", _OTHER_SIZE
        ) from error
    return model


@torch.no_grad()
def _width(backbone: nn.Module, name: str, crop_size: int) -> int:
    """Length of the pooled features, found by a trial, which also refuses bad crop sizes."""
    backbone.eval()
    try:
        features = backbone(torch.zeros(1, 3, crop_size, crop_size))
    except _UNSUITABLE as error:
        raise InputError(
            f"{name} takes no crops of {crop_size} px: {error}", _OTHER_SIZE
        ) from error
    backbone.train()
    if not isinstance(features, Tensor) or features.ndim != 2:
        raise InputError(f"{name} gives no vector of pooled features", "choose another backbone")
    return features.shape[1]


def default_backbone(device: str | torch.device) -> tuple[str, int]:
    """Backbone and crop size: ResNet50 at 224 px on a GPU, MobileNetV2 at 64 px on a CPU.

    Example:
        >>> default_backbone("cpu")
        ('mobilenetv2_100', 64)
    """
    on_gpu = torch.device(device).type == "cuda"
    return ("resnet50", 224) if on_gpu else ("mobilenetv2_100", 64)
