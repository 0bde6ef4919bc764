"""The forecast of recall, its facts and its quality: naive fits, loops, simulated classes."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from raresign.fitting.forecast_facts import class_facts, icon_detail
from raresign.fitting.forecast_model import Forecast, fit_forecast
from raresign.fitting.forecast_scores import forecast_quality

Floats = NDArray[np.float64]


def _simulated(
    seed: int, classes: int, noise: float = 0.5, crops: int = 400
) -> tuple[Floats, Floats, Floats, Floats]:
    """Facts, hits, crops and true recall of classes whose logit is linear in the facts + noise."""
    rng = np.random.default_rng(seed)
    facts = np.stack(
        [
            rng.uniform(0.3, 1.0, classes),
            rng.uniform(0.0, 0.6, classes),
            np.log1p(rng.integers(0, 20, classes)),
            rng.uniform(0.0, 0.5, classes),
        ],
        axis=1,
    )
    logit = 4 * facts[:, 0] + 3 * facts[:, 1] - 0.3 * facts[:, 2] - 2.5
    recall = 1 / (1 + np.exp(-(logit + noise * rng.normal(size=classes))))
    count = rng.integers(crops // 2, 2 * crops, classes)
    return facts, rng.binomial(count, recall).astype(float), count.astype(float), recall


def _naive_fit(facts: Floats, hits: Floats, crops: Floats, ridge: float, tau: float) -> Any:
    """Weighted ridge regression by rows of an augmented least-squares problem."""
    target = np.array([math.log((h + 0.5) / (n - h + 0.5)) for h, n in zip(hits, crops)])  # noqa: B905
    weights = np.array([1 / (1 / n + tau) for n in crops])
    weights = weights / weights.mean()
    centre = np.average(facts, axis=0, weights=weights)
    spread = np.sqrt(np.average((facts - centre) ** 2, axis=0, weights=weights))
    design = np.column_stack([np.ones(len(facts)), (facts - centre) / spread])
    rows = np.vstack(
        [
            design * np.sqrt(weights)[:, None],
            np.column_stack([np.zeros(4), math.sqrt(ridge) * np.eye(4)]),
        ]
    )
    right = np.concatenate([target * np.sqrt(weights), np.zeros(4)])
    solution = np.linalg.lstsq(rows, right, rcond=None)[0]

    def predict(fact: Floats) -> float:
        return float(solution @ np.concatenate([[1.0], (fact - centre) / spread]))

    return predict, target


@pytest.mark.parametrize("seed", range(3))
def test_fit_and_residuals_equal_a_naive_one(seed: int) -> None:
    facts, hits, crops, _ = _simulated(seed, 14, crops=8)
    forecast = fit_forecast(facts, hits, crops, ridge=0.7, tau=0.2)
    predict, target = _naive_fit(facts, hits, crops, 0.7, 0.2)
    recall = forecast.predict(facts)[0]
    for number in range(14):
        assert math.log(recall[number] / (1 - recall[number])) == pytest.approx(
            predict(facts[number])
        )
        rest = np.arange(14) != number
        without, _ = _naive_fit(facts[rest], hits[rest], crops[rest], 0.7, 0.2)
        left = abs(target[number] - without(facts[number]))
        assert forecast.residuals[number] == pytest.approx(left)


def test_recovers_simulated_recalls() -> None:
    facts, hits, crops, _ = _simulated(0, 120, noise=0.0)
    forecast = fit_forecast(facts, hits, crops, ridge=0.01)
    fresh, _, _, recall = _simulated(1, 60, noise=0.0)
    predicted, low, high = forecast.predict(fresh)
    assert float(np.abs(predicted - recall).mean()) < 0.01
    slopes = np.array(forecast.coefficients) / np.array(forecast.spread)
    assert slopes == pytest.approx([4, 3, -0.3, 0], abs=0.25)
    assert ((low >= 0) & (low <= predicted) & (predicted <= high) & (high <= 1)).all()


@pytest.mark.parametrize("classes", [10, 40])
def test_interval_covers_nine_in_ten(classes: int) -> None:
    covered = []
    for seed in range(80):
        facts, hits, crops, _ = _simulated(seed, classes + 5)
        forecast = fit_forecast(facts[:-5], hits[:-5], crops[:-5])
        _, low, high = forecast.predict(facts[-5:])
        observed = hits[-5:] / crops[-5:]
        covered.append(((low <= observed) & (observed <= high)).mean())
    # 400 draws, by fives dependent: 0.9 and more, less three standard errors of about 0.018. At 10
    # classes the corrected rank is conservative: 10 of 10.
    assert 0.845 < float(np.mean(covered)) < 0.99


def test_rank_of_the_residual() -> None:
    def width(count: int) -> float:
        zeros = (0.0,) * 4
        residuals = tuple(float(value) for value in range(count, 0, -1))
        return Forecast(0.0, zeros, zeros, (1.0,) * 4, residuals).half_width

    assert [width(count) for count in (1, 8)] == [math.inf, math.inf]
    # ceil(0.9 (P + 1)): a plain 0.9 P would give 9, 9, 17, 18, 90.
    assert [width(count) for count in (9, 10, 18, 19, 20, 99)] == [9, 10, 18, 18, 19, 90]


@pytest.mark.parametrize("classes", [2, 8, 9])
def test_few_classes_have_no_interval(classes: int) -> None:
    facts, hits, crops, _ = _simulated(0, classes)
    recall, low, high = fit_forecast(facts, hits, crops).predict(facts)
    assert ((recall > 0) & (recall < 1)).all()
    assert ((low == 0) == (classes < 9)).all()
    assert ((high == 1) == (classes < 9)).all()


def test_classes_with_many_crops_weigh_more() -> None:
    facts = np.zeros((3, 4))
    forecast = fit_forecast(facts, [1, 1, 9000], [2, 2, 10000], tau=0.1)
    weights = np.array([1 / (0.5 + 0.1)] * 2 + [1 / (1e-4 + 0.1)])
    target = np.log([1, 1, 9000.5 / 1000.5])
    assert forecast.offset == pytest.approx(np.average(target, weights=weights))
    assert np.isfinite(forecast.predict(facts)[0]).all()


def test_a_fact_that_does_not_vary_has_no_say() -> None:
    facts, hits, crops, _ = _simulated(0, 12)
    facts[:, 3] = 0.1 + 0.2
    forecast = fit_forecast(facts, hits, crops)
    assert forecast.coefficients[3] == pytest.approx(0, abs=1e-9)
    shifted = facts + np.array([0, 0, 0, 5])
    assert forecast.predict(shifted)[0] == pytest.approx(forecast.predict(facts)[0])


def test_all_or_nothing_recognised_stays_finite() -> None:
    facts, _, crops, _ = _simulated(0, 12)
    for hits in (0 * crops, crops):
        recall, low, high = fit_forecast(facts, hits, crops).predict(facts * 1e6)
        assert np.isfinite([recall, low, high]).all()


def test_saved_and_read_again() -> None:
    facts, hits, crops, _ = _simulated(0, 12)
    forecast = fit_forecast(facts, hits, crops)
    assert Forecast.from_dict(json.loads(json.dumps(forecast.as_dict()))) == forecast


def test_quality_golden_values() -> None:
    quality = forecast_quality(
        [0.2, 0.4, 0.6, 0.9, 0.5],
        [0.1, 0.2, 0.5, 0.85, 0.0],
        [0.3, 0.5, 0.7, 0.95, 0.1],
        [0.3, 0.6, 0.5, 0.8, math.nan],
        [100, 100, 100, 100, 0],
    )
    assert quality.classes == 4
    assert quality.pearson == pytest.approx(np.corrcoef([2, 4, 6, 9], [3, 6, 5, 8])[0, 1])
    assert quality.spearman == pytest.approx(0.8)  # 1 - 6 (0 + 1 + 1 + 0) / (4 x 15)
    assert quality.error == pytest.approx(0.125)
    # 30.5, 60.5, 50.5 and 80.5 of 101 against the four intervals: the third holds its own alone.
    assert quality.coverage == 0.25


def test_ranks_of_ties_are_averaged() -> None:
    quality = forecast_quality([0.1, 0.1, 0.3], [0] * 3, [1] * 3, [0.2, 0.5, 0.9], [5] * 3)
    assert quality.spearman == pytest.approx(np.corrcoef([1.5, 1.5, 3], [1, 2, 3])[0, 1])


def test_noise_is_the_error_of_a_perfect_forecast() -> None:
    rng = np.random.default_rng(0)
    truth, crops = rng.uniform(0.1, 0.9, 4000), rng.integers(30, 90, 4000)
    observed = rng.binomial(crops, truth) / crops
    quality = forecast_quality(truth, truth, truth, observed, crops)
    assert quality.error == pytest.approx(quality.noise, rel=0.05)


def test_quality_of_nothing_and_of_constants() -> None:
    nothing = forecast_quality([0.5], [0], [1], [math.nan], [0])
    assert nothing.classes == 0
    assert set(nothing.as_dict().values()) == {0, None}
    constant = forecast_quality([0.1] * 3, [0] * 3, [1] * 3, [0.2, 0.5, 0.9], [5] * 3)
    assert math.isnan(constant.pearson)
    assert math.isnan(constant.spearman)
    assert constant.as_dict()["coverage"] == 1.0


def _icons(count: int) -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (20 + n, 32, 4), dtype=np.uint8) for n in range(count)]


def test_class_facts_equal_naive_ones() -> None:
    rng = np.random.default_rng(1)
    means = rng.normal(size=(6, 5)) * rng.uniform(0.1, 9, (6, 1))
    means[4] = 0  # a class without prototypes is nobody's neighbour
    labels = rng.integers(0, 4, 60)
    recognised = rng.random(60) < 0.6
    families = ["a", "b", "a", "a", "b", "a"]
    photographed = np.array([True, True, True, False, True, True])
    icons = _icons(6)
    asked = [3, 0, 1]
    facts = class_facts(asked, labels, recognised, means, families, photographed, icons)
    for row, number in enumerate(asked):
        mine = [r for r, label in zip(recognised, labels, strict=True) if label == number]
        cosines = [
            means[o] @ means[number] / math.sqrt((means[o] ** 2).sum() * (means[number] ** 2).sum())
            for o in range(6)
            if o not in (number, 4)
        ]
        others = [
            o
            for o in range(6)
            if o != number and photographed[o] and families[o] == families[number]
        ]
        expected = [
            sum(mine) / len(mine),
            1 - max(cosines),
            math.log(1 + len(others)),
            icon_detail(icons[number]),
        ]
        assert facts[row].tolist() == pytest.approx(expected)


def test_detail_of_a_line_by_hand() -> None:
    icon = np.zeros((32, 32, 4), dtype=np.uint8)
    icon[..., 3] = 255
    icon[:, 10, :3] = 255
    # Columns 9, 10, 11 of the 30 inner ones have |Laplacian| 1, 2, 1.
    assert icon_detail(icon) == pytest.approx(4 / 30)
    icon[:, 10, :3] = (0, 255, 0)
    assert icon_detail(icon) == pytest.approx(0.587 * 4 / 30)
