"""Answers of a cluster: pieces as large as the batches of one machine, so that no bit differs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from raresign.answers.answer import FileAnswer
from raresign.cluster.ray_cluster import RayCluster
from raresign.crops.crop_table import CropTable
from raresign.runtime.recogniser import BATCH, Recogniser, Size

_Shared = tuple[Recogniser, int]


def answers_of_files(
    cluster: RayCluster, model: Recogniser, files: Iterable[str | Path], top: int
) -> Iterator[tuple[FileAnswer, Size]]:
    """`model.answer_sized` of files, on the machines of a cluster, in the order given."""
    given: list[list[str]] = []

    def pieces() -> Iterator[list[str]]:
        rest = iter(files)
        while some := [str(file) for file in islice(rest, BATCH)]:
            given.append(some)
            yield [os.path.abspath(path) for path in some]  # noqa: PTH100 - of links, their names

    for told in cluster.map(_sized, (model, top), pieces()):
        for path, (answer, size) in zip(given.pop(0), told, strict=True):
            yield replace(answer, path=path), size


def answers_of_rows(
    cluster: RayCluster, model: Recogniser, table: CropTable, top: int
) -> Iterator[FileAnswer]:
    """`model.answer_crops` of a table, on the machines of a cluster, in its order."""
    starts = range(0, len(table), BATCH)
    far = [Path(os.path.abspath(path)) for path in table.paths]  # noqa: PTH100
    there = replace(table, paths=tuple(far))
    pieces = (_part(there, slice(start, start + BATCH)) for start in starts)
    told = (one for some in cluster.map(_of_rows, (model, top), pieces) for one in some)
    for path, answer in zip(table.paths, told, strict=True):
        yield replace(answer, path=str(path))


def _part(table: CropTable, rows: slice) -> CropTable:
    boxes = None if table.boxes is None else table.boxes[rows]
    return CropTable(table.paths[rows], table.labels[rows], boxes, table.class_names[rows])


def _sized(shared: _Shared, files: Sequence[str]) -> list[tuple[FileAnswer, Size]]:
    model, top = shared
    return list(model.answer_sized(files, top))


def _of_rows(shared: _Shared, table: CropTable) -> list[FileAnswer]:
    model, top = shared
    return list(model.answer_crops(table, top))
