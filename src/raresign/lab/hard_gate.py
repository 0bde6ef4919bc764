"""The literature's rule, as a baseline: first decide rare or frequent, then the class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_softmax

from raresign.answers.fusion import checked_scores
from raresign.errors import InputError
from raresign.fitting.fusion_fit import counted

FEATURES = (
    "max probability of a frequent class",
    "max probability of a rare class",
    "max cosine of a frequent class",
    "max cosine of a rare class",
    "entropy",
)
"""What the gate sees of a crop, in this order."""
GATES = ("forest", "logistic")
_TREES, _LEAF = 200, 10
"""Trees of the forest, and the fewest crops in a leaf."""


@dataclass(frozen=True)
class HardGate:
    """Rare or frequent by a classifier of scikit-learn; the class by prototypes or by the softmax.

    A crop that the gate sends the wrong way is lost, which `Fusion` avoids. Source of the two
    steps, with a random forest as the gate: B. Faizov, V. Shakhuro, V. Sanzharov, A. Konushin,
    "Classification of rare traffic signs", Computer Optics 44(2), 2020.

    Attributes:
        judge: Fitted on the `FEATURES` of crops and whether they are rare.
    """

    judge: Any

    def rare_probability(
        self, logits: ArrayLike, cosines: ArrayLike, rare: ArrayLike
    ) -> np.ndarray:
        """(N,) float64 probability, in [0, 1], that the crop is of a rare class.

        Args: as `predict`.
        """
        features = gate_features(logits, cosines, rare)
        said: np.ndarray = self.judge.predict_proba(features)[:, 1]
        return said

    def predict(self, logits: ArrayLike, cosines: ArrayLike, rare: ArrayLike) -> np.ndarray:
        """The class of each crop.

        Args:
            logits: (N, C) floats of the classifier.
            cosines: (N, C) floats of `PrototypeIndex.similarities`.
            rare: (C,) bool, which classes are rare; both types must occur.

        Returns:
            (N,) int64: where the gate says rare (above 1/2) the rare class of the largest cosine,
            else the frequent class of the largest logit.

        Raises:
            InputError: Shapes that do not belong together, or classes of one type only.
        """
        logit, cosine, is_rare = checked_scores(logits, cosines, rare)
        chosen = self.rare_probability(logit, cosine, is_rare) > 0.5
        best_rare = np.where(is_rare, cosine, -np.inf).argmax(axis=1)
        best_frequent = np.where(is_rare, -np.inf, logit).argmax(axis=1)
        labels: np.ndarray = np.where(chosen, best_rare, best_frequent)
        return labels


def fit_hard_gate(
    logits: ArrayLike,
    cosines: ArrayLike,
    labels: ArrayLike,
    rare: ArrayLike,
    weights: ArrayLike | None = None,
    kind: Literal["forest", "logistic"] = "forest",
) -> HardGate:
    """The gate fitted to crops of known class.

    Args:
        logits: (N, C) finite floats.
        cosines: (N, C) finite floats.
        labels: (N,) integers in [0, C); crops with -1 are left out.
        rare: (C,) bool.
        weights: (N,) of at least 0; None counts every crop alike.
        kind: A random forest, or a logistic regression on features of variance 1.

    Raises:
        InputError: As `fit_fusion`; crops or classes of one type only; no such kind.

    Example:
        >>> logits, cosines = np.zeros((2, 2)), np.array([[0.9, 0.1], [0.2, 0.8]])
        >>> rare = np.array([False, True])
        >>> gate = fit_hard_gate(logits, cosines, [0, 1], rare, kind="logistic")
        >>> gate.predict(logits, cosines, rare).tolist()
        [0, 1]
    """
    features = gate_features(logits, cosines, rare)
    truth, share = counted(np.asarray(logits), labels, weights)
    rows = np.flatnonzero(share)
    features, share = features[rows], share[rows]
    if not np.isfinite(features).all():
        raise InputError("a logit or a cosine is not finite", "look for the crop that gives it")
    target = np.asarray(rare)[truth[rows]]
    if target.min() == target.max():
        raise InputError("all crops to fit the gate are of one type", "give rare and frequent ones")
    judge, name = _judge(kind)
    judge.fit(features, target, **{name: share * len(share)})
    return HardGate(judge)


def _judge(kind: str) -> tuple[Any, str]:
    """A classifier of scikit-learn, and what it calls the weights of the crops."""
    # Half a second to import, and only a protocol needs it.
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if kind == "forest":
        return (
            RandomForestClassifier(_TREES, min_samples_leaf=_LEAF, random_state=0),
            "sample_weight",
        )
    if kind == "logistic":
        return (
            make_pipeline(StandardScaler(), LogisticRegression()),
            "logisticregression__sample_weight",
        )
    raise InputError(f"gate '{kind}'", f"use {' or '.join(GATES)}")


def gate_features(logits: ArrayLike, cosines: ArrayLike, rare: ArrayLike) -> np.ndarray:
    """(N, 5) float64: the `FEATURES` of each crop; the entropy is in nats.

    Args:
        logits: (N, C) floats.
        cosines: (N, C) floats.
        rare: (C,) bool, with both types.

    Raises:
        InputError: Shapes that do not belong together, or classes of one type only.

    Example:
        >>> rare = np.array([False, True])
        >>> gate_features(np.zeros((1, 2)), np.array([[0.25, 0.5]]), rare)[0, :4].tolist()
        [0.5, 0.5, 0.25, 0.5]
    """
    logit, cosine, is_rare = checked_scores(logits, cosines, rare)
    if is_rare.all() or not is_rare.any():
        raise InputError("all classes are of one type", "a gate needs rare and frequent classes")
    log_p = log_softmax(logit.astype(np.float64), axis=1)
    p, near = np.exp(log_p), cosine.astype(np.float64)
    columns = [table[:, kind].max(axis=1) for table in (p, near) for kind in (~is_rare, is_rare)]
    return np.stack([*columns, -(p * log_p).sum(axis=1)], axis=1)
