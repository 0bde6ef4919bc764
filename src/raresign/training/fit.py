"""Fits one stage with Lightning: checkpoints, resume, precision, processes, time limit."""

from __future__ import annotations

import logging
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from raresign.errors import InputError, Interrupted
from raresign.memory import is_out_of_memory
from raresign.models.shared_norms import shared_statistics
from raresign.models.sign_net import SignNet
from raresign.training.processes import is_first_process, launched_processes
from raresign.training.stage import Stage
from raresign.training.training_data import TrainingData

_BROKEN = (LookupError, TypeError, ValueError, AttributeError, RuntimeError, MemoryError)
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
        devices: Number of processes; more than one share each batch and train with DDP. Under
            `torchrun` it decides, on one machine or more.
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
        started = launched_processes()
        if started is not None and self.devices not in (1, started[0]):
            raise InputError(
                f"{self.devices} devices, but torchrun started {started[0]} processes a machine",
                "leave --devices out: torchrun decides",
            )

    def spread(self) -> tuple[int, int]:
        """Processes a machine, and machines."""
        return launched_processes() or (self.devices, 1)


@dataclass(frozen=True)
class StageResult:
    """What a fitted stage leaves.

    Args:
        steps: Optimiser steps taken.
        seconds: Time in training, resumed parts included.
        crops_per_second: Training crops a second, over all processes, median of the measurements.
        synthetic_refused: Share of the draws that the quality guard refused, None without any.
        validation_recall, pseudo_rare_recall: Last measurement, in [0, 1]; None if not measured.
        processes: How many trained together.
    """

    steps: int
    seconds: float
    crops_per_second: float
    synthetic_refused: float | None
    validation_recall: float | None
    pseudo_rare_recall: float | None
    processes: int = 1


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
    logs: Path | None = None,
) -> StageResult:
    """Train `net` in place on one stage and keep checkpoints in `folder`.

    The kept weights are those of the best measurement of pseudo-rare and validation recall
    together; of the last step where nothing is held out.

    Args:
        number: Position of the stage in the recipe.
        folder: Gets checkpoints and metrics.csv.
        max_seconds: The stage ends after this time with a finished learning-rate schedule.
        resume: Go on from `last.ckpt` in `folder` if there is one.
        quiet: No progress bar.
        logs: Gets TensorBoard files, in a folder named like `folder`; `folder` itself, in
            `tensorboard`, unless given.

    Raises:
        InputError: A checkpoint that cannot be gone on from; a training that diverged.
        Interrupted: Ctrl-C; `last.ckpt` was written.
        KeyboardInterrupt: Ctrl-C before the first step, or a second time.
    """
    # Lightning takes a second to import; commands that do not train need not wait for it.
    import lightning
    from lightning.pytorch.loggers import TensorBoardLogger

    from raresign.training.callbacks import Curve, Progress, StageBar
    from raresign.training.checkpoint_files import WholeCheckpoints, read_checkpoint
    from raresign.training.checkpoints import BestCheckpoint, MovingAverage, last_checkpoint
    from raresign.training.module import StageModule
    from raresign.training.tensorboard_logs import LearningRates

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    hardware = hardware or Hardware()
    devices, machines = hardware.spread()
    processes = devices * machines
    if processes > stage.batch:
        raise InputError(
            f"{processes} processes for a batch of {stage.batch} crops",
            "use fewer processes or larger batches",
        )
    first = is_first_process()
    if first:  # the only one that writes; the others may be on machines without this folder
        folder.mkdir(parents=True, exist_ok=True)
    last = folder / "last.ckpt"
    if first and not resume:
        for old in folder.glob("*.ckpt"):
            old.unlink()
    module = StageModule(net, stage, data, number)
    progress = Progress(max_seconds)
    curve = Curve(folder / "metrics.csv", progress)
    callbacks: list[lightning.Callback] = [progress, curve, LearningRates()]
    if stage.hold_out and len(data.split.pseudo_rare):
        callbacks.append(BestCheckpoint(folder, progress))
    callbacks.append(last_checkpoint(folder))  # after the best, whose record it holds
    if stage.averaging:
        callbacks.append(MovingAverage(stage.averaging))
    if not quiet:
        callbacks.append(StageBar())
    trainer = lightning.Trainer(
        accelerator=hardware.accelerator,
        devices=devices,
        num_nodes=machines,
        strategy="ddp" if processes > 1 else "auto",
        precision=_precision(net, hardware),  # type: ignore[arg-type]
        max_steps=stage.steps,
        max_epochs=-1,
        limit_train_batches=stage.validate_every,
        num_sanity_val_steps=0,
        callbacks=callbacks,
        logger=TensorBoardLogger(
            str(logs or folder), name="", version=folder.name if logs else "tensorboard"
        ),
        log_every_n_steps=min(20, stage.validate_every),
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=str(folder),
        plugins=[WholeCheckpoints()],
    )
    # Empty loaders where nothing is held out: Lightning resumes right only where it validates.
    held_out = [
        rows[: None if stage.hold_out else 0]
        for rows in (data.split.validation, data.split.pseudo_rare)
    ]
    if processes > 1:  # each measures a share
        held_out = [_dealt(rows, trainer.global_rank, processes) for rows in held_out]
    loaders = [_loader(torch.from_numpy(rows), 256) for rows in held_out]
    steps = _loader(torch.arange(stage.validate_every), 1)
    ckpt_path = str(last) if resume and last.is_file() else None
    module.train()  # Lightning keeps the mode that it finds
    norms = shared_statistics(net) if processes > 1 else nullcontext()
    with warnings.catch_warnings(), _ctrl_c_is_an_exception(), norms:
        for message in _EXPECTED:
            warnings.filterwarnings("ignore", message=message)
        try:
            trainer.fit(module, steps, loaders, ckpt_path=ckpt_path, weights_only=True)
        except _BROKEN as error:
            if is_out_of_memory(error):
                raise InputError(
                    f"out of memory in stage {stage.title}, at a batch of {stage.batch} crops of "
                    f"{data.size} px",
                    "go on with --resume where there is more memory, or train anew with a smaller "
                    "--crop-size or a recipe whose batches are half as large",
                ) from error
            if ckpt_path is None or progress.began or isinstance(error, InputError):
                raise
            raise InputError(
                f"cannot go on from {last}: {type(error).__name__}: {str(error)[:300]}",
                "delete it, and the stage begins again",
            ) from error
    if progress.interrupted and trainer.global_step < stage.steps:
        raise Interrupted(last)
    # Where nothing is measured the last checkpoint holds the weights, the average if there is one.
    best = folder / "best.ckpt"
    kept = read_checkpoint(best if best.is_file() else last)["state_dict"] if first else None
    if processes > 1:  # the others may see no checkpoint
        kept = trainer.strategy.broadcast(kept)
    assert kept is not None
    weights = {f"net.{name}": name for name in module.net.state_dict()}
    try:
        net.load_state_dict({own: kept[name] for name, own in weights.items()})
    except (KeyError, RuntimeError) as error:
        raise InputError(
            f"the checkpoints in {folder} are of another net: {str(error)[:300]}", "delete them"
        ) from error
    check_finite(net, stage)
    trainer.strategy.barrier()  # the first process may remove the checkpoints from here on
    speeds = sorted(row["crops_per_second"] or 0.0 for row in curve.rows)
    drawn = module.batches.drawn
    return StageResult(
        steps=trainer.global_step,
        seconds=progress.elapsed,
        crops_per_second=speeds[len(speeds) // 2] if speeds else 0.0,
        synthetic_refused=module.batches.refused / drawn if drawn else None,
        validation_recall=curve.last("validation_recall"),
        pseudo_rare_recall=curve.last("pseudo_rare_recall"),
        processes=processes,
    )


def check_finite(net: SignNet, stage: Stage) -> None:
    """Tell of a training that diverged, before the net's answers to some crop are blamed.

    Raises:
        InputError: A weight is not finite.
    """
    if not all(bool(torch.isfinite(value).all()) for value in net.state_dict().values()):
        raise InputError(
            f"the training diverged in stage {stage.title}: weights are not finite",
            f"use a smaller learning_rate than {stage.learning_rate:g}",
        )


def _dealt(rows: np.ndarray, rank: int, processes: int) -> np.ndarray:
    """A process's share of the held-out crops; all of them where they are too few to share."""
    return rows if len(rows) < processes else rows[rank::processes]


def _loader(indices: torch.Tensor, chunk: int) -> DataLoader[torch.Tensor]:
    """Serves indices in chunks: the crops themselves are already in memory."""
    chunks: Any = indices.split(chunk) if len(indices) else ()
    return DataLoader(chunks, batch_size=None)


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


def _precision(net: SignNet, hardware: Hardware) -> str:
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
    fast = torch.ops.mkldnn._is_mkldnn_bf16_supported() and not depthwise
    return "bf16-mixed" if fast else "32-true"
