"""A forecast against what was observed: golden values and a perfect forecast."""

from __future__ import annotations

import math

import numpy as np
import pytest

from raresign.fitting.quality import forecast_quality


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
