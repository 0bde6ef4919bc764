"""A net with more or fewer classes: the rows of its classifier are what changes."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn

from raresign.models.sign_net import SignNet


def with_rows(net: SignNet, rows: np.ndarray, biases: np.ndarray) -> SignNet:
    """A copy of a net, on the CPU, whose classifier has other rows, and so other classes.

    Args:
        net: Stays as it is.
        rows: (C, E) float32 rows of the classifier.
        biases: (C,) float32.

    Example:
        >>> net = SignNet("mobilenetv3_small_050", 3, 8, weights="none", crop_size=32)
        >>> two = with_rows(net, np.zeros((2, 8), np.float32), np.ones(2, np.float32))
        >>> two.settings["classes"], two.eval()(torch.zeros(1, 3, 32, 32)).logits.tolist()
        (2, [[1.0, 1.0]])
    """
    other = copy.deepcopy(net).cpu()
    other.settings = {**net.settings, "classes": len(rows)}
    other.classifier = nn.Linear(rows.shape[1], len(rows))
    with torch.no_grad():
        other.classifier.weight.copy_(torch.from_numpy(rows))
        other.classifier.bias.copy_(torch.from_numpy(biases))
    return other
