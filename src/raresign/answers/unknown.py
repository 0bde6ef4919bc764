"""Knowing what is unknown: a crop is answered by its class, its family, as a sign, or as none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raresign.answers.known_score import FEATURES, Floats, KnownScore, finite_table
from raresign.errors import InputError

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
    table = finite_table(probabilities, "probabilities")
    if len(families) != table.shape[1]:
        raise InputError(f"{len(families)} families, {table.shape[1]} classes", "name one a class")
    names = tuple(dict.fromkeys(families))
    member = np.array(families)[:, None] == np.array(names)[None, :]
    return table @ member.astype(np.float64), names


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
        if one.ndim != 1 or not one.shape == two.shape == three.shape:
            raise InputError(
                f"known {one.shape}, family {two.shape}, sign {three.shape}", "give (N,) each"
            )
        level = np.where(two >= self.family_threshold, 1, 2)
        level = np.where(one >= self.class_threshold, 0, level)
        return np.where(three >= self.sign_threshold, level, 3).astype(np.int8)


@dataclass(frozen=True)
class UnknownRule:
    """All that a run needs to say "unknown"; `accepted_error` in [0, 1] set the class threshold.

    Example:
        >>> score = KnownScore((0.0,) * 5, (1.0,) * 5, (1.0,) * 5, 0.0)
        >>> rule = UnknownRule(score, Levels(0.9, 0.8, 0.5), accepted_error=0.01)
        >>> UnknownRule.from_dict(rule.as_dict()) == rule
        True
    """

    score: KnownScore
    levels: Levels
    accepted_error: float

    def as_dict(self) -> dict[str, Any]:
        """Lists and numbers only, ready for JSON."""
        plain = asdict(self)
        plain["score"] = {
            k: list(v) if isinstance(v, tuple) else v for k, v in plain["score"].items()
        }
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> UnknownRule:
        """What `as_dict` gave, checked; InputError where a number is missing, wrong or infinite."""
        try:
            score, levels = plain["score"], plain["levels"]
            rows = [tuple(float(v) for v in score[k]) for k in ("mean", "scale", "coefficients")]
            intercept, accepted = float(score["intercept"]), float(plain["accepted_error"])
            names = ("class_threshold", "family_threshold", "sign_threshold")
            limits = [float(levels[name]) for name in names]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"no rule for unknown signs: {error!r}", "save the run again"
            ) from error
        numbers = [*rows[0], *rows[1], *rows[2], intercept, accepted, *limits]
        sizes = [len(row) for row in rows]
        if sizes != [len(FEATURES)] * 3 or not all(map(math.isfinite, numbers)):
            raise InputError(
                f"a rule for unknown signs with numbers {numbers}", "save the run again"
            )
        if min(rows[1]) <= 0 or not 0 <= accepted <= 1:
            raise InputError(f"scale {rows[1]}, accepted error {accepted}", "save the run again")
        return cls(KnownScore(rows[0], rows[1], rows[2], intercept), Levels(*limits), accepted)
