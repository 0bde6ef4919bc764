"""Crops in, predictions out: batches of packed crops through a trained classifier."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from raresign.answers.prototypes import SOURCES, PrototypeIndex
from raresign.answers.recognition import Recognition
from raresign.crops.pack import CropPack
from raresign.evaluation.crop_answers import NEIGHBOURS, CropAnswer
from raresign.evaluation.predictions import Predictions
from raresign.models.outputs import net_outputs
from raresign.models.sign_net import SignNet
from raresign.runtime.recogniser import Recogniser
from raresign.signs.catalogue.sign_catalogue import SignCatalogue


def predict_logits(net: SignNet, crops: np.ndarray) -> np.ndarray:
    """(N, C) float32 logits of (N, 3, S, S) uint8 crops, on the device of `net`."""
    return net_outputs(net, crops).logits


def predict_pack(
    net: SignNet, pack: CropPack, catalogue: SignCatalogue, root: Path | None = None
) -> Predictions:
    """Predictions of the classifier alone; paths are relative to `root` where they lie below it."""
    return Predictions.from_logits(
        relative_paths(pack.table["path"].to_pylist(), root),
        pack.labels,
        predict_logits(net, pack.crops),
        catalogue.codes,
        [sign.type for sign in catalogue.classes],
        [sign.family for sign in catalogue.classes],
    )


def recognise_pack(
    recogniser: Recogniser, pack: CropPack, root: Path | None = None
) -> tuple[Predictions, Recognition]:
    """Predictions of packed crops by classifier and prototypes, and all else that is said."""
    said = recogniser.recognise(np.asarray(pack.crops))
    predictions = Predictions(
        tuple(relative_paths(pack.table["path"].to_pylist(), root)),
        pack.labels,
        said.probabilities,
        recogniser.catalogue.codes,
        tuple(sign.type for sign in recogniser.catalogue.classes),
        tuple(sign.family for sign in recogniser.catalogue.classes),
    )
    return predictions, said


def crop_answers(
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
    by_prototype = said.cosines.argmax(1).tolist()
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
            codes[by_prototype[n]] if count else codes[alone[n]],
            tuple(codes[index.labels[row]] for row in rows[n]),
            tuple(SOURCES[index.sources[row]] for row in rows[n]),
            tuple(float(cosine) for cosine in cosines[n]),
        )
        for n, path in enumerate(predictions.paths)
    ]


def relative_paths(paths: Sequence[str], root: Path | None) -> list[str]:
    """Paths as they are recorded: a moved data folder still compares with itself."""
    if root is None:
        return list(paths)
    base = str(root) + os.sep
    return [path.removeprefix(base) for path in paths]
