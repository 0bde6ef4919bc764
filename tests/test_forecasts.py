"""Forecasts of recall in the workflow: facts by loops, folds kept apart, runs with and without."""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from raresign.commands.added.add_classes import add_class
from raresign.commands.train.train_run import train
from raresign.evaluation.predictions import Predictions
from raresign.fitting import run_forecasts as forecasts
from raresign.fitting.forecast_facts import icon_detail
from raresign.fitting.forecast_model import Forecast, fit_forecast
from raresign.fitting.recogniser_fit import build_recogniser, index_synthesiser
from raresign.fitting.run_forecasts import facts_of, forecast_rare, judged_forecast, known_forecast
from raresign.lab.protocol.forecast_check import ClassRecalls, cross_fold_forecast, forecast_line
from raresign.models.outputs import Outputs, TorchEncoder
from raresign.models.sign_net import SignNet
from raresign.runtime.recogniser import Recogniser
from raresign.signs.catalogue.pictures import class_pictures
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.countries.registry import standard
from raresign.training.training_data import TrainingData

fold_module = importlib.import_module("raresign.lab.protocol.forecast_check")
add_module = importlib.import_module("raresign.commands.added.fit_added")


def made_forecast(seed: int = 0) -> Forecast:
    rng = np.random.default_rng(seed)
    return fit_forecast(rng.random((12, 4)), rng.integers(0, 21, 12), np.full(12, 20))


def test_the_packaged_forecast_is_none_or_works() -> None:
    for forecast in (known_forecast("trained"), known_forecast("added")):
        if forecast is not None:
            facts = np.array([[0.9, 0.3, math.log(5), 0.2], [0.1, 0.01, 0.0, 0.5]])
            recall, low, high = forecast.predict(facts)
            assert ((low >= 0) & (low <= recall) & (recall <= high) & (high <= 1)).all()


def test_a_packaged_forecast_is_read_by_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = made_forecast(1), made_forecast(2)
    kept = {"trained": one.as_dict(), "added": other.as_dict()}
    monkeypatch.setattr("importlib.resources.files", lambda _: tmp_path)
    assert known_forecast("trained") is None
    (tmp_path / "forecast.json").write_text(json.dumps(kept))
    assert known_forecast("trained") == one
    assert known_forecast("added") == other


def test_facts_against_loops(catalogue: SignCatalogue) -> None:
    rng = np.random.default_rng(3)
    count = len(catalogue)
    labels = np.repeat(np.arange(count), 10)
    logits = rng.normal(size=(len(labels), count)).astype(np.float32)
    means = rng.normal(size=(count, 5))
    real = np.array([sign.type == "freq" for sign in catalogue.classes])
    asked = [4, 1]
    outputs = Outputs(logits, rng.normal(size=(len(labels), 5)), labels)
    facts = facts_of(asked, outputs, means, real, catalogue)
    for row, label in zip(facts, asked, strict=True):
        own = [n for n in range(len(labels)) if labels[n] == label]
        recognised = sum(max(range(count), key=lambda c: logits[n, c]) == label for n in own)
        near = max(
            float(means[label] @ means[c])
            / math.sqrt(float(means[label] @ means[label]) * float(means[c] @ means[c]))
            for c in range(count)
            if c != label
        )
        kin = [
            c
            for c in range(count)
            if c != label and real[c] and catalogue[c].family == catalogue[label].family
        ]
        detail = icon_detail(class_pictures(catalogue[label], 32)[0])
        expected = [recognised / len(own), 1 - near, math.log(1 + len(kin)), detail]
        np.testing.assert_allclose(row, expected, atol=1e-9)


def parts_of(sizes: Sequence[int], seed: int = 0) -> list[ClassRecalls]:
    """One part a fold, with as many classes as `sizes` says."""
    rng = np.random.default_rng(seed)
    parts, label = [], 0
    for fold, size in enumerate(sizes):
        facts = rng.random((size, 4))
        crops = rng.integers(5, 40, size)
        hits = rng.binomial(crops, 0.1 + 0.8 * facts[:, 0])
        parts.append(ClassRecalls(fold, np.arange(label, label + size), facts, hits, crops))
        label += size
    return parts


