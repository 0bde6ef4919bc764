"""A small convolutional network that tells real from synthetic by the pixels themselves."""

from __future__ import annotations

import itertools

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from raresign.errors import InputError

_EPOCHS = 12
_BATCH = 64
_WIDTHS = (3, 16, 32, 64)


def pixel_scores(
    real: NDArray[np.uint8],
    synthetic: NDArray[np.uint8],
    real_halves: NDArray[np.int64],
    synthetic_halves: NDArray[np.int64] | None = None,
    seed: int = 0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two-fold cross-validated logits of "synthetic" from a small network trained on pixels.

    Unlike pretrained features, pixels show noise, blocks and resampling, so this test is hard to
    pass. Three strided convolutions, 12 epochs, Adam.

    Args:
        real, synthetic: (N, 3, S, S) and (M, 3, S, S) uint8.
        real_halves: (N,) 0 or 1, see `block_folds`.
        synthetic_halves: (M,) likewise if crops belong together; None takes every other one.
        seed: Of weights and order.

    Returns:
        (N,) and (M,) logits.

    Raises:
        InputError: A half is empty.

    Example:
        >>> dark = np.zeros((20, 3, 32, 32), np.uint8)
        >>> bright = np.full((20, 3, 32, 32), 200, np.uint8)
        >>> halves = np.arange(20) % 2
        >>> low, high = pixel_scores(dark, bright, halves)
        >>> bool(low.max() < high.min())
        True
    """
    if synthetic_halves is None:
        synthetic_halves = np.arange(len(synthetic)) % 2
    both = (real_halves, synthetic_halves)
    halves = np.concatenate(both)
    if min((those == half).sum() for those in both for half in (0, 1)) == 0:
        raise InputError(f"{len(real)} real crops are too few to halve", "give more crops")
    pixels = torch.from_numpy(np.concatenate([real, synthetic]))
    target = torch.cat([torch.zeros(len(real)), torch.ones(len(synthetic))])
    found = np.zeros(len(pixels))
    for half in (0, 1):
        inside = torch.from_numpy(np.flatnonzero(halves != half))
        outside = torch.from_numpy(np.flatnonzero(halves == half))
        net = _trained(pixels[inside], target[inside], seed + half)
        found[outside.numpy()] = _logits(net, pixels[outside])
    return found[: len(real)], found[len(real) :]


def _trained(pixels: Tensor, target: Tensor, seed: int) -> nn.Module:
    """The network, trained on (N, 3, S, S) uint8 pixels."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(_WIDTHS):
            layers += [nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.ReLU()]
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(_WIDTHS[-1], 1)]
        net = nn.Sequential(*layers)
    rng = np.random.default_rng(seed)
    steps = max(1, len(pixels) // _BATCH)
    optimiser = torch.optim.Adam(net.parameters(), weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=3e-3, total_steps=_EPOCHS * steps
    )
    # Both kinds count equally, however many there are of each.
    share = target.mean()
    weight = torch.where(target > 0, 0.5 / share, 0.5 / (1 - share))
    net.train()
    with torch.enable_grad():
        for _ in range(_EPOCHS):
            order = torch.from_numpy(rng.permutation(len(pixels)))
            for rows in order.tensor_split(steps):
                logits = net(_scaled(pixels[rows])).squeeze(1)
                loss = F.binary_cross_entropy_with_logits(logits, target[rows], weight[rows])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
    return net.eval()


@torch.no_grad()
def _logits(net: nn.Module, pixels: Tensor) -> NDArray[np.float64]:
    parts = [net(_scaled(part)).squeeze(1) for part in pixels.split(256)]
    return torch.cat(parts).double().numpy()


def _scaled(pixels: Tensor) -> Tensor:
    return (pixels.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
