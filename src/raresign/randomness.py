"""Counter-based randomness: a crop's draws depend on its own key alone, never on its batch.

Every crop has a 64-bit key. A draw hashes (key, stream, position) with the SplitMix64 finaliser
(Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014), in integer
arithmetic that every device computes alike. So the same seed gives the same crop whatever the
batch size, the worker count or the device.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial

import torch
from torch import Tensor

from raresign.seeds import GOLDEN, MIX_1, MIX_2, mix_integers


def _signed(value: int) -> int:
    """The int64 with the bits of the unsigned 64-bit `value`."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >= 1 << 63 else value


def _shift(x: Tensor, bits: int) -> Tensor:
    """Logical (zero-filling) right shift of int64."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def mix(x: Tensor) -> Tensor:
    """SplitMix64 finaliser: a bijection of int64 that spreads every bit."""
    x = (x ^ _shift(x, 30)) * _signed(MIX_1)
    x = (x ^ _shift(x, 27)) * _signed(MIX_2)
    return x ^ _shift(x, 31)


@cache
def _columns(
    counts: tuple[tuple[str, int], ...], device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """Salt of each stream; stream and position of each column of `CropRandom.table`."""
    salts = [_signed(zlib.crc32(name.encode()) * GOLDEN) for name, _ in counts]
    which = [k for k, (_, width) in enumerate(counts) for _ in range(width)]
    steps = [_signed(place * GOLDEN) for _, width in counts for place in range(1, width + 1)]
    as_tensor = partial(torch.tensor, dtype=torch.int64, device=device)
    return as_tensor(salts), as_tensor(which), as_tensor(steps)


@dataclass
class CropRandom:
    """Independent random draws for N crops.

    Args:
        keys: (N,) int64, one key a crop.

    Example:
        >>> random = CropRandom.from_seed(7, torch.arange(4))
        >>> random.uniform(0.0, 1.0).shape
        torch.Size([4])
        >>> alone = CropRandom.from_seed(7, torch.tensor([2]))
        >>> again = CropRandom.from_seed(7, torch.arange(4))
        >>> bool(alone.uniform(0.0, 1.0)[0] == again.uniform(0.0, 1.0)[2])
        True
    """

    keys: Tensor
    _drawn: int = 0

    @classmethod
    def from_seed(cls, seed: int, numbers: Tensor) -> CropRandom:
        """Keys for the crops with these serial numbers under one seed.

        Args:
            seed: Any integer; its low 64 bits count.
            numbers: (N,) integers, on the device that the draws shall live on.
        """
        base = _signed(mix_integers(seed))
        return cls(mix(numbers.to(torch.int64) * _signed(GOLDEN) + base))

    def __len__(self) -> int:
        return len(self.keys)

    def stream(self, name: str) -> CropRandom:
        """Draws for one purpose; what other streams draw does not disturb them."""
        return CropRandom(mix(self.keys ^ _signed(zlib.crc32(name.encode()) * GOLDEN)))

    def table(self, counts: Mapping[str, int]) -> dict[str, Tensor]:
        """The uniform draws of many streams at once: one pass instead of one for each stream.

        Args:
            counts: Stream name -> draws a crop.

        Returns:
            Name -> (N, count) float32 in [0, 1), equal to `stream(name).uniform(0, 1, count)`.
        """
        salts, which, steps = _columns(tuple(counts.items()), self.keys.device)
        streams = mix(self.keys[:, None] ^ salts)
        uniform = _shift(mix(streams[:, which] + steps), 40).float() * 2.0**-24
        return dict(zip(counts, uniform.split(list(counts.values()), 1), strict=True))

    def take(self, rows: Tensor) -> CropRandom:
        """The same draws for a subset of the crops; `rows` indexes or masks the first axis."""
        return CropRandom(self.keys[rows], self._drawn)

    def bits(self, *shape: int) -> Tensor:
        """(N, *shape) int64, uniform over all 64-bit patterns."""
        count = math.prod(shape)
        positions = torch.arange(1, count + 1, device=self.keys.device) + self._drawn
        self._drawn += count
        drawn = mix(self.keys[:, None] + positions * _signed(GOLDEN))
        return drawn.view(len(self), *shape)

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """(N, *shape) float32 in [low, high], in 2**24 steps; below 1 for [0, 1]."""
        return low + (high - low) * (_shift(self.bits(*shape), 40).float() * 2.0**-24)

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        """(N, *shape) int64 in [low, high]; the bias is below 2**-40 for ranges below 2**23."""
        return low + _shift(self.bits(*shape), 1) % (high - low + 1)

    def below(self, limits: Tensor) -> Tensor:
        """(N,) int64 in [0, limit) with one limit a crop ((N,) int64, at least 1)."""
        return _shift(self.bits(), 1) % limits

    def normal(self, *shape: int) -> Tensor:
        """(N, *shape) float32, standard normal (Box-Muller)."""
        u = self.uniform(0.0, 1.0, 2, *shape)
        radius = torch.sqrt(-2.0 * torch.log(1.0 - u[:, 0]))
        return radius * torch.cos(2.0 * math.pi * u[:, 1])

    def happens(self, probability: float) -> Tensor:
        """(N,) bool, true with `probability`."""
        return self.uniform(0.0, 1.0) < probability
