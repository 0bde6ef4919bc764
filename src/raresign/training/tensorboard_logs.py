"""What TensorBoard shows of a run: learning rates, settings, test recall after each stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer


class LearningRates(Callback):
    """Logs the learning rate as often as the loss."""

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, *_: Any, **__: Any
    ) -> None:
        """Log the rate of the step that was made."""
        step: int = trainer.global_step
        every: int = trainer.log_every_n_steps  # type: ignore[attr-defined]
        if trainer.logger is not None and step % every == 0:
            rate = trainer.optimizers[0].param_groups[0]["lr"]
            trainer.logger.log_metrics({"learning rate": rate}, step)


def log_results(
    folder: Path, settings: Mapping[str, Any], stages: Sequence[Mapping[str, Any]]
) -> None:
    """Write the settings of a run and its test recall after each stage.

    Args:
        folder: The TensorBoard folder of the run.
        settings: The recipe; nested values are named as `stages/0/steps`.
        stages: Those of run.json; each may have `test`, recall by group.

    Raises:
        OSError: The folder cannot be written.
    """
    from torch.utils.tensorboard import SummaryWriter  # half a second

    values: dict[str, float] = {}
    writer = SummaryWriter(str(folder))
    try:
        for number, stage in enumerate(stages, 1):
            for group, recall in (stage.get("test") or {}).items():
                if isinstance(recall, float):
                    values[f"test recall/{group}"] = recall
                    writer.add_scalar(f"test recall/{group}", recall, number)
        # Into a file of its own, with the last values once more: at their own step.
        writer.add_hparams(_flat(settings), values, run_name=".", global_step=len(stages))
    finally:
        writer.close()


def _flat(value: Any, name: str = "") -> dict[str, str | int | float | bool]:
    """Nested settings by one name each.

    Example:
        >>> _flat({"name": "a", "stages": [{"steps": 5, "metric": None}]})
        {'name': 'a', 'stages/0/steps': 5, 'stages/0/metric': 'none'}
    """
    inner: Any = ()
    if isinstance(value, Mapping):
        inner = value.items()
    elif isinstance(value, Sequence) and not isinstance(value, str):
        inner = enumerate(value)
    elif name:
        return {name: value if isinstance(value, str | int | float | bool) else str(value).lower()}
    found: dict[str, str | int | float | bool] = {}
    for key, one in inner:
        found |= _flat(one, f"{name}/{key}" if name else str(key))
    return found
