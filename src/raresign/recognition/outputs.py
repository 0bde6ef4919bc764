"""Crops through the net in batches: logits and embedding, of real and of made crops."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from raresign.models import SignNet
from raresign.synthesis import Synthesiser

_INDEX_FIRST = 1 << 61
"""First serial number of the crops of an index: no batch of a training has them."""
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
        batch: Crops at a time.

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
def tensor_outputs(net: SignNet, crops: Tensor) -> Outputs:
    """As `net_outputs`, for made crops: (N, 3, S, S) floats in [0, 1] on the net's device."""
    net.eval()
    parts = [_forward(net, some) for some in crops.split(256)]
    return _joined(net, parts, np.full(len(crops), -1, np.int64))


@torch.no_grad()
def index_outputs(
    net: SignNet, synthesiser: Synthesiser, codes: Sequence[str], count: int, turn: int = 0
) -> Outputs:
    """Logits and embedding of `count` synthetic crops of each class: the reference's index sampler.

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
    net.eval()
    device = next(net.parameters()).device
    keys = np.array([zlib.crc32(code.encode()) for code in codes], np.int64)
    each = np.repeat(np.arange(len(codes)), count)
    numbers = (
        _INDEX_FIRST + (keys[each] << 24) + (turn << 16) + np.tile(np.arange(count), len(codes))
    )
    parts = []
    for start in range(0, len(each), 1024):
        rows = slice(start, start + 1024)
        made = synthesiser.render(
            torch.from_numpy(each[rows]).to(device), torch.from_numpy(numbers[rows]).to(device)
        )
        for crops in made.crops.split(256):
            parts.append(_forward(net, crops))
    return _joined(net, parts, each)


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
