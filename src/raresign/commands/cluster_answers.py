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
from raresign.crops.layouts.stored_picture import StoredPicture
from raresign.runtime.recogniser import BATCH, Recogniser
from raresign.runtime.squashed_pictures import Size

_Shared = tuple[Recogniser, int]
_Picture = str | StoredPicture


def answers_of_files(
    cluster: RayCluster, model: Recogniser, files: Iterable[Path | StoredPicture], top: int
) -> Iterator[tuple[FileAnswer, Size]]:
    """`model.answer_sized` of files, on the machines of a cluster, in the order given.

    Pictures of a storage or of a tar are fetched here and sent.
    """
    given: list[list[str]] = []

    def pieces() -> Iterator[list[_Picture]]:
        rest = iter(files)
        while some := list(islice(rest, BATCH)):
            given.append([str(file) for file in some])
            yield [_seen_afar(file) for file in some]

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


def _seen_afar(file: Path | StoredPicture) -> _Picture:
    if isinstance(file, StoredPicture):
        return file
    return os.path.abspath(file)  # noqa: PTH100 - of links, their names


def _sized(shared: _Shared, files: Sequence[_Picture]) -> list[tuple[FileAnswer, Size]]:
    model, top = shared
    return list(model.answer_sized(files, top))


def _of_rows(shared: _Shared, table: CropTable) -> list[FileAnswer]:
    model, top = shared
    return list(model.answer_crops(table, top))
