"""Crops through the net in batches: logits and embedding, or the embedding alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from raresign.models.sign_net import SignNet

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


@torch.no_grad()
def net_outputs(net: SignNet, crops: np.ndarray, batch: int = 256) -> Outputs:
    """Logits and embedding of crops, on the device of `net`, which is left in evaluation mode.

    Args:
        net: The classifier.
        crops: (N, 3, S, S) uint8.
        batch: Crops that are on the device at a time.

    Example:
        >>> net = SignNet("mobilenetv3_small_050", 3, 8, weights="none", crop_size=32)
        >>> net_outputs(net, np.zeros((2, 3, 32, 32), np.uint8)).embedding.shape
        (2, 8)
    """
    net.eval()
    device = next(net.parameters()).device
    parts = []
    for start in range(0, len(crops), batch):
        pixels = torch.from_numpy(np.ascontiguousarray(crops[start : start + batch]))
        parts.append(_forward(net, pixels.to(device).float().div_(255)))
    return _joined(net, parts, np.full(len(crops), -1, np.int64))


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
    given = [crops] if isinstance(crops, Tensor) else crops
    parts = [_forward(net, some) for several in given for some in several.split(256)]
    count = sum(len(logits) for logits, _ in parts)
    return _joined(net, parts, np.full(count, -1, np.int64) if labels is None else labels)


def net_rows(net: SignNet) -> tuple[np.ndarray, np.ndarray]:
    """(C, E) rows and (C,) biases of the net's linear classifier, float32 on the CPU."""
    weight, bias = (part.detach().float().cpu().numpy() for part in net.classifier.parameters())
    return weight, bias


class TorchEncoder:
    """Embeddings by the net itself, on any device; a `raresign.runtime.encoder.Encoder`."""

    def __init__(self, net: SignNet) -> None:
        self.net = net.eval()

    @property
    def crop_size(self) -> int:
        """S, side of the crops in pixels."""
        return self.net.crop_size

    def embed(self, crops: np.ndarray) -> np.ndarray:
        """(N, E) float32 embeddings of (N, 3, S, S) uint8 crops."""
        return net_outputs(self.net, crops).embedding


def _forward(net: SignNet, crops: Tensor) -> tuple[Tensor, Tensor]:
    size = _CPU_BATCH if crops.device.type == "cpu" else max(1, len(crops))
    said = [net(some.contiguous(memory_format=torch.channels_last)) for some in crops.split(size)]
    logits = torch.cat([output.logits.float().cpu() for output in said])
    return logits, torch.cat([output.embedding.float().cpu() for output in said])


def _joined(net: SignNet, parts: list[tuple[Tensor, Tensor]], labels: np.ndarray) -> Outputs:
    if not parts:
        none = np.empty((0, net.settings["classes"]), np.float32)
        return Outputs(none, np.empty((0, net.settings["embedding"]), np.float32), labels)
    logits, embedding = (torch.cat(list(column)).numpy() for column in zip(*parts, strict=True))
    return Outputs(logits, embedding, labels)
