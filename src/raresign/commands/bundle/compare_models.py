"""`raresign compare-bundles`: may this model replace that one?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from raresign.commands.data_folder import open_test
from raresign.commands.progress import Say, silent
from raresign.crops.crop_table import CropTable
from raresign.crops.squashing import squashed_chunks
from raresign.errors import InputError
from raresign.evaluation.release_gate import ReleaseGate, release_gate
from raresign.runs.loading import load
from raresign.runtime.recogniser import Recogniser


def compare_bundles(
    old: str | Path,
    new: str | Path,
    data: str | Path,
    *,
    crops: str | Path | None = None,
    layout: str = "auto",
    say: Say = silent,
) -> ReleaseGate:
    """Compare two models on the test crops of a data folder, class by class.

    A class that only one of the models has is answered wrongly by the other, so a class that was
    dropped counts as worse.

    Args:
        old: A bundle, a run folder or "built-in".
        new: The one that shall take its place.
        data: The data folder.
        crops: Where the crops are if not there.
        layout: See `open_data`.
        say: Is told how many crops could not be read.

    Raises:
        InputError: No model, or no test crop with a class that one of them knows.
    """
    models = [load(old), load(new)]
    tables = [open_test(data, model.catalogue, crops, layout) for model in models]
    first, second = tables
    if first is None or second is None or not len(first) or first.paths != second.paths:
        raise InputError(
            f"{crops or data} holds no test crops that both models can be asked about",
            "put crops into smalltest/ and their classes into smalltest_annotations.csv",
        )
    truths = [codes_of(*pair) for pair in zip(models, (first, second), strict=True)]
    truth = [one or other for one, other in zip(*truths, strict=True)]
    said = [said_codes(*pair) for pair in zip(models, (first, second), strict=True)]
    asked = [
        row for row, code in enumerate(truth) if code and said[0][row] and said[1][row] is not None
    ]
    lost = sum(one is None for one in said[0])
    if lost:
        say(f"warning: {lost} of {len(first)} test crops could not be read, and do not count")
    if not asked:
        raise InputError(
            f"{crops or data} holds no readable crop with a class that a model knows",
            "give crops with their classes",
        )
    right = [np.array([codes[row] == truth[row] for row in asked]) for codes in said]
    titles = {
        sign.code: f"{sign.code} {sign.name}".strip()
        for model in models
        for sign in model.catalogue.classes
    }
    return release_gate([truth[row] for row in asked], right[0], right[1], titles)


def codes_of(model: Recogniser, table: CropTable) -> list[str]:
    """The class code of each row of a table; "" where the model has no such class."""
    codes = model.catalogue.codes
    return [codes[label] if label >= 0 else "" for label in table.labels.tolist()]


def said_codes(model: Recogniser, table: CropTable) -> list[str | None]:
    """The most probable class of each row of a table; None where it cannot be read."""
    return list(_said(model, table))


def _said(model: Recogniser, table: CropTable) -> Iterator[str | None]:
    size, codes = model.encoder.crop_size, model.catalogue.codes
    for chunk in squashed_chunks(table, size, model.framing, model.finder):
        best = model.recognise(chunk.crops).probabilities.argmax(1) if chunk.rows else ()
        found = dict(zip(chunk.rows, best, strict=True))
        first = min([*chunk.rows, *(row for row, _ in chunk.refused)])
        for row in range(first, first + chunk.count):
            yield codes[found[row]] if row in found else None
