"""The answers for one picture in words: its most probable classes, and how exactly to name it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from raresign.answers.recognition import Recognition
from raresign.language.spoken import _, later
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.spoken_signs import spoken_family, spoken_name

LEVEL_WORDS = {
    "class": later("class"),
    "family": later("unknown {family}"),
    "sign": later("unknown sign"),
    "none": later("no sign"),
}
"""Level of an answer, from exact to vague -> words."""

SURE = 0.9
"""A class that is named with less is worth a person's look."""


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

    @property
    def spoken(self) -> str:
        """The same in the language spoken, by the standard of the sign's country."""
        name = spoken_name(self.code, self.name)
        return self.code if name == self.code else f"{self.code} {name}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class FileAnswer:
    """The answers for one picture, best first, or why there are none.

    Args:
        path: The file; empty for a picture that came as bytes or pixels.
        answers: The most probable classes, as if the sign were in the catalogue.
        error: Why there are none; level, known and family are None then, whatever was given.
        level: What the crop can be called: "class", the first answer; "family", an unknown sign of
            this family; "sign", an unknown sign; "none", no sign.
        known: Chance in [0, 1] that the sign is in the catalogue.
        family: The most probable family, that is the one whose classes' probabilities add up to
            most.
        box: x0, y0, x1, y1 of the sign in its frame in pixels; None for a whole picture.

    Example:
        >>> stop = Answer("2.5", "Stop", 0.6, "red octagon")
        >>> FileAnswer("a.png", (stop,), family="red octagon").answer
        '2.5 Stop'
        >>> FileAnswer("a.png", (stop,), level="family", family="red octagon").answer
        'unknown red octagon'
        >>> FileAnswer("a.png", (), "the file is empty").level is None
        True
    """

    path: str
    answers: tuple[Answer, ...]
    error: str | None = None
    level: str | None = "class"
    known: float | None = 1.0
    family: str | None = ""
    box: tuple[float, float, float, float] | None = None

    def __post_init__(self) -> None:
        if self.error is not None:
            for name in ("level", "known", "family"):
                object.__setattr__(self, name, None)

    @property
    def answer(self) -> str | None:
        """The final answer in words; None for a file that cannot be read."""
        if self.level is None:
            return None
        if self.level != "class":
            return LEVEL_WORDS[self.level].format(family=self.family)
        return self.answers[0].title

    @property
    def spoken(self) -> str:
        """The final answer in the language spoken; "" for a file that cannot be read.

        Example:
            >>> from raresign.language.spoken import speaking
            >>> with speaking("ru"):
            ...     FileAnswer("a.png", (), level="family", family="red ring").spoken
            'неизвестный знак: красное кольцо'
        """
        if self.level is None:
            return ""
        if self.level != "class":
            return _(LEVEL_WORDS[self.level]).format(family=spoken_family(self.family or ""))
        return self.answers[0].spoken

    @property
    def named(self) -> Answer | None:
        """The class that the crop is called; None for an unknown sign, no sign or an error."""
        return self.answers[0] if self.level == "class" else None

    @property
    def check_me(self) -> bool:
        """Whether a person should look: not named, or with a probability below `SURE`."""
        return self.named is None or self.named.probability < SURE

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, `answer` among them."""
        return {**asdict(self), "answer": self.answer}


def file_answers(
    paths: list[str], said: Recognition, catalogue: SignCatalogue, top: int
) -> list[FileAnswer]:
    """The answers for N crops that were recognised.

    Args:
        paths: (N) where each came from, see `FileAnswer`.
        said: Of the N crops.
        catalogue: The classes, in the order of the probabilities.
        top: Most answers a crop; of equally probable classes the lower label comes first.
    """
    levels = said.level_names()
    best = np.argsort(-said.probabilities, axis=1, kind="stable")[:, :top].tolist()
    return [
        FileAnswer(
            path,
            tuple(
                Answer(sign.code, sign.title, float(said.probabilities[n, label]), sign.family)
                for label in best[n]
                for sign in [catalogue[label]]
            ),
            level=levels[n],
            known=float(said.known[n]),
            family=said.families[said.family[n]],
        )
        for n, path in enumerate(paths)
    ]
