"""What is said of crops, in arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raresign.answers.unknown_rule import LEVELS


@dataclass(frozen=True)
class Recognition:
    """What is said of N crops.

    Attributes:
        probabilities: (N, C) float32, each row sums to 1; as if every crop showed a known sign.
        logits: (N, C) float32 of the classifier alone.
        cosines: (N, C) of crop and class mean, in [-1, 1].
        embedding: (N, E) float32.
        levels: (N,) int8, position in `LEVELS`: class, family, sign, none.
        known: (N,) chance that the class is in the catalogue; 1 without a rule.
        families: Names of the families.
        family: (N,) int64, the most probable one.
        family_confidence: (N,) its probability.
        sign: (N,) chance that there is a sign at all; 1 without a rule.
        allowed: (C,) bool, the classes that may be answered; None if all may.
        unrestricted: (N, C) probabilities among all classes; None if all may be answered.
    """

    probabilities: np.ndarray
    logits: np.ndarray
    cosines: np.ndarray
    embedding: np.ndarray
    levels: np.ndarray
    known: np.ndarray
    families: tuple[str, ...]
    family: np.ndarray
    family_confidence: np.ndarray
    sign: np.ndarray
    allowed: np.ndarray | None = None
    unrestricted: np.ndarray | None = None

    def level_names(self) -> list[str]:
        """(N) "class", "family", "sign" or "none"."""
        return [LEVELS[number] for number in self.levels.tolist()]
