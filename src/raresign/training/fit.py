"""Fits one stage with Lightning: checkpoints, resume, precision, processes, time limit."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from torch.utils.data import DataLoader, Dataset

from raresign.errors import Interrupted
from raresign.models import SignNet
from raresign.training.averaging import MovingAverage
from raresign.training.bar import StageBar
from raresign.training.callbacks import Curve, Progress
from raresign.training.data import TrainingData
from raresign.training.module import StageModule
from raresign.training.stage import Stage

_EXPECTED = (
    ".*does not have many workers.*",  # the loader only counts steps
    ".*but have no `val_dataloader`.*",  # nothing is held out
    ".*Checkpoint directory .* exists.*",  # a resumed stage
    ".*module.s. in eval mode.*",  # frozen parts
    ".*isinstance.treespec, LeafSpec.*",  # Lightning's own business
)
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Hardware:
    """How a stage is computed, which decides its speed but not its crops.

    Args:
        accelerator: `auto`, `cpu` or `gpu`.
        devices: Number of processes; more than one trains with DDP.
        precision: A Lightning precision, or `auto`: bfloat16 on a GPU and for large nets on a
            CPU that has it, else float32.
    """

    accelerator: str = "auto"
    devices: int = 1
    precision: str = "auto"


@dataclass(frozen=True)
class StageResult:
    """What a fitted stage leaves.

    Args:
        steps: Optimiser steps taken.
        seconds: Time in training, resumed parts included.
        crops_per_second: Training crops a second, over all processes, median of the measurements.
        synthetic_refused: Share of the draws that the quality guard refused, None without any.
        validation_recall, pseudo_rare_recall: Last measurement, in [0, 1]; None if not measured.
    """

    steps: int
    seconds: float
    crops_per_second: float
    synthetic_refused: float | None
    validation_recall: float | None
    pseudo_rare_recall: float | None


class _Chunks(Dataset[torch.Tensor]):
    """Indices in chunks: what a loader serves when the crops are already in memory."""

    def __init__(self, indices: Sequence[int] | torch.Tensor, chunk: int) -> None:
        self._chunks = torch.split(torch.as_tensor(indices, dtype=torch.int64), chunk)

    def __len__(self) -> int:
        return len(self._chunks)

    def __getitem__(self, number: int) -> torch.Tensor:
        return self._chunks[number]


def fit_stage(
    net: SignNet,
    stage: Stage,
    data: TrainingData,
    number: int,
    folder: Path,
    *,
    hardware: Hardware | None = None,
    max_seconds: float | None = None,
    resume: bool = False,
    quiet: bool = False,
) -> StageResult:
    """Train `net` in place on one stage and keep checkpoints in `folder`.

    The kept weights are those of the best measurement of pseudo-rare and validation recall
    together; of the last step where nothing is held out.

    Args:
        net: The classifier.
        stage: Settings.
        data: Crops, icons and backgrounds.
        number: Position of the stage in the recipe.
        folder: Gets checkpoints, metrics.csv and TensorBoard files.
        hardware: Device, processes, precision.
        max_seconds: The stage ends after this time with a finished learning-rate schedule.
        resume: Go on from `last.ckpt` in `folder` if there is one.
        quiet: No progress bar.

    Raises:
        Interrupted: Ctrl-C; `last.ckpt` was written.
    """
    hardware = hardware or Hardware()
    folder.mkdir(parents=True, exist_ok=True)
    last = folder / "last.ckpt"
    if not resume:
        for old in folder.glob("*.ckpt"):
            old.unlink()
    module = StageModule(net, stage, data, number)
    progress, curve = Progress(max_seconds), Curve(folder / "metrics.csv")
    measured = [data.split.validation, data.split.pseudo_rare] if stage.hold_out else []
    loaders = [
        DataLoader(_Chunks(torch.from_numpy(rows), 256), batch_size=None) for rows in measured
    ]
    best = _checkpoints(folder, choose=bool(stage.hold_out and len(data.split.pseudo_rare)))
    callbacks: list[Callback] = [progress, curve, best]
    if stage.averaging:
        callbacks.append(MovingAverage(stage.averaging))
    if not quiet:
        callbacks.append(StageBar())
    trainer = lightning.Trainer(
        accelerator=hardware.accelerator,
        devices=hardware.devices,
        strategy="ddp" if hardware.devices > 1 else "auto",
        precision=precision_for(net, hardware),  # type: ignore[arg-type]
        max_steps=stage.steps,
        max_epochs=-1,
        limit_train_batches=stage.validate_every,
        num_sanity_val_steps=0,
        callbacks=callbacks,
        logger=TensorBoardLogger(str(folder), name="", version="tensorboard"),
        log_every_n_steps=min(20, stage.validate_every),
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=str(folder),
    )
    steps = DataLoader(_Chunks(torch.arange(stage.validate_every), 1), batch_size=None)
    resumed = resume and last.is_file()
    module.train()  # Lightning keeps the mode that it finds
    with warnings.catch_warnings():
        for message in _EXPECTED:
            warnings.filterwarnings("ignore", message=message)
        trainer.fit(
            module,
            steps,
            loaders or None,
            ckpt_path=str(last) if resumed else None,
            weights_only=False,
        )
    if progress.interrupted and trainer.global_step < stage.steps:
        raise Interrupted(last)
    if best.best_model_path and best.monitor:
        keep_weights(module, Path(best.best_model_path))
    return _result(module, progress, curve, trainer.global_step)


def precision_for(net: SignNet, hardware: Hardware) -> str:
    """Lightning's name of the precision that is fastest for this net on this hardware.

    bfloat16 triples ResNets on CPUs that have it and slows nets of depthwise convolutions.
    """
    if hardware.precision != "auto":
        return hardware.precision
    if hardware.accelerator != "cpu" and torch.cuda.device_count() > 0:
        return "bf16-mixed"
    depthwise = any(
        isinstance(layer, torch.nn.Conv2d) and layer.groups > 1 for layer in net.modules()
    )
    fast = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return "bf16-mixed" if fast and not depthwise else "32-true"


class _Best(ModelCheckpoint):
    """Keeps the checkpoint with the largest mean of the two held-out recalls, and the last one."""

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        recalls = [
            trainer.callback_metrics[name]
            for name in ("validation_recall", "pseudo_rare_recall")
            if name in trainer.callback_metrics
        ]
        if recalls:
            trainer.callback_metrics["selection"] = torch.stack(recalls).mean()
        super().on_train_epoch_end(trainer, pl_module)


def _checkpoints(folder: Path, choose: bool) -> ModelCheckpoint:
    """Writes last.ckpt at every measurement; best.ckpt where there is something to choose by."""
    return _Best(
        dirpath=str(folder),
        filename="best",
        monitor="selection" if choose else None,
        mode="max",
        save_top_k=1,
        save_last=True,
        enable_version_counter=False,
        save_on_train_epoch_end=True,
        auto_insert_metric_name=False,
    )


def keep_weights(module: StageModule, checkpoint: Path) -> None:
    """Load the (averaged) weights of a checkpoint into the module's net."""
    state: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=False)
    weights = {
        name.removeprefix("net."): value
        for name, value in state["state_dict"].items()
        if name.startswith("net.")
    }
    module.net.load_state_dict(weights)


def _result(module: StageModule, progress: Progress, curve: Curve, steps: int) -> StageResult:
    speeds = sorted(row["crops_per_second"] or 0.0 for row in curve.rows)
    last = curve.rows[-1] if curve.rows else {}
    drawn = module.batches.rendered + module.batches.refused
    return StageResult(
        steps=steps,
        seconds=progress.elapsed,
        crops_per_second=speeds[len(speeds) // 2] if speeds else 0.0,
        synthetic_refused=module.batches.refused / drawn if drawn else None,
        validation_recall=last.get("validation_recall"),
        pseudo_rare_recall=last.get("pseudo_rare_recall"),
    )


def remove_checkpoints(folder: Path) -> None:
    """Delete a finished stage's checkpoints; its weights live on in the model file."""
    for checkpoint in folder.glob("*.ckpt"):
        checkpoint.unlink()
