"""Fits the rules of a recogniser on held-out crops: fusion, and when to say "unknown"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from raresign.answers.fusion import Fusion
from raresign.answers.known_score import known_features
from raresign.answers.unknown import SURE_DIGITS, Levels, UnknownRule, family_probabilities
from raresign.fitting.fusion_fit import balanced_weights, fit_fusion
from raresign.fitting.known_score_fit import fit_known_score
from raresign.fitting.thresholds import play_unknown, threshold_for_error

UNKNOWN_SHARE = 0.1
"""Share of unknown signs among the crops that a threshold is set for."""


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
class Strangers:
    """Synthetic crops of signs outside the catalogue.

    Attributes:
        logits, cosines: (U, C) float32.
        families: (U) names of their own families.
    """

    logits: np.ndarray
    cosines: np.ndarray
    families: tuple[str, ...]


def calibrate_fusion(
    held: HeldOut, parts: Sequence[str] = ("logits", "prototypes", "bias")
) -> Fusion:
    """The rule that joins classifier and prototypes; crops of both kinds count half each."""
    weights = balanced_weights(held.labels, held.plays_rare)
    return fit_fusion(held.logits, held.cosines, held.labels, held.rare, weights, tuple(parts))


def calibrate_unknown(
    held: HeldOut,
    fusion: Fusion,
    families: Sequence[str],
    sign: np.ndarray,
    accepted_error: float = 0.05,
    strangers: Strangers | None = None,
) -> UnknownRule:
    """When to answer with a class, a family, "sign" or nothing.

    Who plays unknown: `strangers`; they are made and the known crops are real, so the score may
    lean on that too, yet it tells real strangers better than one that has made crops on both sides
    (docs/method.md). Without them, crops of classes that play rare, each scored without its own
    class; the net has met those, so they are told apart more easily than true strangers are.

    The class threshold is the lowest at which at most `accepted_error` of the crops answered with a
    class are wrong, unknown signs being `UNKNOWN_SHARE` of all crops and frequent and rare ones
    half of the rest each; the family threshold the same among the others; of real signs at most a
    tenth of `accepted_error` may be called no sign.

    Args:
        held: Held-out crops.
        fusion: Fitted on them.
        families: (C,) family of each class.
        sign: (N,) chance of a sign, see `Head.sign_score`.
        accepted_error: In (0, 1).
        strangers: See above.
    """
    scores, features = _scored(held.logits, held.cosines, held.rare, fusion)
    if strangers is None:
        strange = _played(held, scores, families)
    else:
        strange = _outside(strangers, held, fusion)
    known_of = fit_known_score(
        np.concatenate([features, strange.features]),
        np.arange(len(features) + len(strange.features)) < len(features),
    )
    score = np.concatenate([known_of.of(features), known_of.of(strange.features)])
    correct = np.concatenate(
        [scores.argmax(1) == held.labels, np.zeros(len(strange.features), bool)]
    )
    half = balanced_weights(held.labels, held.plays_rare)
    weights = np.concatenate(
        [
            (1 - UNKNOWN_SHARE) * half / half.sum(),
            np.full(len(strange.features), UNKNOWN_SHARE / len(strange.features)),
        ]
    )
    class_threshold = threshold_for_error(score, correct, accepted_error, weights)
    of_family, names = family_probabilities(
        np.concatenate([softmax(scores, axis=1), strange.probabilities]), families
    )
    truth = np.array([*(families[label] for label in held.labels), *strange.families])
    rest = score < class_threshold
    family_threshold = 1.0  # where every crop is answered with its class, nothing tells
    if rest.any():
        named = np.array(names)[of_family.argmax(1)] == truth
        family_threshold = threshold_for_error(
            of_family.max(1).round(SURE_DIGITS)[rest], named[rest], accepted_error, weights[rest]
        )
    # "lower": between two crops a quantile would call the lowest of a few no sign.
    sign_threshold = float(np.quantile(sign, 0.1 * accepted_error, method="lower"))
    return UnknownRule(
        known_of, Levels(class_threshold, family_threshold, sign_threshold), accepted_error
    )


@dataclass(frozen=True)
class _Unknown:
    """Crops that play unknown."""

    features: np.ndarray
    probabilities: np.ndarray
    families: tuple[str, ...]


def _played(held: HeldOut, scores: np.ndarray, families: Sequence[str]) -> _Unknown:
    """Crops of classes that play rare, each without its own class."""
    chosen = np.unique(held.labels[held.plays_rare])
    played = play_unknown(held.logits, held.cosines, held.labels, chosen, scores)
    own = tuple(families[label] for label in held.labels[played.rows])
    return _Unknown(played.features, played.probabilities, own)


def _outside(strangers: Strangers, held: HeldOut, fusion: Fusion) -> _Unknown:
    """Made crops of signs outside the catalogue."""
    scores, features = _scored(strangers.logits, strangers.cosines, held.rare, fusion)
    return _Unknown(features, softmax(scores, axis=1), strangers.families)


def _scored(
    logits: np.ndarray, cosines: np.ndarray, rare: np.ndarray, fusion: Fusion
) -> tuple[np.ndarray, np.ndarray]:
    """(N, C) fused scores and (N, 5) features of how known a crop is."""
    scores = fusion.scores(logits, cosines, rare)
    return scores, known_features(softmax(scores, axis=1), cosines, logits)
