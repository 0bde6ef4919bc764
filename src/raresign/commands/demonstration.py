"""`raresign demo`: the whole pipeline on embedded signs and simulated photos."""

from __future__ import annotations

import shutil
from pathlib import Path

from raresign.commands.progress import Say, silent
from raresign.commands.train.train_run import train
from raresign.errors import InputError
from raresign.simulated.demo_data import write_demo


def demo(out: str | Path = "demo", *, seed: int = 0, fast: bool = False, say: Say = silent) -> Path:
    """Write simulated data, train every stage on it, measure and report; returns the run folder.

    Args:
        out: Folder for `data` and `run`; an earlier demonstration in it is replaced.
        seed: Seed of data and training.
        fast: A few steps a stage only, to see that everything works.
        say: Is told what happens.

    Raises:
        InputError: `out` is a folder of something else.
    """
    out = Path(out)
    run = out / "run"
    # An interrupted first demonstration leaves nothing, or hidden temporary folders only.
    foreign = out.exists() and not (out / "data").is_dir()
    if foreign and (out.is_file() or any(path.name[0] != "." for path in out.iterdir())):
        raise InputError(f"{out} exists and is no demonstration", "name another folder with --out")
    if run.is_dir() and any(run.iterdir()) and not (run / "run.json").is_file():
        raise InputError(f"{run} is no run of ours", "name another folder with --out")
    say("drawing signs and simulating photos")
    data = write_demo(out / "data", seed)
    if run.exists():
        shutil.rmtree(run)
    return train(
        data, run, "demo-fast" if fast else "demo", seed=seed, cache=out / "cache", say=say
    )
