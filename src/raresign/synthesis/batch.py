"""What every synthesiser takes and gives: labels in, a batch of crops out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True)
class SyntheticBatch:
    """What a synthesiser returns.

    Args:
        crops: (N, 3, S, S) float32 in [0, 1].
        labels: (N,) int64, as asked for.
        tries: (N,) int64, 1 where the first draw was legible; each refusal adds 1.
        drawn: How many draws were made in all.
        params: If they were asked for, what every effect drew for each crop: `effect.field` ->
            (N,) or (N, k) float32, NaN where the effect did not happen, and `effect` -> (N,) bool,
            whether it did; `icon` -> (N,) the icon's row in the atlas.
    """

    crops: Tensor
    labels: Tensor
    tries: Tensor
    drawn: int
    params: dict[str, Tensor] | None = None

    @property
    def refused(self) -> int:
        """How many draws the quality guard refused."""
        return int((self.tries - 1).sum())


class Synthesiser(Protocol):
    """Renders crops; crop number k of a seed is the same in every batch."""

    def render(self, labels: Tensor, numbers: Tensor, record: bool = False) -> SyntheticBatch:
        """Render one crop for each label.

        Args:
            labels: (N,) int64 labels, all >= 0.
            numbers: (N,) int64 serial numbers; with the seed they decide every draw.
            record: Return the values that every effect drew, too.
        """
