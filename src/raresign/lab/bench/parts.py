"""The parts of the benchmark by name, and the call that runs them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from raresign.errors import InputError
from raresign.lab.bench.loss import bench_loss
from raresign.lab.bench.packing import bench_packing
from raresign.lab.bench.sampler import bench_sampler
from raresign.lab.bench.start_up import bench_signs, bench_start
from raresign.lab.bench.synth import bench_synth
from raresign.lab.bench.train_speed import bench_metric, bench_predict, bench_train
from raresign.runs.environment import machine, versions

_PARTS: dict[str, Callable[[bool, Path | None], dict[str, Any]]] = {
    "loss": lambda quick, data: bench_loss(quick),
    "sampler": lambda quick, data: bench_sampler(quick),
    "synth": bench_synth,
    "train": bench_train,
    "metric": bench_metric,
    "predict": bench_predict,
    "pack": bench_packing,
    "signs": lambda quick, data: bench_signs(quick),
    "start": bench_start,
}


def run_bench(
    part: str = "all", *, quick: bool = False, data: Path | None = None
) -> dict[str, Any]:
    """Run one benchmark or all of them.

    Args:
        part: `loss`, `sampler`, `synth`, `train`, `metric`, `predict`, `pack`, `signs`, `start` or
            `all`.
        quick: Fewer repetitions; `all` then ends within a minute on two cores.
        data: Data folder with real icons, backgrounds and crops, drawn signs otherwise; for `start`
            a run folder.

    Returns:
        Figures by dotted name (`loss.ratio`), and the machine and versions.

    Raises:
        InputError: There is no such benchmark.
    """
    if part != "all" and part not in _PARTS:
        raise InputError(f"no benchmark is called '{part}'", f"use {', '.join(_PARTS)} or all")
    figures: dict[str, Any] = {}
    for name, function in _PARTS.items():
        if part in ("all", name):
            figures.update(function(quick, data))
    return {**figures, "quick": quick, "machine": machine(), "versions": versions()}
