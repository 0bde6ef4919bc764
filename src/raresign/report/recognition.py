"""What classifier and prototypes said of each crop: beside each mistake, and as recalls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raresign.evaluation.crop_answers import CropAnswer
from raresign.evaluation.intervals import Estimate
from raresign.evaluation.predictions import Predictions

_LEVELS = {"class": "class", "family": "unknown {}", "sign": "unknown sign", "none": "no sign"}


@dataclass(frozen=True)
class Neighbour:
    """A prototype near a crop: its class, what it is, and its cosine with the crop, in [-1, 1]."""

    code: str
    source: str
    cosine: float


@dataclass(frozen=True)
class Opinion:
    """What the parts of a recogniser said of one crop.

    Args:
        level: The level of the answer, in words.
        classifier: Class code that the classifier alone answers.
        prototypes: Class code that the prototypes alone answer; None for a run without any.
        neighbours: The nearest prototypes, nearest first.
    """

    level: str
    classifier: str
    prototypes: str | None
    neighbours: tuple[Neighbour, ...]


@dataclass(frozen=True)
class Part:
    """How well one way to answer does; every figure is a share of labelled crops.

    Args:
        name: What answers.
        all: Recall of all crops.
        rare: Recall of the crops of rare classes.
        freq: Recall of the crops of frequent classes.
        rare_called_frequent: Share of the rare crops that were called a frequent class.
    """

    name: str
    all: Estimate
    rare: Estimate
    freq: Estimate
    rare_called_frequent: Estimate


def level_words(answer: CropAnswer) -> str:
    """The level of an answer as a reader sees it.

    Example:
        >>> level_words(CropAnswer("a.png", "family", 0.2, "red ring", 0.9, 1.0, "3.1", "3.1",
        ...                        (), (), ()))
        'unknown red ring'
    """
    return _LEVELS[answer.level].format(answer.family)


def opinion(answer: CropAnswer) -> Opinion:
    """What is shown of an answer beside a mistake.

    Example:
        >>> answer = CropAnswer("a.png", "class", 0.9, "red ring", 1.0, 1.0, "3.1", "3.2",
        ...                     ("3.2",), ("icon",), (0.5,))
        >>> opinion(answer).neighbours
        (Neighbour(code='3.2', source='icon', cosine=0.5),)
    """
    near = zip(answer.neighbours, answer.sources, answer.cosines, strict=False)
    return Opinion(
        level=level_words(answer),
        classifier=answer.classifier,
        prototypes=answer.prototypes if answer.neighbours else None,
        neighbours=tuple(Neighbour(*one) for one in near),
    )


def has_prototypes(answers: Sequence[CropAnswer]) -> bool:
    """Whether the run has prototypes; without any the classifier alone answers."""
    return any(answer.neighbours for answer in answers)


def part_rows(predictions: Predictions, answers: Sequence[CropAnswer]) -> list[Part]:
    """Classifier alone, prototypes alone and both together on the same labelled crops.

    Args:
        predictions: The fused probabilities.
        answers: One a row of the predictions.

    Example:
        >>> predictions = Predictions(("a", "b"), [0, 1], [[0.9, 0.1], [0.8, 0.2]],
        ...                           ("3.1", "3.2"), ("freq", "rare"), ("red ring", "red ring"))
        >>> answers = [CropAnswer(path, "class", 1.0, "red ring", 1.0, 1.0, "3.1", "3.2",
        ...                       ("3.2",), ("icon",), (0.5,)) for path in "ab"]
        >>> [(part.name, part.rare.value) for part in part_rows(predictions, answers)]
        [('classifier alone', 0.0), ('prototypes alone', 1.0), ('both, fused', 0.0)]
    """
    label_of = {code: label for label, code in enumerate(predictions.codes)}
    said = {
        "classifier alone": [label_of.get(answer.classifier, -1) for answer in answers],
        "prototypes alone": [label_of.get(answer.prototypes, -1) for answer in answers],
        "both, fused": predictions.predicted,
    }
    return [_part(name, np.asarray(labels, np.int64), predictions) for name, labels in said.items()]


def _part(name: str, said: NDArray[np.int64], predictions: Predictions) -> Part:
    """The figures of one way to answer: `said` are its (N,) labels, -1 for a class unheard of."""
    right = (said == predictions.labels) & (said >= 0)
    types = np.array([*predictions.types, "unknown"])  # label -1 picks the last
    rare = predictions.of_group("rare")

    def share(hits: NDArray[np.bool_], of: NDArray[np.bool_]) -> Estimate:
        return Estimate.of_share(int((hits & of).sum()), int(of.sum()))

    return Part(
        name,
        share(right, predictions.of_group("all")),
        share(right, rare),
        share(right, predictions.of_group("freq")),
        share(types[said] == "freq", rare),
    )
