"""The reliability diagram against a loop over bins, and the log-likelihood."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raresign.errors import InputError
from raresign.evaluation.calibration import negative_log_likelihood, reliability

EXAMPLES = settings(max_examples=60, deadline=None)
# Edges of the 15 bins are drawn on purpose: there the side of the edge counts.
crops = st.lists(
    st.tuples(st.one_of(st.floats(0, 1), st.integers(0, 15).map(lambda b: b / 15)), st.booleans()),
    min_size=1,
    max_size=40,
)


@EXAMPLES
@given(rows=crops, bins=st.integers(1, 20))
def test_bins_are_the_loop(rows: list[tuple[float, bool]], bins: int) -> None:
    diagram = reliability(*zip(*rows, strict=True), bins)
    assert len(diagram.edges) == bins + 1
    assert sum(diagram.counts) == len(rows)
    ece = 0.0
    for b in range(bins):
        low, high = diagram.edges[b], diagram.edges[b + 1]
        inside = [row for row in rows if low < row[0] <= high or (b == 0 and row[0] == 0)]
        assert diagram.counts[b] == len(inside)
        if not inside:
            assert math.isnan(diagram.confidence[b])
            assert math.isnan(diagram.accuracy[b])
            continue
        confidence = sum(sure for sure, _ in inside) / len(inside)
        accuracy = sum(right for _, right in inside) / len(inside)
        assert diagram.confidence[b] == pytest.approx(confidence)
        assert diagram.accuracy[b] == pytest.approx(accuracy)
        ece += len(inside) / len(rows) * abs(accuracy - confidence)
    assert diagram.ece == pytest.approx(ece, abs=1e-12)


def test_one_bin_and_no_crops() -> None:
    assert reliability([0.5, 1.0], [True, True], bins=1).ece == 0.25
    empty = reliability([], [])
    assert math.isnan(empty.ece)
    assert sum(empty.counts) == 0


def test_likelihood_is_the_loop_and_least_for_the_true_shares() -> None:
    rng = np.random.default_rng(0)
    table = rng.dirichlet(np.ones(4), size=50)
    labels = rng.integers(-1, 4, size=50)
    terms = [-math.log(table[i, c]) for i, c in enumerate(labels) if c >= 0]
    assert negative_log_likelihood(table, labels) == pytest.approx(sum(terms) / len(terms))
    values = {p: negative_log_likelihood([[p, 1 - p]] * 4, [0, 0, 0, 1]) for p in (0.6, 0.75, 0.9)}
    assert min(values, key=values.__getitem__) == 0.75


def test_likelihood_of_a_sure_mistake_is_finite() -> None:
    assert negative_log_likelihood([[0.0, 1.0]], [0]) == pytest.approx(87.336, abs=1e-3)
    assert negative_log_likelihood([[0.0, 1.0]], [1]) == 0.0
    assert math.isnan(negative_log_likelihood([[0.5, 0.5]], [-1]))


def test_wrong_input_is_refused() -> None:
    with pytest.raises(InputError, match="outside"):
        reliability([1.5], [True])
    with pytest.raises(InputError, match="outside"):
        reliability([math.nan], [True])
