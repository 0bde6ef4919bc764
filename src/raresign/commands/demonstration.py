"""`raresign demo`: the whole pipeline on embedded signs and simulated photos."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from raresign.commands.added.add_classes import add_class
from raresign.commands.progress import Say, silent
from raresign.commands.start_run import start_run
from raresign.commands.train.train_run import train
from raresign.errors import InputError
from raresign.files import write_text
from raresign.runs.built_in import about_built_in
from raresign.runs.loading import load
from raresign.signs.countries.registry import standard
from raresign.simulated.demo_data import write_demo
from raresign.simulated.photo import simulated_photo

_SHOWN = ("2.5", "3.24.n60", "1.23", "4.1.1", "5.19.1", "3.13.r2.9")
"""Signs whose simulated photos are named before anything is trained; the last is a new one."""

_MARK = ".raresign-demo"


def demo(out: str | Path = "demo", *, seed: int = 0, fast: bool = False, say: Say = silent) -> Path:
    """Name crops at once, add a sign, then train on simulated data; returns the run folder.

    Args:
        out: Folder for `first`, `data` and `run`; an earlier demonstration in it is replaced.
        seed: Seed of data and training.
        fast: A few steps a stage only, to see that everything works.
        say: Is told what happens.

    Raises:
        InputError: `out` is a folder of something else.
    """
    out = Path(out)
    run = out / "run"
    # An interrupted first demonstration leaves its first run at most, and hidden temporary folders.
    foreign = out.exists() and not (out / "data").is_dir()
    if foreign and (out.is_file() or any(_is_foreign(path) for path in out.iterdir())):
        raise InputError(f"{out} exists and is no demonstration", "name another folder with --out")
    ours = (out / _MARK).is_file() or (out / "data" / "demo.json").is_file()
    for place in (run, out / "first", out / "data"):
        if place.is_dir() and any(place.iterdir()) and not ours:
            raise InputError(f"{place} is of no demonstration", "name another folder with --out")
    write_text(out / _MARK, "made by raresign demo, which replaces what it made here\n")
    photos = [simulated_photo(code, seed, number) for number, code in enumerate(_SHOWN)]
    with _timed("the demonstration", say):
        with _timed("naming crops", say):
            _name_crops(photos, say)
        with _timed("adding a sign", say):
            _add_sign(out / "first", photos[-1], say)
        with _timed("drawing signs and simulating photos", say):
            data = write_demo(out / "data", seed)
        if run.exists():
            shutil.rmtree(run)
        recipe = "demo-fast" if fast else "demo"
        with _timed("training, measuring and the report", say):
            return train(data, run, recipe, seed=seed, cache=out / "cache", say=say)


@contextmanager
def _timed(step: str, say: Say) -> Iterator[None]:
    """Tell how long a step took."""
    started = time.monotonic()
    yield
    say(f"[{step}: {time.monotonic() - started:.0f} s]")


def _is_foreign(path: Path) -> bool:
    return path.name[0] != "." and not (path.name == "first" and (path / "run.json").is_file())


def _name_crops(photos: list[np.ndarray], say: Say) -> None:
    """Let the built-in model name photos of `_SHOWN`."""
    say(about_built_in())
    for code, answer in zip(_SHOWN, load().answer(photos), strict=True):
        say(f"  a photo of {code}: {answer.answer}")


def _add_sign(folder: Path, photo: np.ndarray, say: Say) -> None:
    """Add the one sign of `_SHOWN` that the built-in model lacks, and name its photo again."""
    if (folder / "run.json").is_file():
        shutil.rmtree(folder)
    new = _SHOWN[-1]
    with tempfile.TemporaryDirectory() as place:
        icon = Path(place) / f"{new}.svg"
        write_text(icon, standard("gost").svg(new))
        (added,) = add_class(start_run(folder), [icon], [new])
    say(f"adding {new} {added.name} from its icon")
    say(f"  a photo of {new}: {load(folder).answer(photo).answer}")
