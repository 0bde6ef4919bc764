"""Everything that the operations import, loaded once in the parent, which starts no thread."""

from __future__ import annotations

import gc
import importlib
from pathlib import Path

import torch
from material import SIZE, Material

import raresign
from raresign.commands.synth.engine import one_thread, open_engine, render_block
from raresign.finding import crop_index
from raresign.fitting import recogniser_fit
from raresign.signs.catalogue.unknown_sign_drawings import drawn_unknown_signs

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
    torch.set_num_threads(1)
    for name in _MODULES:
        importlib.import_module(name)
    for name in raresign.__all__:
        getattr(raresign, name)
    recogniser_fit._NO_SIGN_CROPS = 32
    recogniser_fit._UNKNOWN_CROPS = 4
    crop_index._BATCH = 32


def warm_caches(material: Material) -> None:
    """Draw and read once what every process would draw and read once: all of it is cached."""
    engine = open_engine(material.data, raresign.load_preset("road"), SIZE, 0)
    with one_thread():
        render_block(engine.synthesiser(), 0, len(engine.codes))
    drawn_unknown_signs(raresign.SignCatalogue.from_folder(material.data), 0)
    gc.collect()
    gc.freeze()  # so that children neither look through what they inherit nor copy it
    threads = Path("/proc/self/task").iterdir()
    names = [(thread / "comm").read_text() for thread in threads]
    own = [name for name in names if "jemalloc" not in name]
    if len(own) > 1:
        raise SystemExit(f"the parent has threads, so that no child can be trusted: {own}")
