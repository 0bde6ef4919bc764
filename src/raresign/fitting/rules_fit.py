"""Fits the rules of a recogniser on held-out crops: fusion, and when to say "unknown"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raresign.answers.fusion import Fusion
from raresign.answers.known_score import known_features
from raresign.answers.unknown_rule import SURE_DIGITS, Levels, UnknownRule, family_probabilities
from raresign.fitting.fusion_fit import PARTS, balanced_weights, fit_fusion
from raresign.fitting.known_score_fit import fit_known_score
from raresign.fitting.thresholds import threshold_for_error, threshold_for_loss

_BIAS_RIDGE = 0.05
"""Holds back the bias of rare classes, which a few classes that play rare teach: nearly free, it
cost German rare signs 1.5 points (docs/measurements.md)."""
UNKNOWN_SHARE = 0.1
"""Share of unknown signs among the crops that a threshold is set for."""
LOST = 0.1
"""Share of the known crops whose class is right that may go without its name."""
LOST_SYNTHETIC = 0.03
"""The same of synthetic crops, where no real ones are: of these about twice as many are lost."""


@dataclass(frozen=True)
class HeldOut:
    """Crops that did not train, with what both parts say of them.

    Attributes:
        logits: (N, C) float32.
        cosines: (N, C) float32.
        labels: (N,) int64.
        plays_rare: (N,) bool, crops of classes without real training crops.
        rare: (C,) bool, those classes and the truly rare ones.
    """

    logits: np.ndarray
    cosines: np.ndarray
    labels: np.ndarray
    plays_rare: np.ndarray
    rare: np.ndarray


@dataclass(frozen=True)
class UnknownCrops:
    """Crops of unknown signs, or of known ones scored as if their class were unknown.

    Attributes:
        features: (U, 5) of `known_features`.
        probabilities: (U, C).
        families: (U) names of their own families.
    """

    features: np.ndarray
    probabilities: np.ndarray
    families: tuple[str, ...]


def calibrate_fusion(held: HeldOut, parts: Sequence[str] = PARTS) -> Fusion:
    """The rule that joins classifier and prototypes; crops of both kinds count half each."""
    weights = balanced_weights(held.labels, held.plays_rare)
    scores = held.logits, held.cosines
    return fit_fusion(*scores, held.labels, held.rare, weights, parts, _BIAS_RIDGE)


def calibrate_unknown(
    held: HeldOut,
    fusion: Fusion,
    families: Sequence[str],
    sign: np.ndarray,
    unknown: UnknownCrops,
    accepted_error: float = 0.05,
    lost: float = LOST,
) -> UnknownRule:
    """When to answer with a class, a family, "sign" or nothing.

    The class threshold is the lowest at which at most `accepted_error` of the crops answered with a
    class are wrong, unknown signs being `UNKNOWN_SHARE` of all crops and frequent and rare ones
    half of the rest each; the family threshold the same among the others. Usefulness comes first,
    though: where the class is right for at least half of the known crops, at most `lost` of these
    go without its name, whatever the error. Of real signs at most a tenth of `accepted_error` may
    be called no sign. Few crops lose fewer of themselves, see `threshold_for_loss`.

    Args:
        held: Held-out crops.
        fusion: Fitted on them.
        families: (C,) family of each class.
        sign: (N,) chance of a sign, see `Head.sign_score`.
        unknown: From `unknown_crops`.
        accepted_error: In (0, 1).
        lost: In (0, 1).
    """
    probabilities, features = _scored(held.logits, held.cosines, held.rare, fusion)
    count, strange = len(features), len(unknown.features)
    every = np.concatenate([features, unknown.features])
    known_of = fit_known_score(every, np.arange(len(every)) < count)
    score = np.concatenate([known_of.of(features), known_of.of(unknown.features)])
    correct = np.append(probabilities.argmax(1) == held.labels, np.zeros(strange, bool))
    half = balanced_weights(held.labels, held.plays_rare)
    shares = (1 - UNKNOWN_SHARE) * half / half.sum(), np.full(strange, UNKNOWN_SHARE / strange)
    weights = np.concatenate(shares)
    class_threshold = threshold_for_error(score, correct, accepted_error, weights)
    right = np.flatnonzero(correct)
    if half[right].sum() >= 0.5 * half.sum():
        most = threshold_for_loss(score[right], lost, half[right], 0.0)
        class_threshold = min(class_threshold, most)
    of_family, names = family_probabilities(
        np.concatenate([probabilities, unknown.probabilities]), families
    )
    truth = np.array([*(families[label] for label in held.labels), *unknown.families])
    rest = score < class_threshold
    family_threshold = 1.0  # where every crop is answered with its class, nothing tells
    if rest.any():
        named = np.array(names)[of_family.argmax(1)] == truth
        family_threshold = threshold_for_error(
            of_family.max(1).round(SURE_DIGITS)[rest], named[rest], accepted_error, weights[rest]
        )
    # 0.5: a crop that looks more like no sign than like any.
    sign_threshold = threshold_for_loss(sign, 0.1 * accepted_error, np.ones(len(sign)), 0.5)
    return UnknownRule(
        known_of, Levels(class_threshold, family_threshold, sign_threshold), accepted_error
    )


def unknown_crops(
    logits: np.ndarray,
    cosines: np.ndarray,
    families: Sequence[str],
    rare: np.ndarray,
    fusion: Fusion,
) -> UnknownCrops:
    """Synthetic crops of unknown signs.

    The known crops are real, so the score may lean on that too; yet it tells real unknown signs
    better than one that has synthetic crops on both sides (docs/method.md).

    Args:
        logits: (U, C) float32.
        cosines: (U, C) float32.
        families: (U) names of their own families.
        rare: (C,) bool, see `HeldOut`.
        fusion: See `calibrate_fusion`.
    """
    probabilities, features = _scored(logits, cosines, rare, fusion)
    return UnknownCrops(features, probabilities, tuple(families))


def _scored(
    logits: np.ndarray, cosines: np.ndarray, rare: np.ndarray, fusion: Fusion
) -> tuple[np.ndarray, np.ndarray]:
    """(N, C) probabilities and (N, 5) features of how known a crop is."""
    probabilities = fusion.probabilities(logits, cosines, rare)
    return probabilities, known_features(probabilities, cosines, logits)
