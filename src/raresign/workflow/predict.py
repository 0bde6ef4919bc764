"""`raresign predict`: top answers for picture files; a broken file is a row with its error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from raresign.catalogue import SignCatalogue, sign_name
from raresign.datasets import from_files, squashed_chunks
from raresign.workflow.run_folder import RunFolder

_SAID = {"family": "unknown {}", "sign": "unknown sign", "none": "no sign"}


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

    @property
    def title(self) -> str:
        """Code and name: "2.5 Stop"."""
        return self.code if self.name == self.code else f"{self.code} {self.name}"


@dataclass(frozen=True)
class FileAnswer:
    """The answers for one file, best first, or why there are none.

    Args:
        path: The file.
        answers: The most probable classes, as if the sign were in the catalogue.
        error: Why there are none.
        level: What the crop can be called: "class", the first answer; "family", an unknown sign of
            this family; "sign", an unknown sign; "none", no sign.
        known: Chance in [0, 1] that the sign is in the catalogue.
        family: The most probable family, that is the one whose classes' probabilities add up to
            most.

    Example:
        >>> stop = Answer("2.5", "Stop", 0.6, "red octagon")
        >>> FileAnswer("a.png", (stop,), family="red octagon").answer
        '2.5 Stop'
        >>> FileAnswer("a.png", (stop,), level="family", family="red octagon").answer
        'unknown red octagon'
    """

    path: str
    answers: tuple[Answer, ...]
    error: str | None = None
    level: str = "class"
    known: float = 1.0
    family: str = ""

    @property
    def answer(self) -> str | None:
        """The final answer in words; None for a file that cannot be read."""
        if self.error is not None:
            return None
        if self.level != "class":
            return _SAID[self.level].format(self.family)
        return self.answers[0].title

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, `answer` among them."""
        return {**asdict(self), "answer": self.answer}


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
    recogniser, catalogue = folder.recogniser(), folder.catalogue()
    table = from_files(files)
    start = 0
    for chunk in squashed_chunks(table, recogniser.net.crop_size):
        answers: dict[int, FileAnswer] = {
            row: FileAnswer(str(table.paths[row]), (), reason) for row, reason in chunk.refused
        }
        if len(chunk.rows):
            said = recogniser.recognise(chunk.crops)
            levels = said.level_names()
            for number, row in enumerate(chunk.rows):
                answers[row] = FileAnswer(
                    str(table.paths[row]),
                    _best(said.probabilities[number], catalogue, top),
                    level=levels[number],
                    known=float(said.known[number]),
                    family=said.families[said.family[number]],
                )
        yield from (answers[row] for row in range(start, start + chunk.count))
        start += chunk.count


def _best(scores: np.ndarray, catalogue: SignCatalogue, top: int) -> tuple[Answer, ...]:
    best = np.argsort(-scores, kind="stable")[:top]
    return tuple(
        Answer(sign.code, sign_name(sign.code), float(scores[label]), sign.family)
        for label, sign in ((label, catalogue[label]) for label in best.tolist())
    )
