"""One physical sign that was seen several times gets one answer: the evidence is joined."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from raresign.answers.answer import Answer, FileAnswer
from raresign.answers.unknown_rule import LEVELS
from raresign.commands.maps.positions import Position, Positions

RADIUS = 20.0
"""Metres within which two frames show the same sign, where no track says so."""
POWER = 0.5
"""See `Evidence.joined`; `python tools/tracks.py` measures it (docs/maps.md)."""
_LEAST = 1e-6


@dataclass(frozen=True)
class SeenSign:
    """A sign, as it was seen once or several times.

    Attributes:
        answer: One, or that of all crops together; its path and box are those of the nearest crop.
        position: Of that frame; None if it is not known.
        first, last: When it was seen first and last, ISO 8601; None if that is not known.
        crops: How many crops it has.
    """

    answer: FileAnswer
    position: Position | None = None
    first: str | None = None
    last: str | None = None
    crops: int = 1


@dataclass
class Evidence:
    """What several crops of one sign say together.

    The score of a class is the mean of its log probabilities, times the root of the number of
    crops: frames of one sign say less than as many signs do, and more than one. A class that is not
    among a crop's guesses counts as its last guess, or as what is left, whichever is less.

    Example:
        >>> def one(*shares):
        ...     pairs = zip("ab", shares)
        ...     return FileAnswer("", tuple(Answer(c, c, p, "ring") for c, p in pairs))
        >>> both = Evidence()
        >>> both.add(one(0.6, 0.4)), both.add(one(0.7, 0.3))
        (True, True)
        >>> round(both.joined().answers[0].probability, 2)
        0.71
    """

    crops: int = 0
    _floor: float = 0.0
    _above: dict[str, float] = field(default_factory=dict)
    _classes: dict[str, Answer] = field(default_factory=dict)
    _levels: Counter[str] = field(default_factory=Counter)
    _families: Counter[str] = field(default_factory=Counter)
    _known: float = 0.0
    _best: tuple[float, FileAnswer] | None = None

    def add(self, answer: FileAnswer) -> bool:
        """One more crop, which has no error; whether it is the nearest one so far."""
        self.crops += 1
        shares = [one.probability for one in answer.answers]
        left = max(1 - sum(shares), _LEAST)
        floor = math.log(max(min([*shares, left]), _LEAST))
        self._floor += floor
        for one in answer.answers:
            above = math.log(max(one.probability, _LEAST)) - floor
            self._above[one.code] = self._above.get(one.code, 0.0) + above
            self._classes.setdefault(one.code, one)
        self._levels[answer.level or "none"] += 1
        self._families[answer.family or ""] += 1
        self._known += answer.known or 0.0
        x0, y0, x1, y1 = answer.box or (0.0, 0.0, 0.0, 0.0)
        area = (x1 - x0) * (y1 - y0)
        nearest = self._best is None or area >= self._best[0]
        if nearest:
            self._best = area, answer
        return nearest

    def joined(self, top: int = 5, power: float = POWER) -> FileAnswer:
        """The answer of all crops; the level is the one that most have, of equal ones the vaguer.

        Args:
            top: Answers that are kept.
            power: The mean of the log probabilities is multiplied by crops ** power: 0 leaves the
                mean, 1 makes it the sum, as if crops of one sign were independent.

        Raises:
            ValueError: There is no crop.
        """
        if self._best is None:
            raise ValueError("no crop was added")
        answer = self._best[1]
        if self.crops == 1:
            return answer
        codes = list(self._above)
        score = (np.array([self._above[code] for code in codes]) + self._floor) / self.crops
        shares = np.exp(self.crops**power * (score - score.max(initial=-np.inf)))
        shares /= shares.sum()
        order = np.argsort(-shares, kind="stable")[:top].tolist()
        guesses = tuple(
            replace(self._classes[codes[n]], probability=float(shares[n])) for n in order
        )
        return replace(
            answer,
            answers=guesses,
            level=max(self._levels, key=lambda name: (self._levels[name], LEVELS.index(name))),
            known=self._known / self.crops,
            family=max(self._families, key=lambda name: self._families[name]),
        )


@dataclass
class _Group:
    evidence: Evidence
    position: Position | None = None
    times: list[str] = field(default_factory=list)

    def add(self, answer: FileAnswer, position: Position | None) -> None:
        if self.evidence.add(answer) and position is not None:
            self.position = position
        if position is not None and position.time is not None:
            self.times = [min([*self.times, position.time]), max([*self.times, position.time])]

    def seen(self) -> SeenSign:
        first, last = self.times or (None, None)
        return SeenSign(self.evidence.joined(), self.position, first, last, self.evidence.crops)


def seen_signs(answers: Iterable[FileAnswer], positions: Positions) -> Iterator[SeenSign]:
    """Each answer as a sign of its own; errors are left out."""
    for answer in answers:
        if answer.error is None:
            position = positions.of(answer.path)
            time = position.time if position else None
            yield SeenSign(answer, position, time, time)


def joined_signs(
    answers: Iterable[FileAnswer], positions: Positions, radius: float = RADIUS
) -> list[SeenSign]:
    """One answer a physical sign: crops of one track; without tracks, of one code near one place.

    A crop with neither a track nor a position is a sign of its own. Signs are held, crops are not.

    Args:
        answers: In the order of the frames; errors are left out.
        positions: Of the frames.
        radius: Metres from the place where a sign was seen first.
    """
    groups: list[_Group] = []
    tracks: dict[str, _Group] = {}
    cells: dict[tuple[str, int, int], list[tuple[Position, _Group]]] = {}
    for answer in answers:
        if answer.error is not None:
            continue
        position = positions.of(answer.path)
        group: _Group | None = None
        key = answer.code or f"{answer.level} {answer.family}"
        if answer.track is not None:
            group = tracks.get(answer.track)
        elif position is not None:
            near = (
                one
                for cell in _cells_around(key, position, radius)
                for one in cells.get(cell, ())
                if one[0].metres_to(position) <= radius
            )
            group = next(near, (None, None))[1]
        if group is None:
            group = _Group(Evidence())
            groups.append(group)
            if answer.track is not None:
                tracks[answer.track] = group
            elif position is not None:
                cells.setdefault(_cell(key, position, radius), []).append((position, group))
        group.add(answer, position)
    return [group.seen() for group in groups]


def _cell(key: str, position: Position, radius: float) -> tuple[str, int, int]:
    """The square of at least `radius` metres in which a position lies."""
    side = max(radius, 1.0) / 111_000
    row = math.floor(position.lat / side)
    wide = side / max(math.cos(math.radians((abs(row) + 2) * side)), 0.01)
    return key, row, math.floor(position.lon / wide)


def _cells_around(key: str, position: Position, radius: float) -> Iterator[tuple[str, int, int]]:
    side = max(radius, 1.0) / 111_000
    for up in (0, -1, 1):
        place = replace(position, lat=position.lat + up * side)
        _key, row, column = _cell(key, place, radius)
        for right in (0, -1, 1):
            yield key, row, column + right
