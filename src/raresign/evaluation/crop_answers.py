"""What a recogniser answered to each crop besides probabilities: level, family, neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from raresign.errors import InputError
from raresign.files import whole_file

NEIGHBOURS = 3


@dataclass(frozen=True)
class CropAnswer:
    """The answer to one crop.

    Attributes:
        path: As in the predictions.
        level: "class", "family", "sign" or "none".
        known: Chance that the class is in the catalogue, in [0, 1].
        family: The most probable family.
        family_confidence: Its probability.
        sign: Chance that there is a sign at all.
        classifier: Class code that the classifier alone answers.
        prototypes: Class code that the prototypes alone answer.
        neighbours: Codes of the nearest prototypes, nearest first.
        sources: What each is: "synthetic", "icon" or "real".
        cosines: Their cosines with the crop.
    """

    path: str
    level: str
    known: float
    family: str
    family_confidence: float
    sign: float
    classifier: str
    prototypes: str
    neighbours: tuple[str, ...]
    sources: tuple[str, ...]
    cosines: tuple[float, ...]


_TEXT, _NUMBER = pa.string(), pa.float32()
_SCHEMA = pa.schema(
    {
        "path": _TEXT,
        "level": _TEXT,
        "known": _NUMBER,
        "family": _TEXT,
        "family_confidence": _NUMBER,
        "sign": _NUMBER,
        "classifier": _TEXT,
        "prototypes": _TEXT,
        "neighbours": pa.list_(_TEXT),
        "sources": pa.list_(_TEXT),
        "cosines": pa.list_(_NUMBER),
    }
)


def write_answers(path: str | Path, answers: list[CropAnswer]) -> None:
    """Write a table with one row a crop, whole or not at all.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "answers.parquet"
        >>> one = CropAnswer("a.png", "class", 0.75, "red ring", 1.0, 1.0, "3.1", "3.1",
        ...                  ("3.1",), ("icon",), (0.5,))
        >>> write_answers(file, [one])
        >>> read_answers(file) == [one]
        True
    """
    columns = {name: [getattr(answer, name) for answer in answers] for name in _SCHEMA.names}
    with whole_file(path) as temporary:
        pq.write_table(pa.table(columns, schema=_SCHEMA), temporary, compression="zstd")


def read_answers(path: str | Path) -> list[CropAnswer]:
    """Read what `write_answers` wrote.

    Raises:
        InputError: The file is no such table.
    """
    try:
        rows = pq.read_table(path, schema=_SCHEMA).to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(
            f"{path}: not a table of answers ({type(error).__name__}: {error})",
            "write it again with `raresign evaluate`",
        ) from error
    answers = []
    for row in rows:
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}
        answers.append(CropAnswer(**fields))
    return answers
