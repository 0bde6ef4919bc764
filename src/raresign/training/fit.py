"""Fits one stage with Lightning: checkpoints, resume, precision, processes, time limit."""

from __future__ import annotations

import logging
import signal
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader, Dataset

from raresign.errors import InputError, Interrupted
from raresign.models.sign_net import SignNet
from raresign.training.stage import Stage
from raresign.training.training_data import TrainingData

if TYPE_CHECKING:
    from raresign.training.callbacks import Curve, Progress
    from raresign.training.module import StageModule

_PRECISIONS = ("auto", "32-true", "bf16-mixed", "16-mixed")
_EXPECTED = (
    ".*does not have many workers.*",  # the loader only counts steps
    ".*Total length of `DataLoader` across ranks is zero.*",  # nothing is held out
    ".*Checkpoint directory .* exists.*",  # a resumed stage
    ".*module.s. in eval mode.*",  # frozen parts
    ".*your dataloader is not resumable.*",  # it only counts: batches follow from the global step
    ".*recommended to use .*sync_dist=True.*",  # torchmetrics has summed over the processes
    ".*Grad strides do not match bucket view.*",  # depthwise convolutions under DDP
    ".*isinstance.treespec, LeafSpec.*",  # Lightning's own business
)


@dataclass(frozen=True)
class Hardware:
    """How a stage is computed, which decides its speed but not its crops.

    Args:
        accelerator: `auto`, `cpu` or `gpu`.
        devices: Number of processes; more than one trains with DDP.
        precision: `32-true`, `bf16-mixed`, `16-mixed`, or `auto`: bfloat16 on a GPU and for large
            nets on a CPU that has it, else float32.

    Raises:
        InputError: There is no such accelerator, number of devices or precision.
    """

    accelerator: str = "auto"
    devices: int = 1
    precision: str = "auto"

    def __post_init__(self) -> None:
        choices = {"accelerator": ("auto", "cpu", "gpu"), "precision": _PRECISIONS}
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise InputError(f"{name} '{getattr(self, name)}'", f"use {', '.join(known)}")
        gpus = torch.cuda.device_count() or int(torch.backends.mps.is_available())
        if self.accelerator == "gpu" and not gpus:
            raise InputError("accelerator 'gpu': this machine has none", "use auto or cpu")
        on_gpu = gpus and self.accelerator != "cpu"
        if self.devices < 1 or (on_gpu and self.devices > gpus):
            raise InputError(f"{self.devices} devices", f"use 1 to {gpus if on_gpu else 'cores'}")


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
        rows = torch.as_tensor(indices, dtype=torch.int64)
        self._chunks = torch.split(rows, chunk) if len(rows) else ()

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
        KeyboardInterrupt: Ctrl-C before the first step, or a second time.
    """
    # Lightning takes a second to import; commands that do not train need not wait for it.
    import lightning
    from lightning.pytorch.loggers import TensorBoardLogger

    from raresign.training.averaging import MovingAverage
    from raresign.training.callbacks import Curve, Progress
    from raresign.training.checkpoints import BestCheckpoint, last_checkpoint
    from raresign.training.module import StageModule
    from raresign.training.progress_bar import StageBar

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    hardware = hardware or Hardware()
    folder.mkdir(parents=True, exist_ok=True)
    last = folder / "last.ckpt"
    if not resume:
        for old in folder.glob("*.ckpt"):
            old.unlink()
    module = StageModule(net, stage, data, number)
    progress = Progress(max_seconds)
    curve = Curve(folder / "metrics.csv", progress)
    # Empty loaders where nothing is held out: Lightning resumes right only where it validates.
    loaders = [
        DataLoader(
            _Chunks(torch.from_numpy(rows[: None if stage.hold_out else 0]), 256), batch_size=None
        )
        for rows in (data.split.validation, data.split.pseudo_rare)
    ]
    callbacks: list[lightning.Callback] = [progress, curve]
    if stage.hold_out and len(data.split.pseudo_rare):
        callbacks.append(BestCheckpoint(folder, progress))
    callbacks.append(last_checkpoint(folder))  # after the best, whose record it holds
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
    with warnings.catch_warnings(), _ctrl_c_is_an_exception():
        for message in _EXPECTED:
            warnings.filterwarnings("ignore", message=message)
        ckpt_path = str(last) if resumed else None
        trainer.fit(module, steps, loaders, ckpt_path=ckpt_path, weights_only=False)
    if progress.interrupted and trainer.global_step < stage.steps:
        raise Interrupted(last)
    # Where nothing is measured the last checkpoint holds the weights, the average if there is one.
    best = folder / "best.ckpt"
    keep_weights(module, best if best.is_file() else last)
    trainer.strategy.barrier()  # the first process may remove the checkpoints from here on
    return _result(module, progress, curve, trainer.global_step)


@contextmanager
def _ctrl_c_is_an_exception() -> Iterator[None]:
    """Lightning turns Ctrl-C into the end of the process; that is for the caller to decide."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as end:
        if not isinstance(end.__context__, KeyboardInterrupt):
            raise
        signal.signal(signal.SIGINT, before)
        raise KeyboardInterrupt from end


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
    drawn = module.batches.drawn
    return StageResult(
        steps=steps,
        seconds=progress.elapsed,
        crops_per_second=speeds[len(speeds) // 2] if speeds else 0.0,
        synthetic_refused=module.batches.refused / drawn if drawn else None,
        validation_recall=curve.last("validation_recall"),
        pseudo_rare_recall=curve.last("pseudo_rare_recall"),
    )


def remove_checkpoints(folder: Path) -> None:
    """Delete a finished stage's checkpoints; its weights live on in the model file."""
    for checkpoint in folder.glob("*.ckpt"):
        checkpoint.unlink()
