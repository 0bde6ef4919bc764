"""Packed crops through a trained classifier: predictions, and the files of their figures."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from raresign.answers.prototypes import SOURCES, PrototypeIndex
from raresign.answers.recognition import Recognition
from raresign.crops.layouts.labelling import first_names
from raresign.crops.pack import CropPack
from raresign.evaluation.crop_answers import NEIGHBOURS, CropAnswer
from raresign.evaluation.metrics import Metrics, evaluate_predictions
from raresign.evaluation.predictions import GROUPS, Predictions
from raresign.language.spoken import _
from raresign.models.outputs import net_outputs
from raresign.models.sign_net import SignNet
from raresign.runs.evaluation_files import write_evaluation
from raresign.runtime.recogniser import Recogniser
from raresign.signs.catalogue.sign_catalogue import SignCatalogue

Recalls = dict[str, float | None]


@dataclass(frozen=True)
class Measured:
    """What a recogniser said of packed crops, and the figures of it.

    Attributes:
        predictions: One row a crop.
        metrics: Their figures.
        answers: One row a crop, in the order of the predictions.
    """

    predictions: Predictions
    metrics: Metrics
    answers: list[CropAnswer]

    @property
    def recalls(self) -> Recalls:
        """Recall on all, rare and frequent crops; None where there are none."""
        return _recalls(self.predictions)

    def write(self, folder: Path) -> None:
        """Write the figures into a folder."""
        write_evaluation(folder, self.predictions, self.metrics, self.answers)


def measure(recogniser: Recogniser, pack: CropPack, root: Path) -> Measured:
    """Measure a recogniser on packed crops.

    Paths are recorded relative to `root`, so that a moved data folder still compares with itself.
    Crops that could not be read are counted in the metrics, and are in no figure.
    """
    said = recogniser.recognise(np.asarray(pack.crops))
    predictions = _predictions(Predictions, said.probabilities, pack, recogniser.catalogue, root)
    answers = _crop_answers(recogniser.head.index, said, predictions)
    lost = tuple((path.removeprefix(f"{root}{os.sep}"), reason) for path, reason in pack.skipped)
    metrics = replace(evaluate_predictions(predictions), unreadable=lost)
    return Measured(predictions, metrics, answers)


def told_unreadable(metrics: Metrics) -> str:
    """How many test crops could not be read, with the first ones; "" if all could."""
    lost = metrics.unreadable
    if not lost:
        return ""
    every = metrics.crops + metrics.unlabelled + len(lost)
    named = first_names([f"{path} ({reason})" for path, reason in lost])
    return _(
        "warning: {n} of {every} test crops could not be read, and are in no figure: {named}"
    ).format(n=len(lost), every=every, named=named)


def classifier_recalls(net: SignNet, pack: CropPack, catalogue: SignCatalogue) -> Recalls:
    """Recall of the classifier alone on all, rare and frequent crops; None where there are none."""
    logits = net_outputs(net, pack.crops).logits
    return _recalls(_predictions(Predictions.from_logits, logits, pack, catalogue, Path()))


def _predictions(
    make: Callable[..., Predictions],
    scores: np.ndarray,
    pack: CropPack,
    catalogue: SignCatalogue,
    root: Path,
) -> Predictions:
    signs = catalogue.classes
    return make(
        [path.removeprefix(f"{root}{os.sep}") for path in pack.table["path"].to_pylist()],
        pack.labels,
        scores,
        catalogue.codes,
        [sign.type for sign in signs],
        [sign.family for sign in signs],
    )


def _recalls(predictions: Predictions) -> Recalls:
    hits = {group: predictions.correct[predictions.of_group(group)] for group in GROUPS}
    return {group: float(np.mean(own)) if len(own) else None for group, own in hits.items()}


def _crop_answers(
    index: PrototypeIndex, said: Recognition, predictions: Predictions
) -> list[CropAnswer]:
    """One row a crop: at which level it was answered and which prototypes it lies near."""
    codes = predictions.codes
    # A classifier alone has prototypes of added classes at most: they would answer for all others.
    whole = len(np.unique(index.labels)) == len(codes)
    count = min(NEIGHBOURS, len(index)) if whole else 0
    rows = np.empty((len(predictions), 0), np.int64)
    cosines = np.empty((len(predictions), 0), np.float32)
    if count and len(predictions):
        rows, cosines = index.neighbours(said.embedding, count)
    alone = said.logits.argmax(1).tolist()
    by_prototype = said.cosines.argmax(1).tolist() if count else alone
    levels = said.level_names()
    return [
        CropAnswer(
            path,
            levels[n],
            float(said.known[n]),
            said.families[said.family[n]],
            float(said.family_confidence[n]),
            float(said.sign[n]),
            codes[alone[n]],
            codes[by_prototype[n]],
            tuple(codes[index.labels[row]] for row in rows[n]),
            tuple(SOURCES[index.sources[row]] for row in rows[n]),
            tuple(cosines[n].tolist()),
        )
        for n, path in enumerate(predictions.paths)
    ]
