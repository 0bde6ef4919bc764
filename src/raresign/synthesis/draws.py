"""What each effect draws for a batch of crops: which crops it meets, with which values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy

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
        >>> from raresign.synthesis.effects.readout import ToneCurve
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
        self._sampled: dict[str, tuple[Tensor | None, Params]] = {}
        self._rows: Tensor | None = None

    def part(self, rows: Tensor) -> CropDraws:
        """What these crops of the batch draw ((M,) int64), without drawing it again."""
        part = copy(self)
        part.random = self.random.take(rows)
        part._rows = rows if self._rows is None else self._rows[rows]
        return part

    def of(self, name: str) -> tuple[Tensor | None, Params]:
        """Which crops an effect meets and the values that it draws for them.

        Args:
            name: The effect's name.

        Returns:
            Rows of the batch (None for all of them), and one row of values for each.
        """
        if name not in self._sampled:
            self._sampled[name] = self._sample(name)
        met, params = self._sampled[name]
        rows, chosen = None, self._rows
        if met is not None:
            mine = met if chosen is None else met.index_select(0, chosen)
            rows = mine.nonzero().squeeze(1)
            chosen = rows if chosen is None else chosen.index_select(0, rows)
        if chosen is not None:
            params = {field: values.index_select(0, chosen) for field, values in params.items()}
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
        return pictures.index_copy_(0, rows, how(pictures.index_select(0, rows), params, rows))

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

    def _sample(self, name: str) -> tuple[Tensor | None, Params]:
        """For the whole batch: which crops the effect meets (None for all), and all values."""
        effect, uniform = self._effects[name], self._table[name]
        met = uniform[:, 0] < effect.probability if effect.probability < 1 else None
        params = effect.sample(uniform[:, 1:])
        if self._recording:
            happened = torch.ones_like(uniform[:, 0], dtype=torch.bool) if met is None else met
            self.record[name] = happened.clone()
            for field, values in params.items():
                self.record[f"{name}.{field}"] = kept = values.float().clone()
                kept[~happened] = torch.nan
        return met, params
