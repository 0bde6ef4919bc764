"""The batch of a step: a pure function of seed, stage, step and rank."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from raresign.randomness import CropRandom
from raresign.sampling.balanced import BalancedBatches
from raresign.sampling.mixed import MixedPlan
from raresign.sampling.shuffled import ShuffledBatches
from raresign.seeds import mix_integers
from raresign.synthesis.augment import Augmentation
from raresign.training.stage import Stage
from raresign.training.training_data import TrainingData

_PIXELS_AHEAD = {"cpu": 2048 * 64**2, "gpu": 2048 * 224**2}
"""Pixels of synthetic crops that are rendered at once, for the batches of the next steps."""
_CROPS_AHEAD = {"cpu": 2048, "gpu": 25_000}
"""No more crops than this, however small they are: a step that renders is a pause."""


class StageBatch(NamedTuple):
    """What one step trains on: real crops first, then synthetic ones.

    Attributes:
        crops: (N, 3, S, S) float32 in [0, 1].
        labels: (N,) int64.
        made: (N,) bool, whether a crop is synthetic.
    """

    crops: Tensor
    labels: Tensor
    made: Tensor


class StageBatches:
    """Composes the batches of one stage on one device.

    Resuming at step k is asking for step k; rank r of w processes asks for its own share.

    Args:
        data: Crops, icons and backgrounds.
        stage: Shares, preset and flips.
        number: Position of the stage in the recipe, for randomness of its own.
        device: Where the batches are composed.

    Attributes:
        ahead: Steps whose synthetic crops are rendered at once.
    """

    def __init__(
        self,
        data: TrainingData,
        stage: Stage,
        number: int,
        device: torch.device,
    ) -> None:
        self.stage = stage
        self.device = device
        self.data = data
        self.seed = mix_integers(data.seed, number)
        self.indices = data.training_indices(stage.hold_out)
        self.refused = 0
        self.drawn = 0
        kind = "cpu" if device.type == "cpu" else "gpu"
        crops = min(_PIXELS_AHEAD[kind] // data.size**2, _CROPS_AHEAD[kind])
        self.ahead = 1 if stage.balanced else max(1, crops // max(1, stage.synthetic))
        self._block: tuple[int, int, int] | None = None
        self._rendered: tuple[Tensor, Tensor] = torch.empty(0), torch.empty(0)
        self._augmentation = Augmentation()
        self._mirror = data.mirror_labels().to(device) if stage.flips == "twin" else None
        self._synthesiser = (
            data.synthesiser(stage.preset, number, device) if stage.kind != "pretrain" else None
        )
        labels = data.labels.numpy()[self.indices]
        self._served = np.bincount(labels, minlength=len(data.catalogue))
        if stage.balanced:
            self._balanced = _BalancedPlan(labels, len(data.catalogue), stage, self.seed)
        else:
            real = (
                ShuffledBatches(labels, stage.real, self.seed, power=stage.real_power)
                if stage.real
                else None
            )
            every_class = np.arange(len(data.catalogue))
            self._mixed = MixedPlan(real, every_class, stage.real, stage.synthetic, self.seed)

    def priors(self) -> Tensor:
        """(2, C) float32 shares of the classes among the real (row 0) and synthetic (row 1) crops.

        Of the sampler's plan; a domain without crops has an even row. By `prior_strength` they are
        mixed with even shares.
        """
        has_real = self._served > 0
        if self.stage.balanced:
            real = has_real.astype(np.float64)
            made = np.where(has_real, 0.5, 1.0)
        else:
            real = np.where(has_real, self._served**self.stage.real_power, 0.0)
            made = np.ones(len(has_real))
        if self._mirror is not None:  # half of the crops of a sign with a mirror image show that
            mirror = self._mirror.cpu().numpy()
            turned = np.where(mirror >= 0, real / 2, 0.0)
            real = (
                real
                - turned
                + np.bincount(np.maximum(mirror, 0), weights=turned, minlength=len(real))
            )
        real = real if real.any() else np.ones(len(has_real))
        shares = np.stack([real / real.sum(), made / made.sum()])
        strength = self.stage.prior_strength
        shares = strength * shares + (1 - strength) / len(has_real)
        return torch.from_numpy(shares).float().to(self.device)

    def batch(self, step: int, rank: int = 0, world_size: int = 1) -> StageBatch:
        """The batch of one step."""
        if self.stage.balanced:
            real, made_labels, numbers = self._balanced.plan(step, rank, world_size)
        else:
            plan = self._mixed.plan(step, rank, world_size)
            real, made_labels = plan.real_indices, plan.synthetic_labels
            numbers = plan.synthetic_numbers
        parts: list[Tensor] = []
        labels: list[Tensor] = []
        if len(real):
            first = (step * world_size + rank) * self.stage.batch
            crops, known = self._real(self.indices[real], first)
            parts.append(crops)
            labels.append(known)
        if len(made_labels):
            made, made_of = self._made(step, rank, world_size, made_labels, numbers)
            parts.append(made)
            labels.append(made_of)
        every = torch.cat(labels)
        made_mask = torch.arange(len(every), device=self.device) >= len(real)
        return StageBatch(torch.cat(parts), every, made_mask)

    def _made(
        self, step: int, rank: int, world_size: int, labels: np.ndarray, numbers: np.ndarray
    ) -> tuple[Tensor, Tensor]:
        """Synthetic crops of a step; those of some steps are rendered at once, which is faster."""
        assert self._synthesiser is not None  # a pretrain stage asks for none
        place = step % self.ahead
        start = step - place
        block = (start, rank, world_size)
        if self.ahead > 1 and block != self._block:
            ahead = range(start, min(start + self.ahead, self.stage.steps))
            plans = [self._mixed.plan(each, rank, world_size) for each in ahead]
            labels = np.concatenate([plan.synthetic_labels for plan in plans])
            numbers = np.concatenate([plan.synthetic_numbers for plan in plans])
        if self.ahead == 1 or block != self._block:
            made = self._synthesiser.render(self._tensor(labels), self._tensor(numbers))
            self.refused += made.refused
            self.drawn += made.drawn
            if self.ahead == 1:
                return made.crops, made.labels
            self._block, self._rendered = block, (made.crops, made.labels)
        share = self.stage.synthetic
        crops, known = self._rendered
        part = slice(place * share, (place + 1) * share)
        return crops[part], known[part]

    def _real(self, indices: np.ndarray, first: int) -> tuple[Tensor, Tensor]:
        """Real crops, mirrored and jittered; `first` is the serial number of the first one."""
        rows = torch.from_numpy(indices)
        crops = self.data.crops[rows].to(self.device).float().div_(255)
        labels = self.data.labels[rows].to(self.device)
        numbers = torch.arange(first, first + len(rows), device=self.device)
        random = CropRandom.from_seed(self.seed, numbers).stream("real")
        if self.stage.flips != "none":
            turned = random.stream("flip").happens(0.5)
            if self._mirror is not None:
                turned &= self._mirror[labels] >= 0
                labels = torch.where(turned, self._mirror[labels], labels)
            crops = torch.where(turned[:, None, None, None], crops.flip(3), crops)
        if self.stage.augment:
            crops = self._augmentation(crops, random)
        return crops, labels

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(values).to(self.device)


class _BalancedPlan:
    """Class-balanced batches over real crops and as many synthetic slots a class (at least one)."""

    def __init__(self, labels: np.ndarray, classes: int, stage: Stage, seed: int) -> None:
        assert stage.balanced is not None
        slots = np.repeat(np.arange(classes), np.maximum(np.bincount(labels, minlength=classes), 1))
        self._pool = np.concatenate([labels, slots])
        self._real_count = len(labels)
        at_once = min(stage.balanced.classes, classes)
        self._batches = BalancedBatches(self._pool, at_once, stage.balanced.items, seed)

    def plan(
        self, step: int, rank: int, world_size: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Real indices, synthetic labels and their serial numbers."""
        items = self._batches.batch(step, rank, world_size)
        made = items >= self._real_count
        first = (step * world_size + rank) * len(items)
        return items[~made], self._pool[items[made]], first + np.flatnonzero(made)
