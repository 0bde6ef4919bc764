"""Who plays unknown, and thresholds that keep the share of wrong answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax

from raresign.answers.known_score import FEATURES, Floats, finite_table, known_features
from raresign.errors import InputError


def mask_class(logits: ArrayLike, cosines: ArrayLike, label: int) -> tuple[Floats, Floats]:
    """(N, C) logits and cosines as a model that never knew class `label` has them: (N, C - 1).

    Labels above `label` move down by one. A softmax over the rest is exact: the other logits do
    not depend on the removed one (only the trained features do, which makes it a little easy).

    Example:
        >>> mask_class([[1.0, 2.0, 3.0]], [[0.1, 0.2, 0.3]], 1)[0].tolist()
        [[1.0, 3.0]]
    """
    scores, cosine = finite_table(logits, "logits"), finite_table(cosines, "cosines")
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
    raw, cosine = finite_table(logits, "logits"), finite_table(cosines, "cosines")
    truth = np.asarray(labels)
    fused = raw if scores is None else finite_table(scores, "scores")
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
        p = softmax(calibrated, axis=1)
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
