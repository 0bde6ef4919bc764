"""Crops through the net in batches: logits and embedding, or the embedding alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from raresign.memory import parts_that_fit
from raresign.models.sign_net import SignNet

_BATCH = 256
_CPU_BATCH = 64
"""Crops at a time on a CPU: with 256 they leave its caches, and each takes half as long again."""


@dataclass(frozen=True)
class Outputs:
    """What the net says of N crops.

    Attributes:
        logits: (N, C) float32.
        embedding: (N, E) float32, before the ReLU.
        labels: (N,) int64, -1 where nobody said.
    """

    logits: np.ndarray
    embedding: np.ndarray
    labels: np.ndarray


def net_outputs(net: SignNet, crops: np.ndarray) -> Outputs:
    """Logits and embedding of crops, on the device of `net`, which is left in evaluation mode.

    Args:
        net: The classifier.
        crops: (N, 3, S, S) uint8.

    Example:
        >>> net = SignNet("mobilenetv3_small_050", 3, 8, weights="none", crop_size=32)
        >>> net_outputs(net, np.zeros((2, 3, 32, 32), np.uint8)).embedding.shape
        (2, 8)
    """
    device = next(net.parameters()).device
    parts = (crops[start : start + _BATCH] for start in range(0, len(crops), _BATCH))
    tensors = (torch.from_numpy(np.ascontiguousarray(part)).to(device) for part in parts)
    return tensor_outputs(net, (pixels.float().div_(255) for pixels in tensors))


@torch.no_grad()
def tensor_outputs(
    net: SignNet, crops: Tensor | Iterable[Tensor], labels: np.ndarray | None = None
) -> Outputs:
    """As `net_outputs`, for synthetic crops.

    Args:
        net: The classifier, left in evaluation mode.
        crops: (N, 3, S, S) floats in [0, 1] on the net's device, or several such parts, together N.
        labels: (N,) int64; -1 unless given.
    """
    net.eval()
    said: list[list[Tensor]] = []
    for several in [crops] if isinstance(crops, Tensor) else crops:
        size = _CPU_BATCH if several.device.type == "cpu" else _BATCH
        answered = partial(_answered, net, several)
        said.extend(parts_that_fit(answered, len(several), size))
    if said:
        logits, embedding = (torch.cat(parts).numpy() for parts in zip(*said, strict=True))
    else:
        logits, embedding = (
            np.empty((0, net.settings[name]), np.float32) for name in ("classes", "embedding")
        )
    return Outputs(logits, embedding, np.full(len(logits), -1) if labels is None else labels)


def _answered(net: SignNet, crops: Tensor, start: int, end: int) -> list[Tensor]:
    """Logits and embedding of some of the crops, on the CPU."""
    output = net(crops[start:end].contiguous(memory_format=torch.channels_last))
    return [part.float().cpu() for part in output]


def net_rows(net: SignNet) -> tuple[np.ndarray, np.ndarray]:
    """(C, E) rows and (C,) biases of the net's linear classifier, float32 on the CPU."""
    weight, bias = (part.detach().float().cpu().numpy() for part in net.classifier.parameters())
    return weight, bias


class TorchEncoder:
    """Embeddings by the net itself, on any device; a `raresign.runtime.recogniser.Encoder`."""

    def __init__(self, net: SignNet) -> None:
        self.net = net.eval()

    @property
    def crop_size(self) -> int:
        """S, side of the crops in pixels."""
        return self.net.crop_size

    @property
    def digest(self) -> str:
        """Names the net by its weights."""
        found = hashlib.sha256(repr(sorted(self.net.settings.items())).encode())
        for name, value in sorted(self.net.state_dict().items()):
            found.update(name.encode())
            found.update(value.detach().cpu().contiguous().numpy().tobytes())
        return f"torch {found.hexdigest()}"

    def embed(self, crops: np.ndarray) -> np.ndarray:
        """(N, E) float32 embeddings of (N, 3, S, S) uint8 crops."""
        return net_outputs(self.net, crops).embedding
