"""What each test crop is and what it was called: predictions without the shares of all classes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from raresign.errors import InputError
from raresign.evaluation.predictions import Group
from raresign.parsing import parse_json

_COLUMNS = ["path", "label", "predicted", "probability"]


@dataclass(frozen=True, eq=False)
class CalledCrops:
    """N crops, one row each. A hundred thousand crops of 1,500 classes take some ten megabytes.

    Args:
        paths: (N) where each crop came from; a frame that holds several signs stands several times.
        labels: (N,) int64 true labels, -1 unknown.
        predicted: (N,) int64 labels that they were called.
        confidence: (N,) float32 probability of that label, in [0, 1].
        codes: (C) class codes; a label is a position in it.
        types: (C) "freq" or "rare".
        families: (C) family names.
        levels: (N) how exactly each was answered: "class", "family", "sign" or "none"; () if that
            was not kept.

    Example:
        >>> crops = CalledCrops(("a.png", "b.png"), np.array([0, 1]), np.array([0, 0]),
        ...                     np.array([0.9, 0.6], np.float32), ("3.1", "3.2"), ("freq", "rare"),
        ...                     ("red ring", "red ring"))
        >>> crops.correct.tolist(), crops.of_group("rare").tolist()
        ([True, False], [False, True])
    """

    paths: tuple[str, ...]
    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    confidence: NDArray[np.float32]
    codes: tuple[str, ...]
    types: tuple[str, ...]
    families: tuple[str, ...]
    levels: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.paths)

    @cached_property
    def correct(self) -> NDArray[np.bool_]:
        """(N,) whether the label is the true one; false where the truth is unknown."""
        right: NDArray[np.bool_] = self.predicted == self.labels
        return right

    @cached_property
    def named(self) -> NDArray[np.bool_]:
        """(N,) whether the model named a class; all, where the levels were not kept."""
        if not self.levels:
            return np.ones(len(self), bool)
        named: NDArray[np.bool_] = np.array(self.levels) == "class"
        return named

    def of_group(self, group: Group) -> NDArray[np.bool_]:
        """(N,) whether the crop's class is known and of this group ("all", "rare", "freq")."""
        types = np.array([*self.types, "unknown"])  # label -1 picks the last
        return self.labels >= 0 if group == "all" else types[self.labels] == group

    def with_labels(self, labels: NDArray[np.int64]) -> CalledCrops:
        """The same crops with other true labels, (N,) in -1..C-1."""
        changed = replace(self, labels=labels)
        changed.__dict__["named"] = self.named  # does not depend on them
        return changed

    def rows(self, kept: NDArray[np.bool_]) -> CalledCrops:
        """The rows where `kept`, (N,) bool, is true."""
        places = np.flatnonzero(kept).tolist()
        return replace(
            self,
            paths=tuple(self.paths[row] for row in places),
            labels=self.labels[kept],
            predicted=self.predicted[kept],
            confidence=self.confidence[kept],
            levels=tuple(self.levels[row] for row in places) if self.levels else (),
        )

    @classmethod
    def from_folder(cls, folder: str | Path) -> CalledCrops:
        """Read predictions.parquet, and answers.parquet if it is there, of a folder of figures.

        Only the columns that are needed are read.

        Raises:
            InputError: There are no predictions, or a file is damaged.
        """
        file = Path(folder) / "predictions.parquet"
        if not file.is_file():
            raise InputError(f"{file}: no such file", "run `raresign evaluate`")
        try:
            table = pq.ParquetFile(file).read(columns=_COLUMNS)
            facts = parse_json(table.schema.metadata[b"raresign"])
            codes, types, families = (
                tuple(map(str, facts[name])) for name in ("codes", "types", "families")
            )
            labels, predicted = (
                table[name].to_numpy().astype(np.int64) for name in ("label", "predicted")
            )
            paths = tuple(table["path"].to_pylist())
            confidence = table["probability"].to_numpy().astype(np.float32)
        except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{file}: not a table of predictions ({type(error).__name__}: {error})",
                "write it again with `raresign evaluate`",
            ) from error
        known = min(len(codes), len(types), len(families))
        if len(paths) and not (
            labels.min() >= -1
            and labels.max() < known
            and predicted.min() >= 0
            and predicted.max() < known
        ):
            raise InputError(f"{file}: a label is none of its classes", "run `raresign evaluate`")
        levels = _levels(Path(folder) / "answers.parquet", paths)
        return cls(paths, labels, predicted, confidence, codes, types, families, levels)


def _levels(file: Path, paths: tuple[str, ...]) -> tuple[str, ...]:
    """The levels of the same crops; () where there is no such table."""
    if not file.is_file():
        return ()
    try:
        table = pq.ParquetFile(file).read(columns=["path", "level"])
    except (pa.ArrowException, OSError, ValueError):
        return ()
    if tuple(table["path"].to_pylist()) != paths:
        return ()
    return tuple(table["level"].to_pylist())
