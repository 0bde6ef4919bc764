"""`raresign evaluate` and `raresign compare`: a run measured on test crops, and two runs paired."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from raresign.datasets import default_cache, pack_crops
from raresign.errors import InputError
from raresign.evaluation import (
    Comparison,
    CropAnswer,
    Metrics,
    Predictions,
    compare_predictions,
    evaluate_predictions,
    write_answers,
)
from raresign.files import write_json
from raresign.report import write_report
from raresign.workflow.inference import crop_answers, recognise_pack
from raresign.workflow.run_folder import RunFolder
from raresign.workflow.source import open_data


def evaluate(
    run: str | Path,
    data: str | Path,
    *,
    out: str | Path | None = None,
    crops: str | Path | None = None,
    layout: str = "reference",
    strict: bool = False,
    cache: str | Path | None = None,
) -> Metrics:
    """Measure a run on the test crops of a data folder.

    Writes metrics.json and predictions.parquet to `out` (RUN/evaluation unless given) and, there,
    the report anew.

    Args:
        run: The run folder.
        data: The data folder; its classes must be those of the run, with or without added ones.
        out: Where to write instead.
        crops, layout, strict, cache: See `open_data` and `train`. In layouts that know no test
            crops, all crops are test crops.

    Raises:
        InputError: No trained model, no labelled test crop, or other classes than the run's.
    """
    folder = RunFolder.open(run)
    recogniser, catalogue = folder.recogniser(), folder.catalogue()
    source = open_data(data, crops, layout, strict, folder.info["settings"].get("icons"))
    trained = set(folder.own_catalogue().codes)
    if not trained <= set(source.catalogue.codes) <= set(catalogue.codes):
        different = sorted(set(source.catalogue.codes) ^ set(catalogue.codes))
        raise InputError(
            f"{data} has other classes than {run}: {', '.join(different[:8]) or 'other ids'}",
            "evaluate on data with the classes.json that the run was trained with",
        )
    test_known = layout == "reference" or source.test is not None
    table = source.test if test_known else source.training
    if table is None or not (table.labels >= 0).any():
        raise InputError(
            f"{data} holds no test crop with a known class",
            "put crops into smalltest/ and their classes into smalltest_annotations.csv",
        )
    pack = pack_crops(
        table,
        recogniser.net.crop_size,
        Path(cache) if cache is not None else default_cache(),
        strict,
    )
    # Added classes stand last in the run's catalogue, wherever they stand in the data's.
    own = np.array([*(catalogue.label_of(code) for code in source.catalogue.codes), -1])
    pack = replace(pack, labels=own[pack.labels])
    predictions, said = recognise_pack(recogniser, pack, catalogue, source.root)
    metrics = evaluate_predictions(predictions)
    place = Path(out) if out else folder.path / "evaluation"
    write_evaluation(place, predictions, metrics, crop_answers(recogniser, said, predictions))
    if out is None:
        write_report(folder.path, source.root)
    return metrics


def write_evaluation(
    folder: Path, predictions: Predictions, metrics: Metrics, answers: list[CropAnswer]
) -> None:
    """Write metrics.json, predictions.parquet and answers.parquet."""
    write_answers(folder / "answers.parquet", answers)
    predictions.as_parquet(folder / "predictions.parquet")
    write_json(folder / "metrics.json", metrics.as_dict())


def compare(run: str | Path, other: str | Path) -> Comparison:
    """Paired comparison of two evaluated runs on the same test crops.

    Raises:
        InputError: A run was not evaluated, or the crops differ.
    """
    return compare_predictions(load_predictions(run), load_predictions(other))


def load_predictions(run: str | Path) -> Predictions:
    """The predictions of an evaluated run.

    Raises:
        InputError: The run was not evaluated.
    """
    folder = RunFolder.open(run)
    path = folder.path / "evaluation" / "predictions.parquet"
    if not path.is_file():
        raise InputError(f"{run} was not evaluated", f"run `raresign evaluate {run} DATA` first")
    return Predictions.from_parquet(path)
