"""Which classes may be answered, and from which probability on a crop is named."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from raresign.answers.unknown_rule import Levels, UnknownRule
from raresign.errors import InputError


@dataclass(frozen=True, eq=False)
class AnswerPolicy:
    """What a user asked of the answers; the default asks for nothing.

    Attributes:
        accept: Name a crop where its class has this probability, and only there; None leaves it to
            the rule.
        least: Name a crop only where its class has this probability as well; one, or (C,).
        allowed: (C,) bool, classes that may be answered; None allows all.

    Raises:
        InputError: A probability outside of [0, 1], or no class is allowed.
    """

    accept: float | None = None
    least: float | np.ndarray = 0.0
    allowed: np.ndarray | None = None

    def __post_init__(self) -> None:
        given = np.append(np.ravel(self.least), [] if self.accept is None else self.accept)
        wrong = given[~((given >= 0) & (given <= 1))]
        if wrong.size:
            raise InputError(f"a probability of {wrong[0]:g}", "give one from 0 to 1, like 0.9")
        if self.allowed is not None and not self.allowed.any():
            raise InputError("no class is allowed", "allow at least one")

    def levels(
        self,
        rule: UnknownRule | None,
        shares: np.ndarray,
        known: np.ndarray,
        confidence: np.ndarray,
        sign: np.ndarray,
    ) -> np.ndarray:
        """(N,) int8 levels of answers, 0 the class.

        Args:
            rule: Of the head.
            shares: (N, C) probabilities.
            known, confidence, sign: (N,) see `Levels.answer`.
        """
        best = shares.max(1)
        if self.accept is not None:
            levels = self._limits(rule, self.accept).answer(best, confidence, sign)
        elif rule is not None:
            levels = rule.levels.answer(known, confidence, sign)
        else:
            levels = np.zeros(len(shares), np.int8)
        if np.any(self.least):
            least = np.broadcast_to(self.least, shares.shape[1])[shares.argmax(1)]
            doubtful = (levels == 0) & (best < least)
            lower = replace(self._limits(rule, 1.0), class_threshold=math.inf)
            levels[doubtful] = lower.answer(known, confidence, sign)[doubtful]
        return levels

    @staticmethod
    def _limits(rule: UnknownRule | None, accept: float) -> Levels:
        """The thresholds of `accept`; without a rule there are none for families."""
        if accept == 0:
            return Levels(0.0, 0.0, -math.inf)
        levels = rule.levels if rule else Levels(accept, math.inf, -math.inf)
        return replace(levels, class_threshold=accept)
