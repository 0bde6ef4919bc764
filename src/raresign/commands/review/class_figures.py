"""The figures of one class of an evaluated run, and from which probability on to believe it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raresign.evaluation.called_crops import CalledCrops
from raresign.evaluation.intervals import Estimate
from raresign.fitting.review_curve import ReviewCurve, fit_class_curve

_LEVELS = np.linspace(0.02, 0.995, 60)


@dataclass(frozen=True, eq=False)
class BelievedFrom:
    """From which probability on a class is right as often as was asked, by the test crops.

    Attributes:
        precision: How often it shall be right.
        threshold: Probability in [0, 1]; 1 where none is enough.
        low, high: 95 % interval of it.
        answers: Test crops that were called the class.
        right: Those that were right.
        levels: (K,) probabilities that the curve is drawn at.
        shares: Three (K,) arrays: how often answers of these are right, lowest, highest.
        more_reviews: How many more would help.
    """

    precision: float
    threshold: float
    low: float
    high: float
    answers: int
    right: int
    levels: NDArray[np.float64]
    shares: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
    more_reviews: int


@dataclass(frozen=True, eq=False)
class ClassFigures:
    """What is known of one class.

    Attributes:
        code: Its class code.
        recall: Of its test crops, with the 95 % interval; NaN without crops.
        expected: Recall forecast from its icon, with the 90 % interval; None if there is none.
        taken_for: (code, crops) that its crops were called, the most frequent first.
        taken_from: (code, crops) of other classes that were called it.
        believed: Its threshold; None where nothing was called it.
    """

    code: str
    recall: Estimate
    expected: Estimate | None
    taken_for: tuple[tuple[str, int], ...]
    taken_from: tuple[tuple[str, int], ...]
    believed: BelievedFrom | None


def believed_from(
    common: ReviewCurve, crops: CalledCrops, label: int, precision: float
) -> BelievedFrom | None:
    """From which probability on a class is right; None where nothing was called it.

    Args:
        common: The curve of all classes.
        crops: Of the test.
        label: Of the class.
        precision: How often it shall be right.
    """
    own = (crops.labels >= 0) & (crops.predicted == label)
    if not own.any():
        return None
    curve = fit_class_curve(common, crops.confidence[own], crops.correct[own])
    threshold, low, high = curve.threshold(precision)
    return BelievedFrom(
        precision,
        *(threshold, low, high),
        *(curve.reviews, curve.right),
        _LEVELS,
        curve.right_share(_LEVELS),
        curve.more_reviews(precision),
    )
