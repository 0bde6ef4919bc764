"""Synthetic crops through the net: those of an index, and fresh ones that try it."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import torch

from raresign.models.outputs import Outputs, tensor_outputs
from raresign.models.sign_net import SignNet
from raresign.synthesis.batch import Synthesiser

_INDEX_FIRST = 1 << 61
"""First serial number of the crops of an index: no batch of a training has them."""


@torch.no_grad()
def index_outputs(
    net: SignNet, synthesiser: Synthesiser, codes: Sequence[str], count: int, turn: int = 0
) -> Outputs:
    """Logits and embedding of `count` synthetic crops of each class.

    Which crops they are depends on the synthesiser's seed, the class code and `turn` alone: another
    catalogue that holds the class gets the same ones, but for other signs in the picture (about one
    crop in six), which come from the catalogue.

    Args:
        net: The classifier, left in evaluation mode.
        synthesiser: Makes the crops.
        codes: (C) codes of all classes of the synthesiser, by label.
        count: Crops a class, fewer than 65,536.
        turn: Another number in 0..255 gives other crops.

    Returns:
        Outputs with the crops class by class.
    """
    device = next(net.parameters()).device
    keys = np.array([zlib.crc32(code.encode()) for code in codes], np.int64)
    each = np.repeat(np.arange(len(codes)), count)
    numbers = (
        _INDEX_FIRST + (keys[each] << 24) + (turn << 16) + np.tile(np.arange(count), len(codes))
    )
    label, number = (torch.from_numpy(part).to(device).split(1024) for part in (each, numbers))
    crops = (synthesiser.render(*part).crops for part in zip(label, number, strict=True))
    return tensor_outputs(net, crops, each)
