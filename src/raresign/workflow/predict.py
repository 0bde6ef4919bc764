"""`raresign predict`: top answers for picture files; a broken file is a row with its error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from raresign.catalogue import SignCatalogue, sign_name
from raresign.datasets import from_files, squashed_chunks
from raresign.models import SignNet
from raresign.workflow.inference import predict_logits
from raresign.workflow.run_folder import RunFolder


@dataclass(frozen=True)
class Answer:
    """One possible class of a crop.

    Args:
        code: Class code.
        name: Readable name; the code where the catalogue has no other.
        probability: Softmax probability in [0, 1].
        family: Shape and colour.
    """

    code: str
    name: str
    probability: float
    family: str


@dataclass(frozen=True)
class FileAnswer:
    """The answers for one file, best first, or why there are none."""

    path: str
    answers: tuple[Answer, ...]
    error: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def predict(run: str | Path, files: Sequence[str | Path], top: int = 5) -> Iterator[FileAnswer]:
    """Answer files and folders of crops one by one, in the order given.

    Args:
        run: The run folder.
        files: Pictures, or folders that are searched for pictures. A file that does not exist is a
            row with its error, as a broken one is.
        top: Answers a file.

    Raises:
        InputError: No trained model, nothing given, or only folders without pictures.
    """
    folder = RunFolder.open(run)
    net, catalogue = folder.model(), folder.catalogue()
    table = from_files(files)
    start = 0
    for chunk in squashed_chunks(table, net.crop_size):
        answers: dict[int, FileAnswer] = {
            row: FileAnswer(str(table.paths[row]), (), reason) for row, reason in chunk.refused
        }
        for row, scores in zip(chunk.rows, _probabilities(net, chunk.crops), strict=True):
            answers[row] = FileAnswer(str(table.paths[row]), _best(scores, catalogue, top))
        yield from (answers[row] for row in range(start, start + chunk.count))
        start += chunk.count


def _probabilities(net: SignNet, crops: np.ndarray) -> np.ndarray:
    """(N, C) softmax of the crops' logits."""
    if not len(crops):
        return np.empty((0, 0), np.float32)
    logits = predict_logits(net, crops)
    scores = np.exp(logits - logits.max(1, keepdims=True))
    probabilities: np.ndarray = scores / scores.sum(1, keepdims=True)
    return probabilities


def _best(scores: np.ndarray, catalogue: SignCatalogue, top: int) -> tuple[Answer, ...]:
    best = np.argsort(-scores, kind="stable")[:top]
    return tuple(
        Answer(sign.code, sign_name(sign.code), float(scores[label]), sign.family)
        for label, sign in ((label, catalogue[label]) for label in best.tolist())
    )