def test_a_fold_is_predicted_by_the_others_only(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [*parts_of([4, 5, 3]), *parts_of([4, 5, 3], seed=1)]  # two seeds a fold
    learned: list[np.ndarray] = []
    fit = fold_module.fit_forecast

    def spy(facts: np.ndarray, hits: np.ndarray, crops: np.ndarray) -> Forecast:
        learned.append(facts)
        found: Forecast = fit(facts, hits, crops)
        return found

    monkeypatch.setattr(fold_module, "fit_forecast", spy)
    quality, points, told = cross_fold_forecast(parts)
    assert len(learned) == 7  # one for each part, one of all
    for part, facts in zip(parts, learned, strict=False):
        kept = _joined([other for other in parts if other.fold != part.fold])[0]
        np.testing.assert_allclose(facts, kept)
    assert len(learned[-1]) == 12, "a class of two seeds is one class"
    assert quality is not None
    assert quality["classes"] == len(points) == 24
    assert told == fit_forecast(*_joined(parts)).as_dict()
    row = 0
    for part in parts:
        others = [other for other in parts if other.fold != part.fold]
        recall, low, high = fit_forecast(*_joined(others)).predict(part.facts)
        for place, label in enumerate(part.labels):
            observed = part.hits[place] / part.crops[place]
            expected = (label, recall[place], low[place], high[place], observed, part.crops[place])
            assert points[row] == pytest.approx(expected)
            row += 1


def _joined(parts: list[ClassRecalls]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Facts, hits and crops by class, each the mean over the seeds."""
    rows: dict[int, list[tuple[np.ndarray, float, float]]] = {}
    for part in parts:
        for place, label in enumerate(part.labels.tolist()):
            row = (part.facts[place], float(part.hits[place]), float(part.crops[place]))
            rows.setdefault(label, []).append(row)
    means = [
        [np.mean([row[k] for row in rows[label]], axis=0) for label in sorted(rows)]
        for k in range(3)
    ]
    return np.array(means[0]), np.array(means[1]), np.array(means[2])


def test_another_recall_of_a_fold_does_not_change_its_forecast() -> None:
    parts = parts_of([4, 5, 3])
    _, points, _ = cross_fold_forecast(parts)
    spoilt = ClassRecalls(1, parts[1].labels, parts[1].facts, 0 * parts[1].hits, parts[1].crops)
    _, others, _ = cross_fold_forecast([parts[0], spoilt, parts[2]])
    same = [a[:4] == b[:4] for a, b in zip(points, others, strict=True)]
    assert same == [False] * 4 + [True] * 5 + [False] * 3


@pytest.mark.parametrize("sizes", [[5], [3, 1], [1, 1]])
def test_too_few_classes_give_no_forecast(sizes: list[int]) -> None:
    """After hours of training a table without forecast is better than an error."""
    assert cross_fold_forecast(parts_of(sizes)) == (None, (), None)


def test_the_line_of_a_forecast_without_correlation() -> None:
    """All forecasts alike: no correlation, no crash."""
    parts = [
        ClassRecalls(fold, np.arange(3), np.zeros((3, 4)), np.full(3, 2), np.full(3, 4))
        for fold in range(2)
    ]
    quality, _, _ = cross_fold_forecast(parts)
    assert quality is not None
    assert quality["pearson"] is None
    assert "correlation - (ranks -)" in forecast_line(quality)
    whole, _, _ = cross_fold_forecast(parts_of([4, 5, 3]))
    assert whole is not None
    assert f"correlation {whole['pearson']:.2f}" in forecast_line(whole)


def predictions_of(hits: dict[str, list[bool]], codes: Sequence[str]) -> Predictions:
    labels, scores = [], []
    for code, right in hits.items():
        for hit in right:
            label = codes.index(code)
            labels.append(label)
            scores.append(np.eye(len(codes))[label if hit else (label + 1) % len(codes)])
    paths = tuple(f"{n}.png" for n in range(len(labels)))
    kinds, families = ("rare",) * len(codes), ("x",) * len(codes)
    return Predictions(paths, np.array(labels), np.array(scores), tuple(codes), kinds, families)


def test_judged_forecast_against_loops() -> None:
    hits = {"b": [True, False, True, True], "a": [False, False], "d": [True], "c": [True, False]}
    predictions = predictions_of(hits, ("a", "b", "c", "d", "e"))
    predicted = {
        "a": (0.2, 0.1, 0.4),
        "b": (0.5, 0.3, 0.6),
        "d": (0.9, 0.7, 1.0),
        "e": (0.5, 0.0, 1.0),  # no test crop
    }
    quality = judged_forecast(predicted, predictions)
    assert quality is not None
    observed = {"a": 0.0, "b": 0.75, "d": 1.0}
    assert quality.classes == 3
    errors = [abs(predicted[code][0] - recall) for code, recall in observed.items()]
    assert quality.error == pytest.approx(sum(errors) / 3)
    crops = {code: len(said) for code, said in hits.items()}
    shrunk = {c: (recall * crops[c] + 0.5) / (crops[c] + 1) for c, recall in observed.items()}
    inside = [predicted[c][1] <= recall <= predicted[c][2] for c, recall in shrunk.items()]
    assert quality.coverage == pytest.approx(sum(inside) / 3)
    first, second = list(observed.values()), [predicted[code][0] for code in observed]
    assert quality.pearson == pytest.approx(np.corrcoef(first, second)[0, 1])
    assert judged_forecast({"a": (0.2, 0.1, 0.4), "b": (0.5, 0.3, 0.6)}, predictions) is None


@pytest.fixture(scope="module")
def recogniser(training_data: TrainingData, catalogue: SignCatalogue) -> Recogniser:
    torch.manual_seed(7)
    net = SignNet("test_efficientnet", len(catalogue), 16, weights="none", crop_size=32)
    return build_recogniser(
        net, training_data, "road", None, np.flatnonzero(training_data.labels.numpy() >= 0), 4
    )


def test_forecast_of_the_rare_classes(
    recogniser: Recogniser,
    training_data: TrainingData,
    catalogue: SignCatalogue,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = index_synthesiser(training_data, "road", torch.device("cpu"))
    assert isinstance(recogniser.encoder, TorchEncoder)
    net, head = recogniser.encoder.net, recogniser.head
    monkeypatch.setattr(forecasts, "known_forecast", lambda _: None)
    assert forecast_rare(net, head, catalogue, engine) is None
    forecast = made_forecast()
    asked: list[str] = []

    def known(kind: str) -> Forecast:
        asked.append(kind)
        return forecast

    monkeypatch.setattr(forecasts, "known_forecast", known)
    found = forecast_rare(net, head, catalogue, engine)
    assert asked == ["trained"]
    assert found is not None
    assert list(found) == [sign.code for sign in catalogue.classes if sign.type == "rare"]
    for recall, low, high in found.values():
        assert 0 <= low <= recall <= high <= 1
    assert forecast_rare(net, head, catalogue, engine) == found
    json.dumps(found)  # goes into run.json


def test_runs_with_and_without_a_packaged_forecast(
    data_folder: Path,
    tmp_path: Path,
    tiny: Callable[..., dict[str, Any]],
    shared_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The forecast of a run is in run.json, that of an added class in class.json."""
    forecast = made_forecast()
    icon = tmp_path / "new.svg"
    icon.write_text(standard("gost").svg("1.20.2"), encoding="utf-8")
    for known in (None, forecast):
        for module in (forecasts, add_module):
            monkeypatch.setattr(module, "known_forecast", lambda _, known=known: known)
        run = tmp_path / str(known is None)
        train(data_folder, run, tiny(), report=False, cache=shared_cache)
        kept = json.loads((run / "run.json").read_text())["forecast"]
        (one,) = add_class(run, [icon], ["new"])
        info = json.loads((run / "added" / "new" / "class.json").read_text())
        if known is None:
            assert kept is one.recall is one.low is one.high is info["forecast"] is None
        else:
            played = json.loads((run / "run.json").read_text())["pseudo_rare"]
            assert sorted(kept) == sorted(["1.11.2", "3.24.n60", *played])
            assert one.recall is not None
            assert info["forecast"] == {"recall": one.recall, "low": one.low, "high": one.high}
            assert 0 <= info["forecast"]["low"] <= one.recall <= info["forecast"]["high"] <= 1
