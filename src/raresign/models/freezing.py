"""Freezing parts of the classifier, or the running statistics of its normalisations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from timm.models import group_parameters
from torch import nn

from raresign.errors import InputError
from raresign.models.sign_net import SignNet

MODES = ("none", "norms", "stem", "partial", "all-but-head")


def freeze(net: SignNet, mode: str) -> int:
    """Let only a part of the net learn; whatever was frozen before is forgotten.

    Frozen batch normalisations also keep their running statistics: `SignNet.train` leaves them in
    evaluation mode.

    Args:
        net: The classifier, changed in place.
        mode: `none` trains all; `norms` freezes the batch normalisations; `stem` freezes what comes
            before the first block; `partial` trains the last block, what follows it, and the head
            (the published system's layer4 + fc + classifier); `all-but-head` trains embedding and
            classifier only.

    Returns:
        The number of values that train.

    Raises:
        InputError: Unknown mode.

    Example:
        >>> net = SignNet("resnet18", 3, 8, weights="none", crop_size=32)
        >>> freeze(net, "all-but-head")  # (512 + 1) * 8 + (8 + 1) * 3
        4131
    """
    if mode not in MODES:
        raise InputError(f"freeze is '{mode}'", f"use one of {', '.join(MODES)}")
    parts = backbone_parts(net.backbone)
    last = _last_block(net.backbone, parts)
    count = {"none": 0, "norms": 0, "stem": 1, "partial": last, "all-but-head": len(parts)}[mode]
    frozen = {name for part in parts[:count] for name in part}
    for parameter in net.parameters():
        parameter.requires_grad_(True)
    for name, parameter in net.backbone.named_parameters():
        parameter.requires_grad_(name not in frozen)
    if mode == "norms":
        for module in net.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.requires_grad_(False)
    net.train(net.training)  # puts the frozen batch normalisations into evaluation mode
    return sum(p.numel() for p in net.parameters() if p.requires_grad)


def backbone_parts(backbone: nn.Module) -> list[list[str]]:
    """Names of the parameters, each once: the stem, then each block, then what may follow.

    The parts are those that timm tells (ResNet's layers, ConvNeXt's stages, a ViT's blocks); where
    it tells none, the children of the backbone.
    """
    matcher: Any = getattr(backbone, "group_matcher", None)
    if matcher is not None:
        groups = group_parameters(backbone, matcher(coarse=True))
        return [list(groups[key]) for key in sorted(groups)]
    parts: dict[str, list[str]] = {}
    for name, _ in backbone.named_parameters():
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
    """Batch normalisations use the batch's statistics, but their running ones stay as they are."""
    kept = [
        (module, module.momentum, module.num_batches_tracked)
        for module in net.modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.training
    ]
    try:
        for norm, _, count in kept:
            norm.momentum = 0.0
            norm.num_batches_tracked = None if count is None else count.clone()
        yield
    finally:
        for norm, momentum, count in kept:
            norm.momentum, norm.num_batches_tracked = momentum, count
