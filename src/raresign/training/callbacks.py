"""Between the steps: time limit and Ctrl-C, the curve of measurements, the progress bar."""

from __future__ import annotations

import csv
import io
import signal
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

import rich.progress
import torch
import torch.distributed as dist
from lightning import Callback, LightningModule, Trainer

from raresign.files import write_text
from raresign.training.module import StageModule

COLUMNS = ("step", "loss", "crops_per_second", "validation_recall", "pseudo_rare_recall")
_SHOWN = {
    "crops/s": "{:.0f} crops/s",
    "loss": "loss {:.2f}",
    "validation_recall": "freq {:.0%}",
    "pseudo_rare_recall": "p.-rare {:.0%}",
}


class Progress(Callback):
    """Advances the learning-rate schedule and ends the stage in time or on Ctrl-C.

    Time before a resumption counts in the limit of `seconds`.
    """

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self.interrupted = False
        self.began = False
        """Whether a checkpoint, if there was one, has been taken up."""
        self.elapsed = self._earlier = 0.0
        self._started = time.monotonic()
        self._handler: Any = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock and take over Ctrl-C."""
        self._started = time.monotonic()
        self.began = True
        self._update(trainer, pl_module)
        if threading.current_thread() is threading.main_thread():
            self._handler = signal.signal(signal.SIGINT, self._on_interrupt)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, *_: Any, **__: Any
    ) -> None:
        """After each step: note the progress, stop if it is time. All processes agree."""
        late = self._update(trainer, pl_module)
        # The last step stops too: Lightning would end there without measuring.
        if self.interrupted or late or trainer.global_step >= trainer.max_steps:
            trainer.should_stop = True

    def cut(self, trainer: Trainer, pl_module: LightningModule) -> bool:
        """Whether Ctrl-C fell between two measurements: what is measured now is not for keeps.

        A resumed stage then has the curve and the choice of an uninterrupted one.
        """
        assert isinstance(pl_module, StageModule)
        stage, step = pl_module.stage, trainer.global_step
        return self.interrupted and step < stage.steps and bool(step % stage.validate_every)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Give Ctrl-C back."""
        if self._handler is not None:
            signal.signal(signal.SIGINT, self._handler)
            self._handler = None

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Give Ctrl-C back, as no teardown follows."""
        self.teardown(trainer, pl_module, "fit")

    def state_dict(self) -> dict[str, Any]:
        """The time used so far, for the checkpoint."""
        return {"elapsed": self.elapsed}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on counting where the checkpoint stopped."""
        self.elapsed = self._earlier = state_dict["elapsed"]

    def _update(self, trainer: Trainer, module: LightningModule) -> bool:
        """Note the progress; whether time is up. The clock of the first process goes for all."""
        assert isinstance(module, StageModule)
        self.elapsed = self._earlier + time.monotonic() - self._started
        progress = trainer.global_step / module.stage.steps
        if self.seconds is not None:
            progress = max(progress, self.elapsed / self.seconds)
        late = self.seconds is not None and self.elapsed >= self.seconds
        if trainer.world_size > 1:
            first = trainer.global_rank == 0
            told = [progress * first, float(late and first), float(self.interrupted)]
            agreed = torch.tensor(told, dtype=torch.float64, device=module.device)
            dist.all_reduce(agreed, dist.ReduceOp.MAX)
            progress, late = float(agreed[0]), bool(agreed[1])
            self.interrupted = bool(agreed[2])
        module.progress = progress
        return late

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True


class Curve(Callback):
    """Keeps one row a measurement and writes metrics.csv whole after each."""

    def __init__(self, path: Path, progress: Progress) -> None:
        self.path = path
        self._progress = progress
        self.rows: list[dict[str, float | None]] = []
        self._crops = 0
        self._since = time.monotonic()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start counting crops."""
        self._crops, self._since = 0, time.monotonic()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, *_: Any, **__: Any
    ) -> None:
        """Show crops a second in the progress bar."""
        assert isinstance(pl_module, StageModule)
        self._crops += pl_module.stage.batch  # of all processes together
        pl_module.log("crops/s", self._speed(), prog_bar=True)
        step, measured = trainer.global_step, pl_module.stage.validate_every
        every = measured // 5
        if every > 1 and step % every == 0 and step % measured:
            self._add(trainer, {"loss"})  # between two measurements only the loss is known

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Add a row and write the file; validation, if any, has just run."""
        if not self._crops or self._progress.cut(trainer, pl_module):
            return  # nothing was trained since the row that came with the checkpoint, or cut short
        self._add(trainer, set(COLUMNS))
        self._crops, self._since = 0, time.monotonic()
        if trainer.is_global_zero:
            text = io.StringIO()
            table = csv.DictWriter(text, COLUMNS)
            table.writeheader()
            table.writerows(self.rows)
            write_text(self.path, text.getvalue())

    def last(self, name: str) -> float | None:
        """The last value of a column, None if it was never measured."""
        return next((row[name] for row in reversed(self.rows) if row[name] is not None), None)

    def state_dict(self) -> dict[str, Any]:
        """The rows so far, for the checkpoint."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Rows of the checkpoint; what came after it is forgotten."""
        self.rows = state_dict["rows"]

    def _add(self, trainer: Trainer, wanted: set[str]) -> None:
        seen = trainer.callback_metrics
        row = {k: float(seen[k]) if k in wanted and k in seen else None for k in COLUMNS}
        row |= {"step": trainer.global_step, "crops_per_second": self._speed()}
        self.rows.append(row)

    def _speed(self) -> float:
        return self._crops / max(time.monotonic() - self._since, 1e-9)


def expected_steps(done: int, progress: float, planned: int) -> int:
    """How many steps a stage will have taken when its time is up, at most the planned ones.

    Example:
        >>> expected_steps(10, 0.25, 1100), expected_steps(10, 10 / 1100, 1100)
        (40, 1100)
    """
    return min(planned, max(done, round(done / progress))) if progress > 0 else planned


class StageBar(Callback):
    """One bar for the whole stage, on the first process."""

    def __init__(self) -> None:
        self._progress = rich.progress.Progress(
            rich.progress.TextColumn("{task.description}"),
            rich.progress.BarColumn(bar_width=12),
            rich.progress.MofNCompleteColumn(),
            rich.progress.TextColumn("{task.fields[figures]}"),
            rich.progress.TimeRemainingColumn(),
            rich.progress.TextColumn("left"),
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
        assert isinstance(pl_module, StageModule)
        done = trainer.global_step
        self._progress.update(
            self._task,
            completed=done,
            total=expected_steps(done, pl_module.progress, pl_module.stage.steps),
            figures=", ".join(figures),
        )

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Leave the last state on the screen."""
        self._progress.stop()
