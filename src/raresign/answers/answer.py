"""The answers for one picture in words: its most probable classes, and how exactly to name it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
        return dict(vars(self))


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
        excluded: The class that the crop looks like most, where an allow-list leaves it out; its
            probability is that among all classes.
        id: What a file of detections calls this one.
        track: The physical sign that it belongs to, as that file says.
        detected: The detector's confidence in [0, 1].

    Example:
        >>> stop = Answer("2.5", "Stop", 0.6, "red octagon")
        >>> FileAnswer("a.png", (stop,), family="red octagon").answer
        '2.5 Stop'
        >>> FileAnswer("a.png", (stop,), level="family", family="red octagon").answer
        'unknown red octagon'
        >>> FileAnswer("a.png", (), "the file is empty").level is None
        True
        >>> one = FileAnswer("a.png", (stop,), family="red octagon")
        >>> one.code, one.name, one.probability, one.source
        ('2.5', 'Stop', 0.6, 'a.png')
        >>> FileAnswer.from_dict(one.as_dict()) == one
        True
    """

    path: str
    answers: tuple[Answer, ...]
    error: str | None = None
    level: str | None = "class"
    known: float | None = 1.0
    family: str | None = ""
    box: tuple[float, float, float, float] | None = None
    excluded: Answer | None = None
    id: str | None = None
    track: str | None = None
    detected: float | None = None

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

    @property
    def code(self) -> str | None:
        """Code of the class that the crop is called; None where it is called none."""
        return self.named.code if self.named else None

    @property
    def name(self) -> str | None:
        """Name of that class."""
        return self.named.name if self.named else None

    @property
    def probability(self) -> float | None:
        """Probability of that class, in [0, 1]."""
        return self.named.probability if self.named else None

    @property
    def top(self) -> tuple[Answer, ...]:
        """The most probable classes, best first: `answers`."""
        return self.answers

    @property
    def source(self) -> str:
        """Where the picture came from: `path`."""
        return self.path

    @property
    def reason(self) -> str | None:
        """Why the crop is not called a class; None where it is.

        Example:
            >>> stop = Answer("2.5", "Stop", 0.6, "red octagon")
            >>> FileAnswer("a.png", (stop,), level="family", known=0.2).reason
            'most like 2.5 Stop (60 %), but known with 20 %'
        """
        if self.error is not None or self.level == "class":
            return self.error
        if self.level == "none":
            return "it looks like no sign"
        first = self.answers[0] if self.answers else None
        sure = 100 * first.probability if first else 0
        like = f"most like {first.title} ({sure:.0f} %), but " if first else ""
        reason = f"{like}known with {100 * (self.known or 0):.0f} %"
        if self.excluded is not None:
            reason += f"; it looks like {self.excluded.title}, which is not allowed"
        return reason

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `answer`, `code`, `name`, `probability`, `reason` among them."""
        plain: dict[str, Any] = dict(vars(self))
        plain["answers"] = tuple(one.as_dict() for one in self.answers)
        plain["excluded"] = self.excluded and self.excluded.as_dict()
        more = ("answer", "code", "name", "probability", "reason")
        return plain | {name: getattr(self, name) for name in more}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> FileAnswer:
        """The answer whose `as_dict` this is.

        Raises:
            KeyError, TypeError, ValueError: A value is missing or wrong.
        """
        error = plain["error"]
        level, known, family = plain["level"], plain["known"], plain["family"]
        if error is None and level not in LEVEL_WORDS:
            raise ValueError(f"level {level!r} is none of {', '.join(LEVEL_WORDS)}")
        box, excluded = plain.get("box"), plain.get("excluded")
        x0, y0, x1, y1 = map(float, box) if box else (0.0,) * 4
        name, track, detected = (plain.get(key) for key in ("id", "track", "detected"))
        found = cls(
            str(plain["path"]),
            tuple(_answer_of(one) for one in plain["answers"]),
            None if error is None else str(error),
            level,
            None if known is None else float(known),
            None if family is None else str(family),
            (x0, y0, x1, y1) if box else None,
            _answer_of(excluded) if excluded else None,
            None if name is None else str(name),
            None if track is None else str(track),
            None if detected is None else float(detected),
        )
        if found.level == "class" and not found.answers:
            raise ValueError("level class and no answers")
        return found


def _answer_of(plain: Mapping[str, Any]) -> Answer:
    probability = float(plain["probability"])
    if not -1e-6 <= probability <= 1 + 1e-6:
        raise ValueError(f"a probability of {probability}")
    return Answer(str(plain["code"]), str(plain["name"]), probability, str(plain["family"]))


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
    shown = top if said.allowed is None else min(top, int(said.allowed.sum()))
    order = said.probabilities
    if said.allowed is not None:  # a class that is left out never ties with one that is not
        order = np.where(said.allowed, order, -1)
    best = np.argsort(-order, axis=1, kind="stable")[:, :shown].tolist()

    def answer(label: int, probability: np.floating) -> Answer:
        sign = catalogue[label]
        return Answer(sign.code, sign.title, float(probability), sign.family)

    def excluded(n: int) -> Answer | None:
        if said.unrestricted is None or said.allowed is None:
            return None
        first = int(said.unrestricted[n].argmax())
        return None if said.allowed[first] else answer(first, said.unrestricted[n, first])

    return [
        FileAnswer(
            path,
            tuple(answer(label, said.probabilities[n, label]) for label in best[n]),
            level=levels[n],
            known=float(said.known[n]),
            family=said.families[said.family[n]],
            excluded=excluded(n),
        )
        for n, path in enumerate(paths)
    ]
