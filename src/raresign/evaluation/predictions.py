"""What a model said about each crop, with the catalogue facts that it takes to judge it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax

from raresign.errors import InputError
from raresign.files import whole_file
from raresign.parsing import parse_json
from raresign.records import frame_of

Group = Literal["all", "rare", "freq"]
GROUPS: tuple[Group, ...] = ("all", "rare", "freq")
"""The parts of a test that every figure is given for, by the type of the true class."""

_Item = TypeVar("_Item", bound=np.generic)
_FACTS = ("codes", "types", "families")
_SUM_TOLERANCE = 1e-3
_TOP = 5


@dataclass(frozen=True, eq=False)
class Predictions:
    """Probabilities of N crops over C classes.

    Args:
        paths: (N) where each crop came from; a frame that holds several signs stands several times.
        labels: (N,) int64 true labels, -1 unknown.
        probabilities: (N, C) float32, each row sums to 1.
        codes: (C) class codes; a label is a position in it.
        types: (C) "freq" or "rare".
        families: (C) family names such as "red ring".

    Raises:
        InputError: Shapes do not fit together, a row has NaN, negative numbers or another sum than
            1, a label is outside -1..C-1, a code stands twice, a type is unknown.

    Example:
        >>> predictions = Predictions(
        ...     ("a.png", "b.png"), [0, 1], [[0.9, 0.1], [0.6, 0.4]],
        ...     ("3.1", "3.2"), ("freq", "rare"), ("red ring", "red ring"))
        >>> predictions.predicted.tolist(), predictions.correct.tolist()
        ([0, 0], [True, False])
    """

    paths: tuple[str, ...]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    codes: tuple[str, ...]
    types: tuple[str, ...]
    families: tuple[str, ...]

    def __post_init__(self) -> None:
        labels = np.asarray(self.labels)
        if labels.size and not np.issubdtype(labels.dtype, np.integer):
            raise InputError(f"labels have type {labels.dtype}", "labels must be whole numbers")
        fields: dict[str, Any] = {
            **{name: tuple(map(str, getattr(self, name))) for name in ("paths", *_FACTS)},
            "labels": _read_only(labels.astype(np.int64, copy=False)),
            "probabilities": _read_only(np.asarray(self.probabilities, dtype=np.float32)),
        }
        for name, value in fields.items():
            object.__setattr__(self, name, value)
        self._check_facts()
        self._check_rows()

    @classmethod
    def from_logits(
        cls,
        paths: Sequence[str | Path],
        labels: ArrayLike,
        logits: ArrayLike,
        codes: Sequence[str],
        types: Sequence[str],
        families: Sequence[str],
    ) -> Predictions:
        """Predictions by the softmax of `logits`, computed in float64.

        Args:
            logits: (N, C) finite scores.
            paths, labels, codes, types, families: See `Predictions`.

        Raises:
            InputError: `logits` is not (N, C) or not finite; or as for `Predictions`.

        Example:
            >>> Predictions.from_logits(["a.png"], [1], [[0.0, 1000.0]], ["1.1", "1.2"],
            ...                         ["freq", "rare"], ["red triangle"] * 2).confidence.tolist()
            [1.0]
        """
        scores = np.asarray(logits, dtype=np.float64)
        if scores.ndim != 2 or scores.shape[1] == 0:
            raise InputError(f"logits have shape {scores.shape}", "they must be (crops, classes)")
        _check_finite(scores, "logits")
        shares = softmax(scores, axis=1).astype(np.float32)
        where = tuple(map(str, paths))
        return cls(where, np.asarray(labels), shares, tuple(codes), tuple(types), tuple(families))

    @classmethod
    def from_parquet(cls, path: str | Path) -> Predictions:
        """Read what `as_parquet` wrote.

        Raises:
            InputError: There is no such file, or it is not a table that `as_parquet` wrote.

        Example:
            >>> Predictions.from_parquet("nowhere.parquet")
            Traceback (most recent call last):
            ...
            raresign.errors.InputError: nowhere.parquet: no such file; give a predictions.parquet
        """
        path = Path(path)
        if not path.is_file():
            raise InputError(f"{path}: no such file", "give a predictions.parquet")
        try:
            # Not read_table: it would read a folder name such as "seed=1" as one more column.
            table = pq.ParquetFile(path).read()
            facts = parse_json(table.schema.metadata[b"raresign"])
            flat = table["probabilities"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
            return cls(
                tuple(table["path"].to_pylist()),
                table["label"].to_numpy(),
                flat.reshape(table.num_rows, len(facts["codes"])),
                *(tuple(facts[name]) for name in _FACTS),
            )
        except InputError as error:
            raise InputError(f"{path}: {error.problem}", error.hint) from error
        except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{path}: not a table of predictions ({type(error).__name__}: {error})",
                "write it again with `raresign evaluate`",
            ) from error

    def as_parquet(self, path: str | Path) -> None:
        """Write a table with one row a crop, whole or not at all.

        Columns: path, label, code (null where unknown), predicted, predicted_code, probability,
        top5_codes, top5_probabilities, probabilities (a fixed-size list of C float32). The schema
        metadata key ``raresign`` holds codes, types and families as JSON. The folder is made.

        Raises:
            OSError: The file cannot be written; an earlier one stays as it was.

        Example:
            >>> import tempfile
            >>> file = Path(tempfile.mkdtemp()) / "predictions.parquet"
            >>> Predictions(("a.png",), [-1], [[0.25, 0.75]], ("1.1", "1.2"), ("freq", "rare"),
            ...             ("red triangle", "red triangle")).as_parquet(file)
            >>> Predictions.from_parquet(file).predicted.tolist()
            [1]
        """
        with whole_file(path) as temporary:
            pq.write_table(self.to_arrow(), temporary, compression="zstd")

    def to_arrow(self) -> Any:
        """The table that `as_parquet` writes: one row a crop."""
        top = self.top(_TOP)
        top_shares = np.take_along_axis(self.probabilities, top, axis=1)
        codes = pa.array([*self.codes, None], pa.string())  # label -1 picks the last
        columns = {
            "path": pa.array(self.paths, pa.string()),
            "label": pa.array(self.labels),
            "code": codes.take(pa.array(self.labels % len(codes))),
            "predicted": pa.array(self.predicted),
            "predicted_code": codes.take(pa.array(self.predicted)),
            "probability": pa.array(self.confidence),
            "top5_codes": _lists(codes.take(pa.array(top.reshape(-1))), top),
            "top5_probabilities": _lists(pa.array(top_shares.reshape(-1)), top),
            "probabilities": _lists(pa.array(self.probabilities.reshape(-1)), self.probabilities),
        }
        facts = {name: list(getattr(self, name)) for name in _FACTS}
        return pa.table(columns).replace_schema_metadata(
            {"raresign": json.dumps(facts, ensure_ascii=False)}
        )

    def to_pandas(self) -> Any:
        """The same as a pandas DataFrame; InputError where pandas is not installed."""
        return frame_of(self.to_arrow())

    def __len__(self) -> int:
        return len(self.paths)

    @cached_property
    def predicted(self) -> NDArray[np.int64]:
        """(N,) label with the highest probability; the lower label where two are equal."""
        return _read_only(self.probabilities.argmax(axis=1).astype(np.int64))

    @cached_property
    def confidence(self) -> NDArray[np.float32]:
        """(N,) highest probability, in [0, 1]."""
        return _read_only(self.probabilities.max(axis=1))

    @cached_property
    def correct(self) -> NDArray[np.bool_]:
        """(N,) whether the predicted label is the true one; false where the truth is unknown."""
        return _read_only(self.predicted == self.labels)

    def top(self, k: int) -> NDArray[np.int64]:
        """(N, min(k, C)) labels by falling probability; the lower label first where equal."""
        return np.argsort(-self.probabilities, axis=1, kind="stable")[:, :k].astype(np.int64)

    def of_group(self, group: Group) -> NDArray[np.bool_]:
        """(N,) whether the crop's class is known and of this group ("all", "rare", "freq")."""
        types = np.array([*self.types, "unknown"])  # label -1 picks the last
        return self.labels >= 0 if group == "all" else types[self.labels] == group

    def _check_facts(self) -> None:
        """Codes, types and families describe the same classes."""
        sizes = {name: len(getattr(self, name)) for name in _FACTS}
        if len(set(sizes.values())) != 1 or not self.codes:
            raise InputError(
                "catalogue facts of different or no length: "
                + ", ".join(f"{name} ({size})" for name, size in sizes.items()),
                "give one code, one type and one family a class",
            )
        if len(set(self.codes)) != len(self.codes):
            twice = sorted({code for code in self.codes if self.codes.count(code) > 1})
            raise InputError(f"class codes stand twice: {twice}", "give every class its own code")
        unknown = sorted(set(self.types) - {"freq", "rare"})
        if unknown:
            raise InputError(f"class types {unknown}", "use 'freq' or 'rare'")

    def _check_rows(self) -> None:
        """Every crop has one path, one label and one row of probabilities."""
        n, classes = len(self.paths), len(self.codes)
        if self.probabilities.shape != (n, classes) or self.labels.shape != (n,):
            raise InputError(
                f"{n} paths, labels {self.labels.shape}, probabilities {self.probabilities.shape}, "
                f"{classes} classes",
                f"labels must be ({n},) and probabilities ({n}, {classes})",
            )
        outside = np.flatnonzero((self.labels < -1) | (self.labels >= classes))
        if outside.size:
            row = int(outside[0])
            raise InputError(
                f"label {self.labels[row]} of row {row} ({self.paths[row]})",
                f"labels must be -1 (unknown) or 0..{classes - 1}",
            )
        _check_finite(self.probabilities, "probabilities")
        sums = self.probabilities.sum(axis=1, dtype=np.float64)
        wrong = (np.abs(sums - 1) > _SUM_TOLERANCE) | (self.probabilities < 0).any(axis=1)
        if wrong.any():
            row = int(wrong.argmax())
            raise InputError(
                f"probabilities {self.probabilities.shape}: {int(wrong.sum())} rows are negative "
                f"or do not sum to 1, first row {row} with sum {sums[row]:.6g} "
                f"and least {self.probabilities[row].min():.6g}",
                "give probabilities, or use Predictions.from_logits",
            )


def _read_only(array: NDArray[_Item]) -> NDArray[_Item]:
    """A view of `array` that nobody can write through."""
    view: NDArray[_Item] = array.view()
    view.flags.writeable = False
    return view


def _check_finite(values: NDArray[Any], name: str) -> None:
    """Raise where a row of (N, C) `values` holds NaN or infinity."""
    bad = ~np.isfinite(values).all(axis=1)
    if bad.any():
        raise InputError(
            f"{name} {values.shape}: {int(bad.sum())} rows hold NaN or infinity, "
            f"first row {int(bad.argmax())}",
            "the model has diverged or its input is broken",
        )


def _lists(flat: Any, like: NDArray[Any]) -> Any:
    """Arrow column of fixed-size lists with the shape of `like`, (N, K)."""
    return pa.FixedSizeListArray.from_arrays(flat, like.shape[1])
