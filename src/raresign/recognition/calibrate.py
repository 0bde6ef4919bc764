"""Fits the rules of a recogniser on held-out crops: fusion, and when to say "unknown"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from raresign.recognition.fusion import Fusion, balanced_weights, fit_fusion
from raresign.recognition.known_score import fit_known_score, known_features
from raresign.recognition.unknown import (
    Levels,
    UnknownRule,
    family_probabilities,
    play_unknown,
    threshold_for_error,
)

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


def calibrate_fusion(
    held: HeldOut, parts: Sequence[str] = ("logits", "prototypes", "bias")
) -> Fusion:
    """The rule that joins classifier and prototypes; crops of both kinds count half each."""
    labels = torch.from_numpy(held.labels)
    weights = balanced_weights(labels, torch.from_numpy(held.plays_rare))
    return fit_fusion(
        torch.from_numpy(held.logits),
        torch.from_numpy(held.cosines),
        labels,
        torch.from_numpy(held.rare),
        weights,
        tuple(parts),
    )


def calibrate_unknown(
    held: HeldOut,
    fusion: Fusion,
    families: Sequence[str],
    sign: np.ndarray,
    accepted_error: float = 0.05,
) -> UnknownRule:
    """When to answer with a class, a family, "sign" or nothing.

    Crops of classes that play rare also play unknown, each scored without its own class. The class
    threshold is the lowest at which at most `accepted_error` of the crops answered with a class are
    wrong, unknown signs being `UNKNOWN_SHARE` of all crops and frequent and rare ones half of the
    rest each; the family threshold the same among the others; of real signs at most a tenth of
    `accepted_error` may be called no sign.

    Args:
        held: Held-out crops.
        fusion: Fitted on them.
        families: (C,) family of each class.
        sign: (N,) chance of a sign, see `Recogniser.sign_score`.
        accepted_error: In (0, 1).
    """
    tables = torch.from_numpy(held.logits), torch.from_numpy(held.cosines)
    rare = torch.from_numpy(held.rare)
    scores = fusion.scores(*tables, rare).numpy()
    probabilities = torch.from_numpy(scores).softmax(1).numpy()
    chosen = np.unique(held.labels[held.plays_rare])
    played = play_unknown(held.logits, held.cosines, held.labels, chosen, scores)
    features = known_features(probabilities, held.cosines, held.logits)
    known_of = fit_known_score(
        np.concatenate([features, played.features]),
        np.arange(len(features) + len(played.features)) < len(features),
    )
    score = np.concatenate([known_of.of(features), known_of.of(played.features)])
    correct = np.concatenate([scores.argmax(1) == held.labels, np.zeros(len(played.rows), bool)])
    half = balanced_weights(
        torch.from_numpy(held.labels), torch.from_numpy(held.plays_rare)
    ).numpy()
    weights = np.concatenate(
        [
            (1 - UNKNOWN_SHARE) * half / half.sum(),
            np.full(len(played.rows), UNKNOWN_SHARE / len(played.rows)),
        ]
    )
    class_threshold = threshold_for_error(score, correct, accepted_error, weights)
    of_family, names = family_probabilities(
        np.concatenate([probabilities, played.probabilities]), families
    )
    number = {name: place for place, name in enumerate(names)}
    own = np.array([number[name] for name in families])
    truth = own[np.concatenate([held.labels, held.labels[played.rows]])]
    rest = score < class_threshold
    family_threshold = 1.0  # where every crop is answered with its class, nothing tells
    if rest.any():
        family_threshold = threshold_for_error(
            of_family.max(1)[rest],
            (of_family.argmax(1) == truth)[rest],
            accepted_error,
            weights[rest],
        )
    # "lower": between two crops a quantile would call the lowest of a few no sign.
    sign_threshold = float(np.quantile(sign, 0.1 * accepted_error, method="lower"))
    return UnknownRule(
        known_of, Levels(class_threshold, family_threshold, sign_threshold), accepted_error
    )
