"""Learns the forecast of recall on some folds and judges it on the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from raresign.fitting.forecast_model import Forecast, fit_forecast
from raresign.fitting.forecast_scores import forecast_quality


@dataclass(frozen=True)
class ClassRecalls:
    """Classes of one fold: what was known beforehand, and how it went.

    Attributes:
        labels: (Q,) int64.
        facts: (Q, 4) of `class_facts`.
        hits, crops: (Q,) crops recognised, and all.
    """

    fold: int
    labels: np.ndarray
    facts: np.ndarray
    hits: np.ndarray
    crops: np.ndarray


def cross_fold_forecast(
    parts: Sequence[ClassRecalls],
) -> tuple[dict[str, Any] | None, tuple[tuple[float, ...], ...], dict[str, Any] | None]:
    """Quality on folds that did not teach the forecast, the points of it, the forecast of all.

    Returns:
        `ForecastQuality` as a dict; (label, predicted, low, high, observed, crops) of every class
        of every part; the forecast as a dict. Nothing where other folds have fewer than 2 classes.
    """
    points: list[tuple[float, ...]] = []
    for part in parts:
        others = [other for other in parts if other.fold != part.fold]
        if sum(len(other.labels) for other in others) < 2:
            return None, (), None
        predicted = zip(*_fit(others).predict(part.facts), strict=True)
        rows = zip(predicted, part.labels, part.hits, part.crops, strict=True)
        points += [
            (int(label), *map(float, values), float(hit / crops), int(crops))
            for values, label, hit, crops in rows
        ]
    columns = np.array(points).T
    return forecast_quality(*columns[1:]).as_dict(), tuple(points), _fit(parts).as_dict()


def forecast_line(quality: dict[str, Any]) -> str:
    """One line for a page of the documentation."""
    r, ranks = (
        "-" if quality[name] is None else f"{quality[name]:.2f}" for name in ("pearson", "spearman")
    )
    return (
        f"- predicted against observed recall, {quality['classes']} classes and trials: "
        f"correlation {r} (ranks {ranks}), "
        f"mean error {100 * quality['error']:.1f} points "
        f"({100 * quality['noise']:.1f} by the number of crops alone), 90 % interval "
        f"holds {100 * quality['coverage']:.0f} %"
    )


def _fit(parts: Sequence[ClassRecalls]) -> Forecast:
    """A forecast of classes: trials of one class with other seeds are one class."""
    labels, facts, hits, crops = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("labels", "facts", "hits", "crops")
    )
    classes, place, times = np.unique(labels, return_inverse=True, return_counts=True)
    mean = np.zeros((len(classes), facts.shape[1]))
    np.add.at(mean, place, facts / times[place, None])
    # The mean over the seeds of as many crops as the class has: seeds add no crops.
    right = np.bincount(place, hits / times[place])
    seen = np.bincount(place, crops / times[place])
    return fit_forecast(mean, right, seen)
