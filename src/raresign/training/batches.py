"""The batch of a step: a pure function of seed, stage, step and rank."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from raresign.randomness import CropRandom
from raresign.sampling.balanced import BalancedBatches
from raresign.sampling.mixed import MixedBatch, MixedPlan
from raresign.sampling.shuffled import ShuffledBatches
from raresign.seeds import mix_integers
from raresign.synthesis.augment import Augmentation
from raresign.training.stage import Balanced, Stage
from raresign.training.training_data import TrainingData

_PIXELS_AHEAD = {"cpu": 2048 * 64**2, "gpu": 2048 * 224**2}
"""Pixels of synthetic crops that are rendered at once, for the batches of the next steps."""
_CROPS_AHEAD = {"cpu": 2048, "gpu": 25_000}
"""No more crops than this, however small they are: a step that renders is a pause."""


class StageBatch(NamedTuple):
    """What one step trains on: N real crops, then synthetic ones."""

    crops: Tensor
    """(N, 3, S, S) float32 in [0, 1]."""
    labels: Tensor
    synthetic: Tensor
    """(N,) bool."""


class StageBatches:
    """Composes the batches of one stage on one device.

    Resuming at step k is asking for step k; rank r of w processes asks for its own share.

    Args:
        number: Position of the stage in the recipe, for randomness of its own.

    Attributes:
        ahead: Steps whose synthetic crops are rendered at once.
        drawn, refused: Synthetic crops that were drawn, and those that the quality guard refused.
    """

    def __init__(self, data: TrainingData, stage: Stage, number: int, device: torch.device) -> None:
        self.stage = stage
        self.device = device
        self.data = data
        self.seed = mix_integers(data.seed, number)
        self.indices = data.training_indices(stage.hold_out)
        self.refused = self.drawn = 0
        kind = "cpu" if device.type == "cpu" else "gpu"
        crops = min(_PIXELS_AHEAD[kind] // data.size**2, _CROPS_AHEAD[kind])
        self.ahead = 1 if stage.balanced else max(1, crops // max(1, stage.synthetic))
        self._block: tuple[int, int, int] | None = None
        self._rendered: list[tuple[Tensor, Tensor]] = []
        self._augmentation = Augmentation()
        self._mirror = data.mirror_labels().to(device) if stage.flips == "twin" else None
        if stage.kind != "pretrain":
            self._synthesiser = data.synthesiser(stage.preset, number, device)
        labels = data.labels.numpy()[self.indices]
        self._served = np.bincount(labels, minlength=len(data.catalogue))
        self._plans: MixedPlan | _BalancedPlan
        if stage.balanced:
            classes = len(data.catalogue)
            self._plans = _BalancedPlan(labels, classes, stage.balanced, self.seed)
        else:
            real = None
            if stage.real:
                real = ShuffledBatches(labels, stage.real, self.seed, power=stage.real_power)
            every_class = np.arange(len(data.catalogue))
            self._plans = MixedPlan(real, every_class, stage.real, stage.synthetic, self.seed)

    def priors(self) -> Tensor:
        """(2, C) float32 shares of the classes among the real (row 0) and synthetic (row 1) crops.

        Of the sampler's plan; a domain without crops has an even row. By `prior_strength` they are
        mixed with even shares.
        """
        has_real = self._served > 0
        power = 0.0 if self.stage.balanced else self.stage.real_power
        real = np.where(has_real, self._served**power, 0.0)
        synthetic = np.where(has_real & (self.stage.balanced is not None), 0.5, 1.0)
        if self._mirror is not None:  # half of the crops of a sign with a mirror image show that
            mirror = self._mirror.cpu().numpy()
            turned = np.where(mirror >= 0, real / 2, 0.0)
            gained = np.bincount(np.maximum(mirror, 0), weights=turned, minlength=len(real))
            real = real - turned + gained
        real = real if real.any() else np.ones(len(has_real))
        shares = np.stack([real / real.sum(), synthetic / synthetic.sum()])
        strength = self.stage.prior_strength
        shares = strength * shares + (1 - strength) / len(has_real)
        return torch.from_numpy(shares).float().to(self.device)

    def batch(self, step: int, rank: int = 0, world_size: int = 1) -> StageBatch:
        """The batch of one step."""
        plan = self._plans.plan(step, rank, world_size)
        real = len(plan.real_indices)
        parts = []
        if real:
            first = (step * world_size + rank) * self.stage.batch
            parts.append(self._real(self.indices[plan.real_indices], first))
        if len(plan.synthetic_labels):
            parts.append(self._synthetic(plan, step, rank, world_size))
        crops, labels = (torch.cat(part) for part in zip(*parts, strict=True))
        return StageBatch(crops, labels, torch.arange(len(labels), device=self.device) >= real)

    def _synthetic(
        self, plan: MixedBatch, step: int, rank: int, world_size: int
    ) -> tuple[Tensor, Tensor]:
        """Synthetic crops of a step; those of some steps are rendered at once, which is faster."""
        start = step - step % self.ahead
        if self._block != (start, rank, world_size):
            plans = [plan]
            if self.ahead > 1:
                steps = range(start, min(start + self.ahead, self.stage.steps))
                plans = [self._plans.plan(each, rank, world_size) for each in steps]
            labels = np.concatenate([each.synthetic_labels for each in plans])
            numbers = np.concatenate([each.synthetic_numbers for each in plans])
            keys = [torch.from_numpy(each).to(self.device) for each in (labels, numbers)]
            made = self._synthesiser.render(keys[0], keys[1])
            self.refused += made.refused
            self.drawn += made.drawn
            counts = [len(each.synthetic_labels) for each in plans]
            parts = zip(made.crops.split(counts), made.labels.split(counts), strict=True)
            self._block, self._rendered = (start, rank, world_size), list(parts)
        return self._rendered[step - start]

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
        return self._augmentation(crops, random) if self.stage.augment else crops, labels


class _BalancedPlan:
    """Class-balanced batches over real crops and as many synthetic slots a class (at least one)."""

    def __init__(self, labels: np.ndarray, classes: int, balanced: Balanced, seed: int) -> None:
        slots = np.repeat(np.arange(classes), np.maximum(np.bincount(labels, minlength=classes), 1))
        self._pool = np.concatenate([labels, slots])
        self._real_count = len(labels)
        at_once = min(balanced.classes, classes)
        self._batches = BalancedBatches(self._pool, at_once, balanced.items, seed)

    def plan(self, step: int, rank: int, world_size: int) -> MixedBatch:
        items = self._batches.batch(step, rank, world_size)
        made = items >= self._real_count
        first = (step * world_size + rank) * len(items)
        return MixedBatch(items[~made], self._pool[items[made]], first + np.flatnonzero(made))
