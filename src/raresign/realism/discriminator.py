"""A classifier that tells real from synthetic: how well it does is how far apart they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raresign.errors import InputError

Features = NDArray[np.float64]


@dataclass(frozen=True)
class TwoSampleTest:
    """Held-out success of a real-against-synthetic classifier; 0.5 is what cannot be told apart.

    Args:
        accuracy: Mean of the held-out accuracies on real and on synthetic crops.
        low: Lower end of its 95 % interval.
        high: Upper end.
        auc: Chance that a synthetic crop scores above a real one.

    Example:
        >>> test = TwoSampleTest.of_scores(np.array([-1.0, -2.0]), np.array([1.0, 2.0]))
        >>> test.accuracy, test.auc
        (1.0, 1.0)
    """

    accuracy: float
    low: float
    high: float
    auc: float

    @classmethod
    def of_scores(cls, real: Features, synthetic: Features) -> TwoSampleTest:
        """From held-out scores; above 0 means synthetic.

        The interval is Agresti and Caffo's for two independent shares (The American Statistician
        54, 2000): one hit and one miss are added to each. Frames of one sign make it too narrow.
        """
        n, m = len(real), len(synthetic)
        right_real, right_synthetic = int((real <= 0).sum()), int((synthetic > 0).sum())
        accuracy = (right_real / n + right_synthetic / m) / 2
        p, q = (right_real + 1) / (n + 2), (right_synthetic + 1) / (m + 2)
        half = 1.96 * np.sqrt(p * (1 - p) / (n + 2) + q * (1 - q) / (m + 2)) / 2
        middle = (p + q) / 2
        low, high = min(middle - half, accuracy), max(middle + half, accuracy)
        return cls(accuracy, max(0.0, low), min(1.0, high), separation(real, synthetic))


def separation(a: Features, b: Features) -> float:
    """Chance that one of (M,) `b` exceeds one of (N,) `a`, ties half: the area under the ROC curve.

    Example:
        >>> separation(np.array([1.0, 2.0]), np.array([2.0, 3.0]))
        0.875
    """
    from sklearn.metrics import roc_auc_score  # takes a second

    return float(roc_auc_score(np.repeat([0, 1], [len(a), len(b)]), np.concatenate([a, b])))


def held_out_scores(
    real: Features,
    synthetic: Features,
    real_folds: NDArray[np.int64],
    synthetic_folds: NDArray[np.int64],
    ridge: float = 1e-3,
) -> tuple[Features, Features]:
    """Cross-validated logits of "synthetic": each row is scored by a classifier that never saw it.

    The classifier is a ridge logistic regression on features that are standardised by the rows it
    trains on, 6 deviations at most; both kinds count equally, so the logit is an estimate of
    log p_synthetic / p_real.

    Args:
        real, synthetic: (N, D) and (M, D).
        real_folds, synthetic_folds: (N,) and (M,) int64, see `block_folds`.
        ridge: Penalty on the squared weights.

    Returns:
        (N,) and (M,) logits.

    Raises:
        InputError: A fold would train without one of the two kinds.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> a, b = rng.normal(size=(60, 2)), rng.normal(size=(60, 2)) + 3
        >>> folds = np.arange(60) % 3
        >>> scores = held_out_scores(a, b, folds, folds)
        >>> TwoSampleTest.of_scores(*scores).accuracy > 0.9
        True
    """
    found_real, found_synthetic = np.zeros(len(real)), np.zeros(len(synthetic))
    for fold in np.unique(np.concatenate([real_folds, synthetic_folds])).tolist():
        ours, theirs = real_folds != fold, synthetic_folds != fold
        if not ours.any() or not theirs.any():
            raise InputError(
                f"{len(real)} real and {len(synthetic)} synthetic crops are too few for the folds",
                "give more crops",
            )
        fitted = _fitted(real[ours], synthetic[theirs], ridge)
        for rows, out, found in ((real, ~ours, found_real), (synthetic, ~theirs, found_synthetic)):
            if out.any():
                found[out] = fitted.decision_function(rows[out])
    return found_real, found_synthetic


def _fitted(real: Features, synthetic: Features, ridge: float) -> Any:
    """The classifier of `held_out_scores` fitted to all given rows."""
    # A second to import.
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    counts = [len(real), len(synthetic)]
    pipeline = make_pipeline(
        StandardScaler(),
        FunctionTransformer(np.clip, kw_args={"a_min": -6, "a_max": 6}),
        LogisticRegression(C=0.5 / ridge, max_iter=1000),
    )
    return pipeline.fit(
        np.concatenate([real, synthetic]),
        np.repeat([0, 1], counts),
        logisticregression__sample_weight=np.repeat([0.5 / count for count in counts], counts),
    )
