"""Knowing what is unknown: a crop is answered by its class, its family, as a sign, or as none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raresign.errors import InputError
from raresign.recognition.known_score import (
    FEATURES,
    Floats,
    KnownScore,
    _table,
    energy,
    known_features,
)

LEVELS = ("class", "family", "sign", "none")
"""How exactly a crop is answered, by level number 0..3."""


def mask_class(logits: ArrayLike, cosines: ArrayLike, label: int) -> tuple[Floats, Floats]:
    """(N, C) logits and cosines as a model that never knew class `label` has them: (N, C - 1).

    Labels above `label` move down by one. A softmax over the rest is exact: the other logits do
    not depend on the removed one (only the trained features do, which makes it a little easy).

    Example:
        >>> mask_class([[1.0, 2.0, 3.0]], [[0.1, 0.2, 0.3]], 1)[0].tolist()
        [[1.0, 3.0]]
    """
    scores, cosine = _table(logits, "logits"), _table(cosines, "cosines")
    if scores.shape != cosine.shape or not 0 <= label < scores.shape[1]:
        raise InputError(
            f"label {label}, logits {scores.shape}, cosines {cosine.shape}",
            "give two (N, C) tables and a label in 0..C-1",
        )
    return np.delete(scores, label, axis=1), np.delete(cosine, label, axis=1)


@dataclass(frozen=True)
class Played:
    """Crops that play unknown: their `rows` (K,) ascending, `features` (K, 5) and `probabilities`.

    The probabilities are (K, C), 0 at the crop's own class, so that families still add up.
    """

    rows: NDArray[np.int64]
    features: Floats
    probabilities: Floats


def play_unknown(
    logits: ArrayLike,
    cosines: ArrayLike,
    labels: ArrayLike,
    chosen_labels: ArrayLike,
    scores: ArrayLike | None = None,
) -> Played:
    """Crops of the chosen classes, each scored as if its own class had never been known.

    Args:
        logits: (N, C) of the classifier, C at least 3; held-out crops, not those trained on.
        cosines: (N, C) best prototype cosine of each class.
        labels: (N,) true labels.
        chosen_labels: (P,) classes that play unknown, in 0..C-1.
        scores: (N, C) whose softmax are the calibrated probabilities; default the logits.

    Raises:
        InputError: Shapes that do not belong together, labels out of range.

    Example:
        >>> played = play_unknown(np.zeros((2, 3)), np.zeros((2, 3)), [0, 2], [2])
        >>> played.rows.tolist(), played.probabilities.tolist()
        ([1], [[0.5, 0.5, 0.0]])
    """
    raw, cosine, truth = _table(logits, "logits"), _table(cosines, "cosines"), np.asarray(labels)
    fused = raw if scores is None else _table(scores, "scores")
    if truth.shape != raw.shape[:1] or fused.shape != raw.shape:
        raise InputError(
            f"logits {raw.shape}, labels {truth.shape}, scores {fused.shape}",
            "give (N, C) logits and scores, (N,) labels",
        )
    chosen = np.unique(np.asarray(chosen_labels, dtype=np.int64))
    features = np.zeros((len(raw), len(FEATURES)))
    probabilities = np.zeros_like(raw)
    for label in chosen.tolist():
        own = np.flatnonzero(truth == label)
        rest, near = mask_class(raw[own], cosine[own], label)
        calibrated = mask_class(fused[own], cosine[own], label)[0]
        p = np.exp(calibrated - energy(calibrated)[:, None])
        features[own] = known_features(p, near, rest)
        probabilities[own] = np.insert(p, label, 0.0, axis=1)
    rows = np.flatnonzero(np.isin(truth, chosen))
    return Played(rows, features[rows], probabilities[rows])


def threshold_for_error(
    score: ArrayLike, correct: ArrayLike, accepted_error: float, weights: ArrayLike | None = None
) -> float:
    """The lowest threshold at which at most `accepted_error` of the answers are wrong.

    A crop is answered where score >= threshold. A larger `accepted_error` never gives a higher
    threshold. It holds on these crops; on new ones the error varies (R. Geifman, R. El-Yaniv,
    "Selective classification for deep neural networks", NIPS 2017, bound how far).

    Args:
        score: (N,) higher means surer.
        correct: (N,) bool; a wrong class and an unknown crop are both wrong.
        accepted_error: Share of wrong answers among all answers, in [0, 1].
        weights: (N,) how much each crop counts, at least 0; those with 0 are left out.

    Returns:
        One of the scores; just above the highest (in float64) where no threshold will do.

    Raises:
        InputError: Shapes that differ, no crops, numbers that are not finite or out of range.

    Example:
        >>> threshold_for_error([0.9, 0.8, 0.7, 0.6], [True, True, False, True], 0.25)
        0.6
        >>> threshold_for_error([0.9, 0.8, 0.7, 0.6], [True, True, False, True], 0.2)
        0.8
    """
    value, right = np.asarray(score, dtype=np.float64), np.asarray(correct, dtype=bool)
    weight = np.ones(value.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    if value.ndim != 1 or not value.shape == right.shape == weight.shape:
        raise InputError(
            f"score {value.shape}, correct {right.shape}, weights {weight.shape}", "give (N,) each"
        )
    if not (np.isfinite(value).all() and np.isfinite(weight).all() and (weight >= 0).all()):
        raise InputError("a score or a weight is not finite or below 0", "check the model's output")
    if not 0 <= accepted_error <= 1:
        raise InputError(f"the accepted error is {accepted_error}", "use a share in [0, 1]")
    counts = weight > 0
    if not counts.any():
        raise InputError(f"{value.size} crops, none with a weight above 0", "give some crops")
    order = np.argsort(-value[counts], kind="stable")
    value, right, weight = value[counts][order], right[counts][order], weight[counts][order]
    error = np.cumsum(weight * ~right) / np.cumsum(weight)
    last = np.append(value[1:] != value[:-1], True)  # equal scores are answered together
    fits = np.flatnonzero(last & (error <= accepted_error))
    return float(value[fits[-1]] if fits.size else np.nextafter(value[0], np.inf))


def family_probabilities(
    probabilities: ArrayLike, families: Sequence[str]
) -> tuple[Floats, tuple[str, ...]]:
    """(N, F) sums of (N, C) probabilities over each family, and the F names as they first come.

    Example:
        >>> family_probabilities([[0.5, 0.25, 0.25]], ["ring", "disc", "ring"])
        (array([[0.75, 0.25]]), ('ring', 'disc'))
    """
    table = _table(probabilities, "probabilities")
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
