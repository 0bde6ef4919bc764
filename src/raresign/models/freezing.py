"""Freezing parts of a backbone: the stem, all but the last block, or all but the head."""

from __future__ import annotations

from torch import nn

from raresign.errors import InputError
from raresign.models.sign_net import SignNet

MODES = ("none", "stem", "partial", "all-but-head")
_BLOCKS = ("blocks", "stages", "layers")


def freeze(net: SignNet, mode: str) -> None:
    """Let only a part of the net learn; what is frozen also keeps its normalisation statistics.

    Args:
        net: The classifier.
        mode: `none` trains all; `stem` keeps what comes before the first block; `partial` trains
            the last block, what follows it and the head (the reference's layer4 + fc +
            classifier); `all-but-head` trains embedding and classifier only.

    Raises:
        InputError: Unknown mode, or a backbone whose blocks are not known.

    Example:
        >>> net = SignNet("resnet18", 3, weights="none", crop_size=32)
        >>> freeze(net, "all-but-head")
        >>> sorted({name.split(".")[0] for name, p in net.named_parameters() if p.requires_grad})
        ['classifier', 'embed']
    """
    if mode not in MODES:
        raise InputError(f"freeze: {mode}", f"use one of {', '.join(MODES)}")
    net.requires_grad_(True)
    before, blocks, after = _parts(net.backbone) if mode in ("stem", "partial") else ([], [], [])
    frozen: list[nn.Module] = []
    if mode == "stem":
        frozen = before
        for parameter in net.backbone.parameters(recurse=False):  # class token, positions
            parameter.requires_grad_(False)
    elif mode == "partial":
        net.backbone.requires_grad_(False)
        for part in [blocks[-1], *after]:
            part.requires_grad_(True)
        frozen = [*before, *blocks[:-1]]
    elif mode == "all-but-head":
        frozen = [net.backbone]
    for part in frozen:
        part.requires_grad_(False)
    net.frozen = tuple(frozen)
    net.train(net.training)


def _parts(backbone: nn.Module) -> tuple[list[nn.Module], list[nn.Module], list[nn.Module]]:
    """Children before the blocks, the blocks, children after them."""
    children = list(backbone.named_children())
    names = [name for name, _ in children]
    if "layer4" in names:
        first = names.index("layer1")
        last = names.index("layer4")
        blocks = [module for _, module in children[first : last + 1]]
        return [m for _, m in children[:first]], blocks, [m for _, m in children[last + 1 :]]
    for name in _BLOCKS:
        if name in names and isinstance(children[names.index(name)][1], nn.Sequential | nn.ModuleList):
            place = names.index(name)
            blocks = list(children[place][1].children())
            return [m for _, m in children[:place]], blocks, [m for _, m in children[place + 1 :]]
    raise InputError(
        f"the blocks of this backbone are not known (its parts are {', '.join(names)})",
        "use freeze: none or all-but-head",
    )
