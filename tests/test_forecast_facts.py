"""Facts of a class: against naive loops and lines drawn by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from raresign.fitting.forecast_facts import class_facts, icon_detail


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
