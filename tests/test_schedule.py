"""The learning rate: rises, falls, ends near zero, whatever the stage."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raresign.training.module import learning_rate_share

SHARES = st.floats(0, 1)
WARMUPS = st.floats(0, 0.9)


@given(st.floats(-1, 2), SHARES)
def test_is_a_share(progress: float, warmup: float) -> None:
    assert 0 <= learning_rate_share(progress, warmup) <= 1


@given(SHARES, SHARES, WARMUPS)
def test_rises_then_falls(one: float, other: float, warmup: float) -> None:
    early, late = sorted((one, other))
    before, after = learning_rate_share(early, warmup), learning_rate_share(late, warmup)
    if late < warmup:
        assert before <= after
    elif early >= warmup:
        assert before >= after


@given(WARMUPS)
def test_peak_and_end(warmup: float) -> None:
    assert learning_rate_share(warmup, warmup) == 1
    assert learning_rate_share(1, warmup) == pytest.approx(0, abs=1e-9)
    assert learning_rate_share(5, warmup) == learning_rate_share(1, warmup)


@given(st.floats(0.01, 0.9))
def test_starts_small_but_not_at_nothing(warmup: float) -> None:
    assert 0 < learning_rate_share(0, warmup) <= 0.1


@given(SHARES, WARMUPS)
def test_falls_along_half_a_cosine(share: float, warmup: float) -> None:
    progress = warmup + share * (1 - warmup)
    expected = math.cos(math.pi / 2 * share) ** 2  # the same by the half-angle formula
    assert learning_rate_share(progress, warmup) == pytest.approx(expected, abs=1e-6)
