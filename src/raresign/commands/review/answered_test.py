"""Another model asked about the test crops of a run, to be compared with it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from raresign.commands.review.reviewed_run import ReviewedRun
from raresign.crops.crop_table import CropTable
from raresign.crops.squashing import squashed_chunks
from raresign.errors import InputError
from raresign.evaluation.called_crops import CalledCrops
from raresign.language.spoken import _
from raresign.runtime.recogniser import Recogniser


def answer_test(
    model: Recogniser,
    run: ReviewedRun,
    told: Callable[[int, int], object] = lambda done, every: None,
) -> tuple[CalledCrops, np.ndarray]:
    """What a model calls the test crops of a run.

    Args:
        model: Any model, such as `raresign.load("built-in")`.
        run: The run that has the test crops; its labels are the truth.
        told: Is told how many crops of how many are done.

    Returns:
        The crops that could be read, and (N,) bool, which of the run's crops those are.

    Raises:
        InputError: No crop can be read.
    """
    crops, catalogue = run.crops, model.catalogue
    boxes = [run.box(row) or (np.nan,) * 4 for row in range(len(crops))]
    as_own = np.array([*(catalogue.label_of(code) for code in crops.codes), -1], np.int64)
    table = CropTable(
        tuple(run.root / path for path in crops.paths),
        as_own[crops.labels],
        np.array(boxes, np.float64).reshape(-1, 4),
        ("",) * len(crops),
    )
    read = np.zeros(len(crops), bool)
    predicted = np.zeros(len(crops), np.int64)
    confidence = np.zeros(len(crops), np.float32)
    levels = [""] * len(crops)
    done = 0
    for chunk in squashed_chunks(table, model.encoder.crop_size, model.framing, model.finder):
        if chunk.rows:
            said = model.recognise(chunk.crops)
            rows = list(chunk.rows)
            read[rows] = True
            predicted[rows] = said.probabilities.argmax(1)
            confidence[rows] = said.probabilities.max(1)
            for row, level in zip(rows, said.level_names(), strict=True):
                levels[row] = level
        done += chunk.count
        told(done, len(crops))
    if not read.any():
        raise InputError(
            _("none of the test crops in {root} can be read").format(root=run.root),
            _("put the data folder back where the run was trained"),
        )
    every = CalledCrops(
        crops.paths,
        table.labels,
        predicted,
        confidence,
        catalogue.codes,
        tuple(sign.type for sign in catalogue.classes),
        tuple(sign.family for sign in catalogue.classes),
        tuple(levels),
    )
    return every.rows(read), read
