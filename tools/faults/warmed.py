"""Everything that the operations import, loaded once in the parent, which starts no thread."""

from __future__ import annotations

import importlib
import os

_MODULES = (
    "lightning.pytorch",
    "matplotlib.figure",
    "onnxruntime",
    "pyarrow.parquet",
    "starlette.testclient",
    "tensorboard",
    "timm",
    "torchmetrics",
    "raresign.cli.app",
    "raresign.studio.application",
    "raresign.training.callbacks",
    "raresign.training.checkpoints",
    "raresign.training.module",
    "raresign.training.tensorboard_logs",
    "raresign.fitting.one_graph.whole_model",
    "raresign.commands.synth.write_crops",
)


def warm_up() -> None:
    """Import; and let the rules of tiny nets be fitted on few crops, which saves seconds a run."""
    import torch

    import raresign

    torch.set_num_threads(1)
    for name in _MODULES:
        importlib.import_module(name)
    for name in raresign.__all__:
        getattr(raresign, name)
    from raresign.fitting import recogniser_fit

    recogniser_fit._NO_SIGN_CROPS = 96
    recogniser_fit._UNKNOWN_CROPS = 4
    if len(os.listdir("/proc/self/task")) > 1:
        print("the parent has threads already: forks may hang")
