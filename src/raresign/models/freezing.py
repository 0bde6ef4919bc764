"""Freezing parts of the classifier, or the running statistics of its normalisations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from timm.models import group_parameters
from torch import nn

from raresign.errors import InputError
from raresign.models.sign_net import SignNet

MODES = ("none", "stem", "partial", "all-but-head")


def freeze(net: SignNet, mode: str) -> int:
    """Let only a part of the net learn; whatever was frozen before is forgotten.

    The parts of a backbone are those that timm itself tells (`group_matcher`, `feature_info`);
    where it tells none, the first and the last child. Frozen batch normalisations also keep their
    running statistics: `SignNet.train` leaves them in evaluation mode.

    Args:
        net: The classifier, changed in place.
        mode: `none` trains all; `stem` freezes what comes before the first block; `partial` trains
            the last block, what follows it, and the head (the reference's layer4 + fc +
            classifier); `all-but-head` trains embedding and classifier only.

    Returns:
        The number of values that train.

    Raises:
        InputError: Unknown mode.

    Example:
        >>> net = SignNet("resnet18", 3, weights="none", crop_size=32)
        >>> freeze(net, "partial") == sum(
        ...     p.numel() for m in (net.backbone.layer4, net.embed, net.classifier)
        ...     for p in m.parameters()
        ... )
        True
    """
    if mode not in MODES:
        raise InputError(f"freeze is '{mode}'", f"use one of {', '.join(MODES)}")
    frozen: set[str] = set()
    if mode == "all-but-head":
        frozen = {name for name, _ in net.backbone.named_parameters()}
    elif mode != "none":
        parts = backbone_parts(net.backbone)
        kept = parts[:1] if mode == "stem" else parts[: _last_block(net.backbone, parts)]
        frozen = {name for part in kept for name in part}
    for parameter in net.parameters():
        parameter.requires_grad_(True)
    for name, parameter in net.backbone.named_parameters():
        parameter.requires_grad_(name not in frozen)
    net.train(net.training)  # puts the frozen batch normalisations into evaluation mode
    return sum(p.numel() for p in net.parameters() if p.requires_grad)


def backbone_parts(backbone: nn.Module) -> list[list[str]]:
    """Names of the parameters, grouped from the stem to the last part of a timm backbone.

    Args:
        backbone: A timm model, or any module with children in the order of its data.

    Returns:
        Every parameter once: the stem, then each block (ResNet's layers, ConvNeXt's stages,
        a ViT's blocks), then what may follow.

    Example:
        >>> import timm
        >>> [part[0] for part in backbone_parts(timm.create_model("resnet18", num_classes=0))]
        ['conv1.weight', 'layer1.0.conv1.weight', 'layer2.0.conv1.weight', \
'layer3.0.conv1.weight', 'layer4.0.conv1.weight']
    """
    names = [name for name, _ in backbone.named_parameters()]
    matcher: Any = getattr(backbone, "group_matcher", None)
    if matcher is not None:
        groups = group_parameters(backbone, matcher(coarse=True))
        return [list(groups[key]) for key in sorted(groups)]
    parts: dict[str, list[str]] = {}
    for name in names:
        parts.setdefault(name.partition(".")[0], []).append(name)
    return list(parts.values())


def _last_block(backbone: nn.Module, parts: list[list[str]]) -> int:
    """Place of the last block among the parts; norms and convolutions of the head may follow it."""
    info = getattr(backbone, "feature_info", None)
    stages = [stage["module"] for stage in info] if isinstance(info, list) else []
    for place in reversed(range(len(parts))):
        if stages and any(name.startswith(f"{stages[-1]}.") for name in parts[place]):
            return place
    return len(parts) - 1


@contextmanager
def frozen_statistics(net: nn.Module) -> Iterator[None]:
    """Batch normalisations use the batch's statistics, but their running ones stay as they are.

    Example:
        >>> import torch
        >>> norm = nn.BatchNorm1d(2)
        >>> with frozen_statistics(norm):
        ...     _ = norm(torch.rand(8, 2) + 5)
        >>> norm.running_mean.tolist()
        [0.0, 0.0]
    """
    norms = [
        module
        for module in net.modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.training
    ]
    kept = [norm.momentum for norm in norms]
    counted = [norm.num_batches_tracked for norm in norms]
    try:
        for norm in norms:
            norm.momentum = 0.0
            if norm.num_batches_tracked is not None:
                norm.num_batches_tracked = norm.num_batches_tracked.clone()
        yield
    finally:
        for norm, momentum, count in zip(norms, kept, counted, strict=True):
            norm.momentum = momentum
            norm.num_batches_tracked = count
