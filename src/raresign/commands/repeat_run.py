"""`raresign rerun`: a run repeated from what it remembers, and compared with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from raresign.commands.data_folder import OF_TABLE
from raresign.commands.progress import Say, silent
from raresign.commands.train.train_run import train
from raresign.commands.trained_crops import training_marks
from raresign.errors import InputError
from raresign.language.spoken import _
from raresign.models.model_files import load_model
from raresign.runs.recipe_file import saved_recipe
from raresign.runs.run_folder import RunFolder
from raresign.storage.places import refuse_url
from raresign.training.fit import Hardware


@dataclass(frozen=True)
class Rerun:
    """A run beside its repetition.

    Attributes:
        run, again: The folders.
        same_weights: Whether all weights are the same, bit for bit.
        largest_difference: Of any weight; 0 if they are the same.
        changed: What is not as it was: data, versions, machine; what was not repeated.
        recall: For each stage and group of test crops ("all", "rare", "freq") the recall then and
            now, in [0, 1].
    """

    run: Path
    again: Path
    same_weights: bool
    largest_difference: float
    changed: tuple[str, ...]
    recall: dict[str, tuple[float, float]]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "run": str(self.run), "again": str(self.again)}


def rerun(
    run: str | Path, out: str | Path, *, data: str | Path | None = None, say: Say = silent
) -> Rerun:
    """Train a run again with its own settings, seed and number of threads, and compare both.

    On one machine with the same versions the weights come out the same bit for bit on the CPU. A
    stage that a time limit cut takes as many steps as it did, but its learning rates followed the
    clock: such a run comes out alike, not the same. Added classes and photos are not repeated.

    Args:
        run: A finished run folder.
        out: The run folder to make.
        data: Where its data folder is now, unless it is where it was.
        say: Is told what happens.

    Raises:
        InputError: The run is not finished, or does not say what it was made of.
    """
    folder = RunFolder.open(run)
    info, settings = folder.info, folder.info["settings"]
    if not info["finished"]:
        raise InputError(
            _("{run} is not finished").format(run=run), _("go on with `raresign train --resume`")
        )
    if "built_in" in info:
        raise InputError(
            _("{run} was made by `raresign start`, it was not trained here").format(run=run),
            _("name a run that `raresign train` made"),
        )
    if settings.get("layout") == OF_TABLE:
        raise InputError(
            _("the crops of {run} came from a table in Python").format(run=run),
            _("train again with the same table"),
        )
    for name in ("data", "crops", "icons") if data is None else ("crops", "icons"):
        refuse_url(settings.get(name) or "", folder.path / "run.json")
    recipe = saved_recipe(folder)
    taken = [done["steps"] for done in info["stages"]]
    stages = tuple(
        stage.model_copy(update={"steps": steps})
        for stage, steps in zip(recipe.stages, taken, strict=True)
    )
    cut = [
        _("--max-time cut the stage {name}").format(name=stage.title)
        for stage, steps in zip(recipe.stages, taken, strict=True)
        if steps < stage.steps
    ]
    recipe = recipe.model_copy(update={"stages": stages})
    with _threads(info.get("machine", {}).get("threads")):
        train(
            settings["data"] if data is None else data,
            out,
            recipe.model_dump(mode="json"),
            seed=info["seed"],
            hardware=Hardware(**settings.get("hardware", {})),
            crops=settings.get("crops"),
            layout=settings.get("layout", "reference"),
            icons=settings.get("icons"),
            country=settings.get("country"),
            test_share=settings.get("test_share"),
            svg_text=bool(settings.get("svg_text")),
            say=say,
        )
    return compare_rerun(run, out, cut)


def compare_rerun(run: str | Path, again: str | Path, changed: list[str] | None = None) -> Rerun:
    """Compare two runs of the same settings, see `rerun`.

    Args:
        run, again: Run folders.
        changed: What else is to be told.

    Raises:
        InputError: No such run, or nets of two kinds.
    """
    first, second = RunFolder.open(run), RunFolder.open(again)
    old, new = (load_model(folder.path).state_dict() for folder in (first, second))
    if {k: v.shape for k, v in old.items()} != {k: v.shape for k, v in new.items()}:
        raise InputError(
            _("{run} and {again} hold nets of two kinds").format(run=run, again=again),
            _("name a run and its repetition"),
        )
    same = all(torch.equal(value, new[name]) for name, value in old.items())
    gaps = [(value.double() - new[name].double()).abs() for name, value in old.items()]
    largest = max(float(gap.max()) for gap in gaps if gap.numel())
    told = [*(changed or []), *_changed(first, second)]
    recall = {
        f"{before['name']} {group}": (before["test"][group], after["test"][group])
        for before, after in zip(first.info["stages"], second.info["stages"], strict=False)
        for group in before.get("test") or {}
        if group in (after.get("test") or {})
    }
    return Rerun(first.path, second.path, same, largest, tuple(told), recall)


def _changed(first: RunFolder, second: RunFolder) -> Iterator[str]:
    """What the two runs were not alike in."""
    crops, others = training_marks(first.path), training_marks(second.path)
    if not np.array_equal(crops, others):
        gone, come = len(np.setdiff1d(crops, others)), len(np.setdiff1d(others, crops))
        yield _("training crops: {gone} are gone or changed, {come} are new").format(
            gone=gone, come=come
        )
    for name in ("versions", "machine", "weights"):
        old, new = (folder.info.get(name) or {} for folder in (first, second))
        for key in sorted({*old, *new}):
            if old.get(key) != new.get(key):
                yield f"{name}, {key}: {old.get(key)} -> {new.get(key)}"
    if first.added or "tuned" in first.info:
        yield _("{n} classes that were added later are not repeated").format(n=len(first.added))


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """As many threads as the run had: another number adds up in another order."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
