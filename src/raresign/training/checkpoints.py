"""Which checkpoints a stage keeps: the best measurement's and the last."""

from __future__ import annotations

from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

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
        recalls = [
            trainer.callback_metrics[name]
            for name in ("validation_recall", "pseudo_rare_recall")
            if name in trainer.callback_metrics
        ]
        # Without recalls a resumed stage has just come back to where it was measured before.
        if recalls and not self._progress.cut(trainer, pl_module):
            trainer.callback_metrics["selection"] = torch.stack(recalls).mean()
            super().on_train_epoch_end(trainer, pl_module)


def last_checkpoint(folder: Path) -> ModelCheckpoint:
    """Writes last.ckpt at every measurement and when the stage is stopped."""
    return ModelCheckpoint(
        dirpath=str(folder),
        filename="last",
        enable_version_counter=False,
        save_on_train_epoch_end=True,
    )
