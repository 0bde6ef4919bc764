"""Knowing what is unknown: a crop is answered by its class, its family, as a sign, or as none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raresign.answers.known_score import FEATURES, Floats, KnownScore

LEVELS = ("class", "family", "sign", "none")
"""How exactly a crop is answered, by level number 0..3."""

SURE_DIGITS = 5
"""Of a family's probability: beyond them a sum of float32 shares is rounding."""


def family_probabilities(
    probabilities: ArrayLike, families: Sequence[str]
) -> tuple[Floats, tuple[str, ...]]:
    """(N, F) sums of (N, C) probabilities over each family, and the F names as they first come.

    Example:
        >>> family_probabilities([[0.5, 0.25, 0.25]], ["ring", "disc", "ring"])
        (array([[0.75, 0.25]]), ('ring', 'disc'))
    """
    names = tuple(dict.fromkeys(families))
    member = np.array(families)[:, None] == np.array(names)[None, :]
    return np.asarray(probabilities, np.float64) @ member.astype(np.float64), names


@dataclass(frozen=True)
class Levels:
    """From which score on a crop is answered by its class, its family, or as a sign at all.

    Example:
        >>> levels = Levels(class_threshold=0.9, family_threshold=0.8, sign_threshold=0.5)
        >>> numbers = levels.answer([0.95, 0.1, 0.1, 0.95], [0.9, 0.9, 0.2, 0.9], [1, 1, 1, 0.2])
        >>> [LEVELS[number] for number in numbers]
        ['class', 'family', 'sign', 'none']
    """

    class_threshold: float
    family_threshold: float
    sign_threshold: float

    def answer(
        self, known: ArrayLike, family_confidence: ArrayLike, sign: ArrayLike
    ) -> NDArray[np.int8]:
        """(N,) int8 numbers into `LEVELS` from (N,) scores each; a NaN passes no threshold."""
        # float64, or NumPy would round the threshold to the scores' float32 and let the best in.
        one, two, three = (np.asarray(s, np.float64) for s in (known, family_confidence, sign))
        level = np.where(two >= self.family_threshold, 1, 2)
        level = np.where(one >= self.class_threshold, 0, level)
        return np.where(three >= self.sign_threshold, level, 3).astype(np.int8)


@dataclass(frozen=True)
class UnknownRule:
    """All that a run needs to say "unknown"; `accepted_error` in [0, 1] set the class threshold."""

    score: KnownScore
    levels: Levels
    accepted_error: float

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> UnknownRule:
        """The rule whose `dataclasses.asdict` this is, from JSON.

        Raises:
            KeyError, TypeError, ValueError: A number is missing, wrong or not finite.
        """
        score, levels = plain["score"], plain["levels"]
        rows = [tuple(map(float, score[k])) for k in ("mean", "scale", "coefficients")]
        intercept, accepted = float(score["intercept"]), float(plain["accepted_error"])
        limits = [float(levels[f"{name}_threshold"]) for name in ("class", "family", "sign")]
        numbers = [*rows[0], *rows[1], *rows[2], intercept, accepted, *limits]
        sizes = [len(row) for row in rows]
        if (
            sizes != [len(FEATURES)] * 3
            or not all(map(math.isfinite, numbers))
            or min(rows[1]) <= 0
            or not 0 <= accepted <= 1
        ):
            raise ValueError(f"a rule for unknown signs with wrong numbers {numbers}")
        return cls(KnownScore(rows[0], rows[1], rows[2], intercept), Levels(*limits), accepted)
