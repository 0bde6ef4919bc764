"""The progress bar of a stage: steps, crops a second, loss, recall, time left."""

from __future__ import annotations

from typing import Any

from lightning import Callback, LightningModule, Trainer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from raresign.training.module import StageModule

_SHOWN = {
    "crops/s": "{:.0f} crops/s",
    "loss": "loss {:.2f}",
    "validation_recall": "freq {:.0%}",
    "pseudo_rare_recall": "p.-rare {:.0%}",
}


class StageBar(Callback):
    """One bar for the whole stage, on the first process."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=12),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
            TextColumn("left"),
            refresh_per_second=2,
        )
        self._task = self._progress.add_task("", figures="", start=False)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the bar."""
        assert isinstance(pl_module, StageModule)
        if trainer.is_global_zero:
            stage = pl_module.stage
            self._progress.update(self._task, description=stage.title, total=stage.steps)
            self._progress.start()
            self._progress.start_task(self._task)

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """Advance it."""
        seen = trainer.callback_metrics
        figures = [text.format(float(seen[key])) for key, text in _SHOWN.items() if key in seen]
        self._progress.update(self._task, completed=trainer.global_step, figures=", ".join(figures))

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Leave the last state on the screen."""
        self._progress.stop()
