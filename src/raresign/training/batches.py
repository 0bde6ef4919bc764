"""The batch of a step, a pure function of seed, stage and step, and the share of a process."""

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
from raresign.synthesis.batch import Synthesiser
from raresign.training.stage import Balanced, Stage
from raresign.training.training_data import TrainingData

_PIXELS_AHEAD = {"cpu": 2048 * 64**2, "gpu": 2048 * 224**2}
"""Pixels of synthetic crops that are rendered at once, for the batches of the next steps."""
_CROPS_AHEAD = {"cpu": 2048, "gpu": 25_000}
"""No more crops than this, however small they are: a step that renders is a pause."""


class StageBatch(NamedTuple):
    """What one step trains on: real crops, then synthetic ones, those of other signs last."""

    crops: Tensor
    """(N, 3, S, S) float32 in [0, 1]."""
    labels: Tensor
    """(N,) int64; C + k is sign k outside the catalogue of C classes."""
    synthetic: Tensor
    """(N,) bool."""


class StageBatches:
    """Composes the batches of one stage on one device.

    Resuming at step k is asking for step k. Process `rank` of `world_size` asks for its share of a
    batch, which all together see as one process would: the same crops, to the last draw.

    Args:
        number: Position of the stage in the recipe, for randomness of its own.

    Attributes:
        ahead: Steps whose synthetic crops are rendered at once.
        made: Synthetic crops of the classes, then those of other signs; either may lack.
    """

    def __init__(self, data: TrainingData, stage: Stage, number: int, device: torch.device) -> None:
        self.stage = stage
        self.device = device
        self.data = data
        self.seed = mix_integers(data.seed, number)
        self.indices = data.training_indices(stage.hold_out)
        kind = "cpu" if device.type == "cpu" else "gpu"
        crops = min(_PIXELS_AHEAD[kind] // data.size**2, _CROPS_AHEAD[kind])
        self.ahead = 1 if stage.balanced else max(1, crops // max(1, stage.synthetic))
        self._augmentation = Augmentation()
        self._mirror = data.mirror_labels().to(device) if stage.flips == "twin" else None
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
            shown = np.repeat(np.arange(len(data.catalogue)), data.turns)
            self._plans = MixedPlan(real, shown, stage.real, stage.synthetic, self.seed)
        self.made: list[Rendered] = []
        if stage.kind != "pretrain":
            engine = data.synthesiser(stage.preset, number, device)
            self.made.append(Rendered(self._plans, engine, stage.steps, device))
        if stage.others:
            other = MixedPlan(None, np.arange(len(data.others)), 0, stage.others, self.seed)
            engine = data.other_synthesiser(stage.preset, number, device)
            before = stage.real + stage.synthetic
            first = len(data.catalogue)
            self.made.append(Rendered(other, engine, stage.steps, device, first, before))

    @property
    def drawn(self) -> int:
        """Synthetic crops that were drawn."""
        return sum(part.drawn for part in self.made)

    @property
    def refused(self) -> int:
        """Those of them that the quality guard refused."""
        return sum(part.refused for part in self.made)

    def priors(self) -> Tensor:
        """(2, C + K) float32 shares of the classes among the real (0) and synthetic (1) crops.

        Of the sampler's plan; a domain without crops has an even row. By `prior_strength` they are
        mixed with even shares. K signs outside the catalogue share what `others` is of all
        synthetic crops; no real crop shows one.
        """
        has_real = self._served > 0
        power = 0.0 if self.stage.balanced else self.stage.real_power
        real = np.where(has_real, self._served**power, 0.0)
        halved = has_real & (self.stage.balanced is not None)
        synthetic = np.where(halved, 0.5, 1.0) * self.data.turns
        if self._mirror is not None:  # half of the crops of a sign with a mirror image show that
            mirror = self._mirror.cpu().numpy()
            turned = np.where(mirror >= 0, real / 2, 0.0)
            gained = np.bincount(np.maximum(mirror, 0), weights=turned, minlength=len(real))
            real = real - turned + gained
        real = real if real.any() else np.ones(len(has_real))
        shares = np.stack([real / real.sum(), synthetic / synthetic.sum()])
        strength = self.stage.prior_strength
        shares = strength * shares + (1 - strength) / len(has_real)
        if self.stage.others:
            count = len(self.data.others)
            part = self.stage.others / (self.stage.synthetic + self.stage.others)
            shares[1] *= 1 - part
            others = np.stack([np.zeros(count), np.full(count, part / count)])
            shares = np.concatenate([shares, others], axis=1)
        return torch.from_numpy(shares).float().to(self.device)

    def batch(self, step: int, rank: int = 0, world_size: int = 1) -> StageBatch:
        """The batch of one step, or a process's share of it."""
        plan = self._plans.plan(step)
        mine = np.flatnonzero(plan.dealt(rank, world_size)[: len(plan.real_indices)])
        real = len(mine)
        parts = []
        if real:
            first = step * (self.stage.batch - self.stage.others)
            parts.append(self._real(self.indices[plan.real_indices[mine]], first + mine))
        for made in self.made:
            parts += made.part(step, rank, world_size, self.ahead)
        crops, labels = (torch.cat(part) for part in zip(*parts, strict=True))
        return StageBatch(crops, labels, torch.arange(len(labels), device=self.device) >= real)

    def rows(self, step: int, rank: int, world_size: int) -> tuple[Tensor, int]:
        """Where the (n,) crops of a process stand in the whole batch, and how many that has."""
        plan = self._plans.plan(step)
        dealt = plan.dealt(rank, world_size)
        others = np.arange(len(dealt), len(dealt) + self.stage.others)
        mine = np.concatenate([np.flatnonzero(dealt), others[others % world_size == rank]])
        return torch.from_numpy(mine).to(self.device), len(dealt) + len(others)

    def _real(self, indices: np.ndarray, serial: np.ndarray) -> tuple[Tensor, Tensor]:
        """Real crops, mirrored and jittered; `serial` are their (n,) serial numbers."""
        rows = torch.from_numpy(indices)
        crops = self.data.crops[rows].to(self.device).float().div_(255)
        labels = self.data.labels[rows].to(self.device)
        numbers = torch.from_numpy(serial).to(self.device)
        random = CropRandom.from_seed(self.seed, numbers).stream("real")
        if self.stage.flips != "none":
            turned = random.stream("flip").happens(0.5)
            if self._mirror is not None:
                turned &= self._mirror[labels] >= 0
                labels = torch.where(turned, self._mirror[labels], labels)
            crops = torch.where(turned[:, None, None, None], crops.flip(3), crops)
        return self._augmentation(crops, random) if self.stage.augment else crops, labels


class Rendered:
    """Synthetic crops of a plan; those of some steps are rendered at once, which is faster.

    Args:
        plans: What each step shows.
        engine: Renders it.
        steps: Of the stage.
        device: Where it renders.
        first: Is added to its labels.
        before: Crops of a batch that are dealt out to processes before these.

    Attributes:
        drawn, refused: Crops that were drawn, and those that the quality guard refused.
    """

    def __init__(
        self,
        plans: MixedPlan | _BalancedPlan,
        engine: Synthesiser,
        steps: int,
        device: torch.device,
        first: int = 0,
        before: int = 0,
    ) -> None:
        self.engine = engine
        self._before = before
        self._plans, self._steps, self._device, self._first = plans, steps, device, first
        self.drawn = self.refused = 0
        self._block: tuple[int, int, int] | None = None
        self._parts: list[tuple[Tensor, Tensor]] = []

    def part(
        self, step: int, rank: int, world_size: int, ahead: int
    ) -> list[tuple[Tensor, Tensor]]:
        """Crops and labels of a step, nothing where its plan has none."""
        start = step - step % ahead
        if self._block != (start, rank, world_size):
            steps = range(start, max(step + 1, min(start + ahead, self._steps)))
            plans = [self._plans.plan(each) for each in steps]
            mine = [
                each.dealt(rank, world_size, self._before)[len(each.real_indices) :]
                for each in plans
            ]
            pairs = list(zip(plans, mine, strict=True))
            labels = np.concatenate([each.synthetic_labels[own] for each, own in pairs])
            if not len(labels):
                return []
            numbers = np.concatenate([each.synthetic_numbers[own] for each, own in pairs])
            keys = [torch.from_numpy(each).to(self._device) for each in (labels, numbers)]
            made = self.engine.render(keys[0], keys[1])
            self.refused += made.refused
            self.drawn += made.drawn
            counts = [int(own.sum()) for own in mine]
            parts = made.crops.split(counts), (made.labels + self._first).split(counts)
            self._block, self._parts = (start, rank, world_size), list(zip(*parts, strict=True))
        return [self._parts[step - start]]


class _BalancedPlan:
    """Class-balanced batches over real crops and as many synthetic slots a class (at least one)."""

    def __init__(self, labels: np.ndarray, classes: int, balanced: Balanced, seed: int) -> None:
        slots = np.repeat(np.arange(classes), np.maximum(np.bincount(labels, minlength=classes), 1))
        self._pool = np.concatenate([labels, slots])
        self._real_count = len(labels)
        at_once = min(balanced.classes, classes)
        self._batches = BalancedBatches(self._pool, at_once, balanced.items, seed)

    def plan(self, step: int) -> MixedBatch:
        items = self._batches.batch(step)
        made = items >= self._real_count
        real, synthetic = np.flatnonzero(~made), np.flatnonzero(made)
        # Dealt out class by class, so that every process has its share of each class.
        turns = np.concatenate([real, synthetic])
        first = step * len(items)
        return MixedBatch(items[real], self._pool[items[synthetic]], first + synthetic, turns)
