"""Files that vanish, shrink or become another picture while a command reads their folder."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from children import fresh, run_child
from material import RECIPE, SIZE, Material
from operations import command
from table import Fault

import raresign

_AT = (1, 30, 60)
"""The files change when so many of them have been opened."""


def moving_files(material: Material, place: Path) -> Fault:
    """Pack, index, answer and train while files change."""
    fault = Fault("files vanish or change while read", ended="told row by row, or one message")
    crops = place / "crops"

    def pack() -> int:
        table = raresign.from_files([crops])
        made = raresign.pack_crops(table, SIZE, place / "cache")
        return len(made) + len(made.skipped) - len(table)

    def predict() -> int:
        listed = sum(path.suffix == ".png" for path in crops.rglob("*"))
        out = place / "a.jsonl"
        command("predict", material.run, crops, "--out", out, "--lang", "en")
        rows = [json.loads(line)["path"] for line in out.read_text().splitlines()]
        return len(rows) - len(set(rows)) + max(0, len(rows) - listed)

    def find() -> int:
        found = raresign.find_crops(material.run, crops, "2.5", index=place / "index")
        return found.counts.waiting

    def train() -> int:
        raresign.train(place / "data", place / "run", RECIPE, cache=place / "cache", report=False)
        return 0

    works: list[tuple[str, Callable[[], int], Path]] = [
        *[
            (name, work, crops)
            for name, work in (("pack", pack), ("predict", predict), ("find", find))
        ],
        ("train", train, place / "data"),
    ]
    for name, work, moved in works:
        for at in _AT:
            shutil.copytree(material.crops, fresh(place) / "crops")
            shutil.copytree(material.data, place / "data")
            ended = run_child(partial(_while_moving, work, moved, at))
            fault.tries += 1
            if ended.code == 2 or (ended.code == 0 and ended.value == 0):
                fault.right += 1
            else:
                fault.problems.append(f"{name}, at {at}: {ended.value} {ended.told}")
    return fault


def _while_moving(work: Callable[[], int], folder: Path, at: int) -> int:
    """Call `work`; at one moment every fifth file goes, is cut, or becomes another."""
    opened, moved = [0], [False]
    every = sorted(path for path in folder.rglob("*") if path.suffix in (".png", ".jpg"))

    def hook(event: str, given: tuple[Any, ...]) -> None:
        if event != "open" or moved[0] or not str(given[0]).startswith(str(folder)):
            return
        opened[0] += 1
        if opened[0] == at:
            moved[0] = True
            for number, path in enumerate(every):
                if number % 5 == 1:
                    path.unlink()
                elif number % 5 == 2:
                    with path.open("r+b") as file:
                        file.truncate(60)
                elif number % 5 == 3:
                    shutil.copyfile(every[0], path)

    sys.addaudithook(hook)
    return work()
