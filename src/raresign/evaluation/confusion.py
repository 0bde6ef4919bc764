"""Which classes are taken for which others, and the mistakes with the highest confidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raresign.evaluation.predictions import Predictions


@dataclass(frozen=True)
class Confusion:
    """One true class called one other class.

    Args:
        label: True label.
        code: True class code.
        predicted: Predicted label.
        predicted_code: Predicted class code.
        count: Crops for which it happened.
        share: That count over the labelled crops of the true class, in (0, 1].
        same_family: Whether both classes are of one family.
        rows: Their row numbers in the predictions, the highest confidence first.
    """

    label: int
    code: str
    predicted: int
    predicted_code: str
    count: int
    share: float
    same_family: bool
    rows: tuple[int, ...]


def confusion_matrix(predictions: Predictions) -> NDArray[np.int64]:
    """(C, C) counts of labelled crops: row = true label, column = predicted label.

    Example:
        >>> confusion_matrix(Predictions(
        ...     ("a.png", "b.png"), [0, 1], [[0.9, 0.1], [0.6, 0.4]],
        ...     ("3.1", "3.2"), ("freq", "rare"), ("red ring", "red ring"))).tolist()
        [[1, 0], [1, 0]]
    """
    classes = len(predictions.codes)
    known = predictions.of_group("all")
    cells = predictions.labels[known] * classes + predictions.predicted[known]
    counts = np.bincount(cells, minlength=classes * classes).reshape(classes, classes)
    return counts.astype(np.int64)


def worst_confusions(predictions: Predictions, most: int = 20) -> tuple[Confusion, ...]:
    """The pairs true class -> predicted class with the most crops.

    At most `most` pairs, by falling count, then falling share of the true class, then labels.

    Example:
        >>> pairs = worst_confusions(Predictions(
        ...     ("a.png", "b.png"), [0, 1], [[0.9, 0.1], [0.6, 0.4]],
        ...     ("3.1", "3.2"), ("freq", "rare"), ("red ring", "red ring")))
        >>> [(pair.code, pair.predicted_code, pair.count, pair.rows) for pair in pairs]
        [('3.2', '3.1', 1, (1,))]
    """
    counts = confusion_matrix(predictions)
    crops = counts.sum(axis=1)
    np.fill_diagonal(counts, 0)
    true, answered = np.nonzero(counts)
    number = counts[true, answered]
    share = number / crops[true]
    order = np.lexsort((answered, true, -share, -number))[:most]
    mistakes = mistakes_by_confidence(predictions)
    labels, answers = predictions.labels[mistakes], predictions.predicted[mistakes]
    return tuple(
        Confusion(
            label=label,
            code=predictions.codes[label],
            predicted=answer,
            predicted_code=predictions.codes[answer],
            count=int(number[i]),
            share=float(share[i]),
            same_family=predictions.families[label] == predictions.families[answer],
            rows=tuple(mistakes[(labels == label) & (answers == answer)].tolist()),
        )
        for i, label, answer in zip(
            order.tolist(), true[order].tolist(), answered[order].tolist(), strict=True
        )
    )


def mistakes_by_confidence(predictions: Predictions) -> NDArray[np.int64]:
    """(mistakes,) int64 row numbers of the labelled crops that were called a wrong class.

    By falling confidence; rows of equal confidence in their order.

    Example:
        >>> mistakes_by_confidence(Predictions(
        ...     ("a.png", "b.png", "c.png"), [0, 1, 1], [[0.9, 0.1], [0.6, 0.4], [0.7, 0.3]],
        ...     ("3.1", "3.2"), ("freq", "rare"), ("red ring", "red ring"))).tolist()
        [2, 1]
    """
    rows = np.flatnonzero(predictions.of_group("all") & ~predictions.correct)
    return rows[np.argsort(-predictions.confidence[rows], kind="stable")].astype(np.int64)
