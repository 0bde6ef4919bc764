"""A net for inference: batch normalisations folded, where they can be, into convolutions."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from raresign.models.sign_net import SignNet


@torch.no_grad()
def folded(net: SignNet) -> SignNet:
    """A copy in evaluation mode that says the same to rounding, faster where it can be folded.

    A pair is found by what flows: a BatchNorm2d whose input is what a convolution gave; others
    stay. Where the copy then says anything else (a convolution whose output is used twice), none
    is folded. `net` stays as it is but for evaluation mode.

    Example:
        >>> quick = folded(SignNet("mobilenetv3_small_050", 3, 8, weights="none", crop_size=32))
        >>> sum(isinstance(part, nn.BatchNorm2d) for part in quick.modules())
        0
    """
    quick = copy.deepcopy(net.eval())
    probe = torch.linspace(0, 1, 3 * net.crop_size**2, device=net.mean.device)
    crop = probe.view(1, 3, net.crop_size, net.crop_size)
    pairs, expected = _pairs(quick, crop)
    names = {module: name for name, module in quick.named_modules()}
    for convolution, norm in pairs:
        _put(quick, names[convolution], nn.utils.fuse_conv_bn_eval(convolution, norm))
        # timm's BatchNormAct2d holds the activation that follows.
        _put(quick, names[norm], getattr(norm, "act", nn.Identity()))
    quick = quick.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    said = quick(crop).embedding
    close = torch.allclose(said, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))
    return quick if close else copy.deepcopy(net)


def _pairs(net: SignNet, crop: Tensor) -> tuple[list[tuple[nn.Conv2d, nn.BatchNorm2d]], Tensor]:
    """Convolutions with the batch normalisation that takes their output; the embedding."""
    givers: dict[int, nn.Conv2d] = {}
    kept: list[Tensor] = []  # a freed tensor's id would be given again
    pairs: list[tuple[nn.Conv2d, nn.BatchNorm2d]] = []

    def gave(module: nn.Module, _given: Any, output: Tensor) -> None:
        assert isinstance(module, nn.Conv2d)
        givers[id(output)] = module
        kept.append(output)

    def takes(module: nn.Module, given: tuple[Tensor, ...]) -> None:
        assert isinstance(module, nn.BatchNorm2d)
        if id(given[0]) in givers:
            pairs.append((givers.pop(id(given[0])), module))

    handles = [
        part.register_forward_hook(gave)
        if isinstance(part, nn.Conv2d)
        else part.register_forward_pre_hook(takes)
        for part in net.modules()
        if isinstance(part, nn.Conv2d | nn.BatchNorm2d)
    ]
    embedding: Tensor = net(crop).embedding
    for handle in handles:
        handle.remove()
    return pairs, embedding


def _put(net: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, leaf = name.rpartition(".")
    setattr(net.get_submodule(parent), leaf, module)
