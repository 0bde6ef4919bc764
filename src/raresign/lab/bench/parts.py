"""The parts of the benchmark by name, and the call that runs them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from raresign.errors import InputError
from raresign.lab.bench.deployed import bench_deployed
from raresign.lab.bench.finding_crops import bench_find
from raresign.lab.bench.loss import bench_loss
from raresign.lab.bench.packing import bench_packing
from raresign.lab.bench.sampler import bench_sampler
from raresign.lab.bench.service_load import bench_service
from raresign.lab.bench.start_up import bench_signs, bench_start
from raresign.lab.bench.streamed import bench_predict
from raresign.lab.bench.synth import bench_synth
from raresign.lab.bench.train_speed import bench_metric, bench_train
from raresign.runs.environment import machine, versions

_PARTS: dict[str, Callable[..., dict[str, Any]]] = {
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
_PREDICT, _RUNTIME, _SERVE, _FIND = "predict", "runtime", "serve", "find"
"""They take a run; `all` leaves the last three out."""


def run_bench(
    part: str = "all",
    *,
    quick: bool = False,
    data: Path | None = None,
    run: str | Path | None = None,
) -> dict[str, Any]:
    """Run one benchmark or all of them.

    Args:
        part: `loss`, `sampler`, `synth`, `train`, `metric`, `predict`, `pack`, `signs`, `start`,
            `runtime`, `serve`, `find` or `all`.
        quick: Fewer repetitions; `all` then ends within a minute on two cores.
        data: Data folder with real icons, backgrounds and crops, drawn signs otherwise; for `start`
            a run folder.
        run: For `runtime`: a run folder or "built-in"; `data` then has the crops. For `serve`,
            `predict` and `find` also a bundle, and "built-in" unless given; `data` is then a
            folder of crops, for `find` a data folder whose real crops are looked through.

    Returns:
        Figures by dotted name (`loss.ratio`), and the machine and versions.

    Raises:
        InputError: There is no such benchmark.
    """
    names = (*_PARTS, _RUNTIME, _SERVE, _FIND)
    if part != "all" and part not in names:
        raise InputError(f"no benchmark is called '{part}'", f"use {', '.join(names)} or all")
    if run is not None and part not in (_PREDICT, _RUNTIME, _SERVE, _FIND):
        raise InputError(
            f"{run} for the benchmark '{part}'",
            f"only {_PREDICT}, {_RUNTIME}, {_SERVE} and {_FIND} take a run",
        )
    if part == _RUNTIME and run is None:
        raise InputError("no run to measure", "raresign bench runtime RUN, or built-in")
    figures: dict[str, Any] = {}
    if part == _SERVE:
        figures |= bench_service(quick, data, run)
    elif part == _FIND:
        figures |= bench_find(quick, data, run)
    elif part == _RUNTIME and run is not None:
        figures |= bench_deployed(quick, data, run)
    for name, function in _PARTS.items():
        if part in ("all", name):
            more = {"run": run} if name == _PREDICT else {}
            figures.update(function(quick, data, **more))
    return {**figures, "quick": quick, "machine": machine(), "versions": versions()}
