"""Errors-guided synthesis: more crops of the classes that the net confuses."""

from __future__ import annotations

import torch
from torch import Tensor

from raresign.models import SignNet
from raresign.synthesis import Synthesiser

_CROPS = 24
"""Synthetic crops a class that the net is tried on."""
_FIRST = 1 << 40
"""Their first serial number: crops that no batch trains on."""


@torch.no_grad()
def servings_by_errors(
    net: SignNet, synthesiser: Synthesiser, classes: int, power: float
) -> Tensor:
    """How often each class shall stand in a round of the synthetic labels.

    servings_c = 1 + round(power * error_c), error_c the share of fresh synthetic crops of the class
    that the net gets wrong: real errors of a rare class are not to be had.

    Args:
        net: The classifier; left in evaluation mode.
        synthesiser: Makes the crops.
        classes: C.
        power: At least 0.

    Returns:
        (C,) int64, each at least 1.
    """
    net.eval()
    device = next(net.parameters()).device
    right = torch.zeros(classes, device=device)
    every = torch.arange(classes, device=device)
    for turn in range(_CROPS):
        made = synthesiser.render(every, _FIRST + turn * classes + every)
        right += (net(made.crops).logits.argmax(1) == every).float()
    return (1 + (power * (1 - right / _CROPS)).round()).long()
