"""Which weights a stage keeps: a moving average, at the best measurement or the last one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint, WeightAveraging
from torch import Tensor

from raresign.training.callbacks import Progress


class BestCheckpoint(ModelCheckpoint):
    """Keeps best.ckpt, the checkpoint with the largest mean of the two held-out recalls."""

    def __init__(self, folder: Path, progress: Progress) -> None:
        super().__init__(
            dirpath=str(folder),
            filename="best",
            monitor="selection",
            mode="max",
            enable_version_counter=False,
            save_on_train_epoch_end=True,
            auto_insert_metric_name=False,
        )
        self._progress = progress

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Measure, unless the time limit has just cut the stage short."""
        seen = trainer.callback_metrics
        recalls = [seen[k] for k in ("validation_recall", "pseudo_rare_recall") if k in seen]
        # Without recalls a resumed stage has just come back to where it was measured before.
        if recalls and not self._progress.cut(trainer, pl_module):
            seen["selection"] = torch.stack(recalls).mean()
            super().on_train_epoch_end(trainer, pl_module)


def last_checkpoint(folder: Path) -> ModelCheckpoint:
    """Writes last.ckpt at every measurement and when the stage is stopped."""
    return ModelCheckpoint(
        dirpath=str(folder),
        filename="last",
        enable_version_counter=False,
        save_on_train_epoch_end=True,
    )


class MovingAverage(WeightAveraging):
    """Lightning's weight averaging with a decay in [0, 1) that warms up, see `warm_average`."""

    def __init__(self, decay: float) -> None:
        super().__init__(multi_avg_fn=warm_average(decay))


def warm_average(decay: float) -> Callable[[list[Tensor], list[Tensor], Tensor | int], None]:
    """Average whose decay rises as (1 + n) / (10 + n) to `decay`, as TensorFlow's EMA does.

    The first updates thus count, and an average of few steps is not stuck at its start.
    """

    @torch.no_grad()
    def update(averaged: list[Tensor], current: list[Tensor], count: Tensor | int) -> None:
        n = int(count)
        if averaged[0].is_floating_point():
            torch._foreach_lerp_(averaged, current, 1 - min(decay, (1 + n) / (10 + n)))
        else:  # counters of batches seen
            torch._foreach_copy_(averaged, current)

    return update
