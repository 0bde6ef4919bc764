"""Trainings of the result tables: each in a process of its own, once, resumed if it was stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

BACKBONE = ["--backbone", "mobilenetv2_100", "--accelerator", "cpu"]


def is_finished(out: Path) -> bool:
    record = out / "run.json"
    return record.exists() and bool(json.loads(record.read_text(encoding="utf-8"))["finished"])


def train_once(
    data: Path, out: Path, recipe: str, options: list[str], seed: int, threads: int
) -> int:
    """Train into `out` unless it is finished; go on if it was stopped. The exit code."""
    if is_finished(out):
        return 0
    resume = ["--resume"] if (out / "run.json").exists() else []
    command = [sys.executable, "-m", "raresign", "train", str(data), "--out", str(out)]
    command += ["--recipe", recipe, "--seed", str(seed), *BACKBONE, *options, *resume]
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.with_suffix(".log").open("a") as log:
        started = time.time()
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        done = subprocess.run(command, stdout=log, stderr=log, env=environment, check=False)
    minutes = (time.time() - started) / 60
    print(f"{out.name}: exit {done.returncode} after {minutes:.1f} min", flush=True)
    return done.returncode
