"""`raresign evaluate` and `raresign compare`: a run measured on test crops, and two runs paired."""

from __future__ import annotations

from pathlib import Path

from raresign.datasets import default_cache, pack_crops
from raresign.errors import InputError
from raresign.evaluation import (
    Comparison,
    Metrics,
    Predictions,
    compare_predictions,
    evaluate_predictions,
)
from raresign.files import write_json
from raresign.report import write_report
from raresign.workflow.inference import predict_pack
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
        data: The data folder; its classes must be those of the run.
        out: Where to write instead.
        crops, layout, strict, cache: See `open_data` and `train`. In layouts that know no test
            crops, all crops are test crops.

    Raises:
        InputError: No trained model, no labelled test crop, or other classes than the run's.
    """
    folder = RunFolder.open(run)
    net, catalogue = folder.model(), folder.catalogue()
    source = open_data(data, crops, layout, strict, folder.info["settings"].get("icons"))
    if source.catalogue.codes != catalogue.codes:
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
        table, net.crop_size, Path(cache) if cache is not None else default_cache(), strict
    )
    predictions = predict_pack(net, pack, catalogue, source.root)
    metrics = evaluate_predictions(predictions)
    write_evaluation(Path(out) if out else folder.path / "evaluation", predictions, metrics)
    if out is None:
        write_report(folder.path, source.root)
    return metrics


def write_evaluation(folder: Path, predictions: Predictions, metrics: Metrics) -> None:
    """Write metrics.json and predictions.parquet."""
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
