"""What each effect draws for a batch of crops: which crops it meets, with which values."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from raresign.randomness import CropRandom
from raresign.synthesis.effect import (
    ColourEffect,
    CropEffect,
    Effect,
    Params,
    SignEffect,
    identity_colour,
)


class CropDraws:
    """All draws of N crops, made in one pass, and the record of what they came to.

    A crop's draws for an effect depend on its key and the effect's name alone: not on the batch,
    not on other effects, and not on the probability, which only decides whether they are used.

    Args:
        effects: Every effect of the preset by its name.
        random: The keys of the crops.
        record: Keep the values, for `SyntheticBatch.params`.

    Example:
        >>> from raresign.synthesis.tone import ToneCurve
        >>> random = CropRandom.from_seed(0, torch.arange(4))
        >>> draws = CropDraws({"tone": ToneCurve(gamma=(2, 2), probability=0.5)}, random, True)
        >>> draws.on_crops("tone", torch.full((4, 3, 8, 8), 0.5))[:, 0, 0, 0].tolist()
        [0.25, 0.5, 0.5, 0.25]
        >>> draws.record["tone.gamma"].tolist()
        [2.0, nan, nan, 2.0]
    """

    def __init__(
        self, effects: Mapping[str, Effect], random: CropRandom, record: bool = False
    ) -> None:
        self.random = random
        self.record: dict[str, Tensor] = {}
        self._effects = effects
        self._recording = record
        self._table = random.table({name: 1 + effect.draws for name, effect in effects.items()})

    def of(self, name: str) -> tuple[Tensor | None, Params]:
        """Which crops an effect meets and the values that it draws for them.

        Args:
            name: The effect's name.

        Returns:
            Rows of the batch (None for all of them), and one row of values for each.
        """
        effect = self._effects[name]
        uniform = self._table[name]
        rows = None
        if effect.probability < 1:
            rows = (uniform[:, 0] < effect.probability).nonzero().squeeze(1)
            uniform = uniform[rows]
        params = effect.sample(uniform[:, 1:])
        if self._recording:
            self._keep(name, params, rows)
        return rows, params

    def on_crops(self, name: str, crops: Tensor) -> Tensor:
        """Apply a crop effect to the crops that it meets; `crops` may be changed in place."""
        effect = self._effects[name]
        assert isinstance(effect, CropEffect)
        return self.change(name, crops, lambda part, params, _: effect.apply(part, params))

    def on_sign(self, name: str, sign: Tensor, plate: Tensor) -> Tensor:
        """Apply a sign effect to the layers that it meets; `sign` may be changed in place."""
        effect = self._effects[name]
        assert isinstance(effect, SignEffect)
        return self.change(
            name,
            sign,
            lambda part, params, rows: effect.apply(
                part, plate if rows is None else plate[rows], params
            ),
        )

    def change(
        self,
        name: str,
        pictures: Tensor,
        how: Callable[[Tensor, Params, Tensor | None], Tensor],
    ) -> Tensor:
        """Replace the pictures that an effect meets by `how(pictures, values, their rows)`."""
        if self._effects[name].probability == 0:
            return pictures
        rows, params = self.of(name)
        if rows is None:
            return how(pictures, params, None)
        if not len(rows):
            return pictures
        return pictures.index_copy_(0, rows, how(pictures[rows], params, rows))

    def matrix(self, name: str) -> Tensor:
        """(N, 3, 4) colour maps of a colour effect; the identity where it does not happen."""
        effect = self._effects[name]
        assert isinstance(effect, ColourEffect)
        rows, params = self.of(name)
        matrix = effect.matrix(params)
        if rows is None:
            return matrix
        whole = identity_colour(len(self.random), matrix).clone()
        return whole.index_copy_(0, rows, matrix)

    def keep(self, name: str, values: Tensor) -> None:
        """Record (N, ...) values that no effect drew."""
        if self._recording:
            self.record[name] = values

    def _keep(self, name: str, params: Params, rows: Tensor | None) -> None:
        """Write values into the record; NaN where the effect did not happen."""
        n = len(self.random)
        happened = self.record.setdefault(
            name, torch.zeros(n, dtype=torch.bool, device=self.random.keys.device)
        )
        happened[slice(None) if rows is None else rows] = True
        for field, values in params.items():
            key = f"{name}.{field}"
            if key not in self.record:
                shape = (n, *values.shape[1:])
                self.record[key] = torch.full(shape, torch.nan, device=values.device)
            self.record[key][slice(None) if rows is None else rows] = values.float()
