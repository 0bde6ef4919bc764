"""The figures of a run: RUN/evaluation and RUN/evaluation-of-..."""

from __future__ import annotations

from pathlib import Path

from raresign.errors import InputError
from raresign.evaluation.crop_answers import CropAnswer, write_answers
from raresign.evaluation.metrics import Metrics
from raresign.evaluation.predictions import Predictions
from raresign.evaluation.reframed_recall import FramingSweep
from raresign.files import write_json
from raresign.language.spoken import _
from raresign.runs.run_folder import RunFolder
from raresign.storage.local_copy import local_copy

EVALUATION = "evaluation"
FRAMING_FILE = "framing.json"
_PREDICTIONS = "predictions.parquet"


def write_evaluation(
    folder: Path, predictions: Predictions, metrics: Metrics, answers: list[CropAnswer]
) -> None:
    """Write metrics.json, predictions.parquet and answers.parquet into a folder of figures."""
    write_answers(folder / "answers.parquet", answers)
    predictions.as_parquet(folder / _PREDICTIONS)
    write_json(folder / "metrics.json", metrics.as_dict())


def write_sweep(folder: Path, sweep: FramingSweep) -> None:
    """Write framing.json into a folder of figures."""
    write_json(folder / FRAMING_FILE, sweep.as_dict())


def load_predictions(run: str | Path) -> Predictions:
    """The predictions of an evaluated run.

    Args:
        run: The run folder, or a folder of figures such as RUN/evaluation-of-signs.

    Raises:
        InputError: The run was not evaluated.
    """
    run = local_copy(run)
    path = run / _PREDICTIONS
    if not path.is_file():
        path = RunFolder.open(run).path / EVALUATION / _PREDICTIONS
    if not path.is_file():
        raise InputError(
            _("{run} was not evaluated").format(run=run),
            _("run `raresign evaluate {run} DATA` first").format(run=run),
        )
    return Predictions.from_parquet(path)
