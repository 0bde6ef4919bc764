"""Forecasts of the recall of classes that nobody photographed, as packaged and for a run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources
from typing import Literal

import numpy as np

from raresign.answers.head import Head
from raresign.evaluation.predictions import Predictions
from raresign.fitting.forecast_facts import class_facts
from raresign.fitting.forecast_model import Forecast
from raresign.fitting.forecast_scores import ForecastQuality, forecast_quality
from raresign.fitting.synthetic_outputs import index_outputs
from raresign.models.outputs import Outputs
from raresign.models.sign_net import SignNet
from raresign.signs.catalogue.pictures import class_pictures
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.synthesis.batch import Synthesiser

_CROPS = 16
_FILE = "forecast.json"
Interval = tuple[float, float, float]
"""Predicted recall and the ends of its 90 % interval, in [0, 1]."""


def known_forecast(kind: Literal["trained", "added"]) -> Forecast | None:
    """The packaged forecast, learned with `raresign protocol`; None if the package has none.

    There is one for classes that were trained from their icons, and one for added ones.
    """
    file = resources.files("raresign.fitting") / _FILE
    if not file.is_file():
        return None
    return Forecast.from_dict(json.loads(file.read_text(encoding="utf-8"))[kind])


def facts_of(
    classes: Sequence[int],
    outputs: Outputs,
    means: np.ndarray,
    real: np.ndarray,
    catalogue: SignCatalogue,
) -> np.ndarray:
    """(Q, 4) `class_facts` of trained classes.

    Args:
        classes: Their labels.
        outputs: Of fresh synthetic crops.
        means: (C, E) class means of the index.
        real: (C,) bool, classes with real training crops.
        catalogue: The classes.
    """
    pictures = [class_pictures(sign, 32)[0] for sign in catalogue.classes]
    families = [sign.family for sign in catalogue.classes]
    right = outputs.logits.argmax(1) == outputs.labels
    return class_facts(list(classes), outputs.labels, right, means, families, real, pictures)


def forecast_rare(
    net: SignNet, head: Head, catalogue: SignCatalogue, engine: Synthesiser
) -> dict[str, Interval] | None:
    """Predicted recall of every class of a run without real training crops.

    Args:
        net: Of the run.
        head: Of the run, with an index.
        catalogue: Its classes.
        engine: Makes fresh crops of them.

    Returns:
        Code -> recall and interval; None where the package has no forecast or no class is rare.
    """
    forecast = known_forecast("trained")
    rare = np.flatnonzero(head.rare)
    if forecast is None or not len(rare) or len(catalogue) < 2:
        return None
    fresh = index_outputs(net, engine, catalogue.codes, _CROPS, turn=1)
    facts = facts_of(rare.tolist(), fresh, head.index.class_means, ~head.rare, catalogue)
    rows = np.stack(forecast.predict(facts), axis=1).tolist()
    return {
        catalogue[label].code: tuple(row) for label, row in zip(rare.tolist(), rows, strict=True)
    }


def judged_forecast(
    predicted: dict[str, Interval], predictions: Predictions
) -> ForecastQuality | None:
    """A run's forecast against the recall observed on test crops; None for fewer than 3 classes."""
    rows = []
    for code, interval in predicted.items():
        own = predictions.labels == predictions.codes.index(code)
        if own.any():
            rows.append((*interval, predictions.correct[own].mean(), own.sum()))
    return forecast_quality(*np.array(rows).T) if len(rows) >= 3 else None
