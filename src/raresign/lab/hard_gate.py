"""The literature's rule, as a baseline: first decide rare or frequent, then the class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_softmax

from raresign.answers.fusion import checked_scores
from raresign.errors import InputError

_TREES, _LEAF = 200, 10
"""Trees of the forest, and the fewest crops in a leaf."""


@dataclass(frozen=True)
class HardGate:
    """Rare or frequent by a classifier of scikit-learn; the class by prototypes or by the softmax.

    A crop that the gate sends the wrong way is lost, which `Fusion` avoids. Source of the two
    steps, with a random forest as the gate: B. Faizov, V. Shakhuro, V. Sanzharov, A. Konushin,
    "Classification of rare traffic signs", Computer Optics 44(2), 2020.

    Attributes:
        judge: Fitted on `gate_features` of crops and whether they are rare.
    """

    judge: Any

    def rare_probability(
        self, logits: ArrayLike, cosines: ArrayLike, rare: ArrayLike
    ) -> np.ndarray:
        """(N,) float64 probability that the crop is of a rare class. Args: See `gate_features`."""
        said: np.ndarray = self.judge.predict_proba(gate_features(logits, cosines, rare))[:, 1]
        return said

    def predict(self, logits: ArrayLike, cosines: ArrayLike, rare: ArrayLike) -> np.ndarray:
        """The class of each crop. Args and Raises: See `gate_features`.

        Returns:
            (N,) int64: where the gate says rare (above 1/2) the rare class of the largest cosine,
            else the frequent class of the largest logit.
        """
        logit, cosine, is_rare = checked_scores(logits, cosines, rare)
        best_rare = np.where(is_rare, cosine, -np.inf).argmax(axis=1)
        best_frequent = np.where(is_rare, -np.inf, logit).argmax(axis=1)
        chosen = self.rare_probability(logit, cosine, is_rare) > 0.5
        labels: np.ndarray = np.where(chosen, best_rare, best_frequent)
        return labels


def fit_hard_gate(
    logits: ArrayLike,
    cosines: ArrayLike,
    labels: ArrayLike,
    rare: ArrayLike,
    kind: Literal["forest", "logistic"] = "forest",
) -> HardGate:
    """The gate fitted to crops of known class.

    Args:
        logits, cosines, rare: See `gate_features`.
        labels: (N,) integers in [0, C).
        kind: A random forest, or a logistic regression on features of variance 1.

    Raises:
        InputError: See `gate_features`; or all crops are of one type.

    Example:
        >>> logits, cosines = np.zeros((2, 2)), np.array([[0.9, 0.1], [0.2, 0.8]])
        >>> rare = np.array([False, True])
        >>> gate = fit_hard_gate(logits, cosines, [0, 1], rare, kind="logistic")
        >>> gate.predict(logits, cosines, rare).tolist()
        [0, 1]
    """
    # Half a second to import, and only a protocol needs it.
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    target = np.asarray(rare)[np.asarray(labels)]
    if target.min() == target.max():
        raise InputError("all crops to fit the gate are of one type", "give rare and frequent ones")
    forest = RandomForestClassifier(_TREES, min_samples_leaf=_LEAF, random_state=0)
    judge = forest if kind == "forest" else make_pipeline(StandardScaler(), LogisticRegression())
    return HardGate(judge.fit(gate_features(logits, cosines, rare), target))


def gate_features(logits: ArrayLike, cosines: ArrayLike, rare: ArrayLike) -> np.ndarray:
    """What the gate sees of crops.

    Args:
        logits: (N, C) floats of the classifier.
        cosines: (N, C) floats of `PrototypeIndex.similarities`.
        rare: (C,) bool, which classes are rare; both types must occur.

    Returns:
        (N, 5) float64: the largest probability of a frequent and of a rare class, the largest
        cosine of both, the entropy in nats.

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
