"""What is killed: each operation in a folder of its own, its repeat, what counts as the same."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from children import fresh
from digests import digests
from material import NEW, RECIPE, SIZE, Material
from studio_work import decided, decisions_of

import raresign
from raresign.cli.app import app, run_safely
from raresign.finding.vectors import VectorFile

Found = dict[str, str]


@dataclass(frozen=True)
class Operation:
    """One command as a user gives it.

    Args:
        name: For the table.
        kills: How many of all.
        begin: Makes the folder that it works in.
        act: Does it, or goes on with it where it was killed.
        found: What it has made: name -> what must be the same.
    """

    name: str
    kills: int
    begin: Callable[[Path], object]
    act: Callable[[Path], object]
    found: Callable[[Path], Found] = digests


def operations(material: Material) -> list[Operation]:
    """All of them; 304 kills."""
    data, run, grown = material.data, material.run, material.grown

    def train(place: Path) -> None:
        out = place / "run"
        begun = (out / "run.json").exists() or (out / ".ready").exists()
        raresign.train(data, out, RECIPE, cache=place / "cache", resume=begun)

    def evaluate(place: Path) -> None:
        raresign.evaluate(place / "run", data, cache=place / "cache")

    def synth(form: str, place: Path) -> None:
        raresign.synthesise(data, place / "out", per_class=12, form=form, size=SIZE)

    def pack(place: Path) -> None:
        raresign.pack_crops(raresign.from_files([material.crops]), SIZE, place, framing="found")

    def predict(suffix: str, place: Path) -> None:
        out = place / f"answers.{suffix}"
        command("predict", run, material.crops, "--out", out, "--resume", "--lang", "en")

    def add_class(place: Path) -> None:
        known = raresign.RunFolder.open(place / "run").catalogue.codes
        left = [code for code in NEW if code not in known]
        if len(left) == 1:
            raise AssertionError(f"half of the command counts: {left} is missing")
        if left:
            raresign.add_class(place / "run", [material.icons], photos=material.home / "photos")

    def add_photos(place: Path) -> None:
        raresign.add_photos(place / "run", "2.5", [data / "cropped-train" / "2.5"])

    def remove_class(place: Path) -> None:
        known = raresign.RunFolder.open(place / "run").catalogue.codes
        left = [code for code in NEW if code in known]
        if len(left) == 1:
            raise AssertionError(f"half of the command counts: {left} is there")
        if left:
            raresign.remove_class(place / "run", left)

    def export(place: Path) -> None:
        raresign.export(run, place / "model.raresign")
        raresign.export(run, place / "model.onnx")

    def find(place: Path) -> None:
        found = raresign.find_crops(run, material.crops, "2.5", index=place / "index")
        raresign.save_found(place / "found.csv", found)

    return [
        Operation("remove-class", 80, partial(with_run, grown), remove_class),
        Operation("export", 40, fresh, export),
        Operation("pack", 30, fresh, pack),
        Operation("train", 4, fresh, train),
        Operation("add-photos", 60, partial(with_run, grown), add_photos),
        Operation("evaluate", 10, partial(with_run, run), evaluate),
        Operation("predict --out, csv", 12, fresh, partial(predict, "csv")),
        Operation("predict --out, jsonl", 12, fresh, partial(predict, "jsonl")),
        Operation("predict --out, parquet", 12, fresh, partial(predict, "parquet")),
        Operation("find (index)", 16, fresh, find, index_of),
        Operation("add-class", 8, partial(with_run, run), add_class),
        Operation("synth, tar", 6, fresh, partial(synth, "tar")),
        Operation("synth, png", 6, fresh, partial(synth, "png")),
        Operation(
            "studio: confirm, correct, take back",
            8,
            partial(with_run_and_data, material),
            partial(decided, material.crops),
            decisions_of,
        ),
    ]


def with_run(run: Path, place: Path) -> None:
    """A folder that holds a copy of a run."""
    shutil.copytree(run, fresh(place) / "run", symlinks=True)


def with_run_and_data(material: Material, place: Path) -> None:
    """A folder with copies of a run and of the data that the studio writes corrections into."""
    with_run(material.run, place)
    shutil.copytree(material.data, place / "data")
    info = (place / "run" / "run.json").read_text(encoding="utf-8")
    told = info.replace(str(material.data), str(place / "data"))
    (place / "run" / "run.json").write_text(told, encoding="utf-8")


def command(*given: object) -> None:
    """The command line, in this process; some files that cannot be read are no fault."""
    sys.argv = ["raresign", *map(str, given)]
    code = run_safely(app)
    if code not in (0, 3):
        raise raresign.InputError(f"raresign {given[0]} ended with {code}")


def index_of(place: Path) -> Found:
    """What an index knows of each crop, its embedding included, and the files around it."""
    found = digests(place)
    found.pop("index/embeddings.bin", None)
    with closing(sqlite3.connect(place / "index" / "crops.sqlite")) as data:
        width = data.execute("SELECT value FROM facts WHERE name = 'width'").fetchone()[0]
        rows = VectorFile(place / "index" / "embeddings.bin", width).read(
            data.execute("SELECT value FROM facts WHERE name = 'rows'").fetchone()[0]
        )
        told = data.execute("SELECT path, part, state, error, digest, look, row FROM crops")
        for path, part, *known, row in told:
            name = f"{path}#{part}"
            if name in found:
                raise AssertionError(f"{name} is there twice")
            found[name] = repr(known) + ("" if row is None else rows[row].tobytes().hex())
    return found
