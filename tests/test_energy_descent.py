"""Ranges that move until what they make resembles what was seen."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raresign.errors import InputError
from raresign.realism.distance import energy_slope
from raresign.realism.energy_descent import Simulation, fit_proposal
from raresign.realism.preset_ranges import preset_proposal, reachable, rounded, with_proposal
from raresign.realism.proposal import Proposal, mixed_knots, weighted_knots
from raresign.synthesis.preset import RoadPreset

N = 2000


def drawn(knots: tuple[float, ...], u: np.ndarray) -> np.ndarray:
    return np.interp(u, np.linspace(0, 1, len(knots)), knots)


def world(*names: str, effect: str | None = None) -> Callable[[Proposal, int], Simulation]:
    """Statistics that show the values of `names` and nothing else; "silent" leaves no trace."""

    def simulate(proposal: Proposal, number: int) -> Simulation:
        rng = np.random.default_rng(number)
        params = {name: drawn(knots, rng.random(N)) for name, knots in proposal.ranges.items()}
        columns = [params[name] for name in names]
        if effect is not None:
            happened = (rng.random(N) < proposal.probabilities[effect]).astype(float)
            params[effect] = happened
            columns.append(happened + rng.normal(0, 0.1, N))
        return Simulation(np.stack(columns, 1), params, np.zeros(N, np.int64))

    return simulate


def free(name: str, knots: tuple[float, ...], low: bool) -> float:
    return knots[0] / 2 if low else knots[-1] * 2


# --- the distance ------------------------------------------------------------------------------


def test_energy_slope_is_the_mean_over_pairs() -> None:
    rng = np.random.default_rng(0)
    real, made = rng.normal(size=(6, 3)), rng.normal(size=(5, 3)) + 1
    distance, slope = energy_slope(real, made)
    for row, found in zip(range(5), slope, strict=True):
        across = np.mean([np.linalg.norm(made[row] - r) for r in real])
        within = np.mean([np.linalg.norm(made[row] - m) for k, m in enumerate(made) if k != row])
        assert found == pytest.approx(across - within, abs=1e-5)
    pairs = [
        np.linalg.norm(a - b) for i, a in enumerate(real) for j, b in enumerate(real) if i != j
    ]
    across = np.mean([np.linalg.norm(m - r) for m in made for r in real])
    within = np.mean([np.linalg.norm(a - b) for i, a in enumerate(made) for b in made[:i]])
    assert distance == pytest.approx(2 * across - within - np.mean(pairs), abs=1e-5)


# --- the fit -----------------------------------------------------------------------------------


def test_a_range_walks_to_where_the_crops_are_and_a_silent_one_stays() -> None:
    real = np.random.default_rng(9).uniform(2, 3, (1000, 1))
    start = Proposal({"lamp.gain": (0.2, 1.0), "silent.value": (0.0, 1.0)}, {})
    fit = fit_proposal(real, np.arange(1000) % 4, start, free, world("lamp.gain"), 12)
    low, middle, high = np.quantile(fit.proposal.ranges["lamp.gain"], [0.1, 0.5, 0.9])
    assert 1.5 < low < 2.4 < middle < 2.7 < high < 3.3
    assert fit.proposal.ranges["silent.value"] == (0.0, 1.0)
    assert fit.moved == {"lamp.gain"}
    assert fit.rounds[fit.best].distance == min(one.distance for one in fit.rounds)
    assert fit.rounds[fit.best].distance < 0.1 * fit.rounds[0].distance


@pytest.mark.parametrize("wanted", [0.1, 0.8])
def test_a_probability_walks_too(wanted: float) -> None:
    rng = np.random.default_rng(3)
    real = ((rng.random(1500) < wanted) + rng.normal(0, 0.1, 1500))[:, None]
    start = Proposal({}, {"haze": 0.4})
    fit = fit_proposal(real, np.arange(1500) % 4, start, free, world(effect="haze"), 12)
    assert fit.proposal.probabilities["haze"] == pytest.approx(wanted, abs=0.08)


def test_what_fits_already_stays() -> None:
    real = np.random.default_rng(5).uniform(1, 2, (1500, 1))
    start = Proposal({"lamp.gain": (1.0, 2.0)}, {})
    fit = fit_proposal(
        real,
        np.arange(1500) % 4,
        start,
        lambda _, k, low: k[0] if low else k[-1],
        world("lamp.gain"),
        6,
    )
    assert np.allclose(
        np.quantile(fit.proposal.ranges["lamp.gain"], [0, 0.5, 1]), [1, 1.5, 2], atol=0.1
    )


# --- ranges as quantiles -----------------------------------------------------------------------


@given(
    st.lists(st.floats(-5, 5), min_size=2, max_size=40),
    st.integers(2, 9),
)
def test_knots_are_quantiles_of_repeated_values(values: list[float], count: int) -> None:
    """A weight of k says the same as the value k times over."""
    array = np.array(values)
    weights = np.arange(len(values)) % 3 + 1.0
    knots = weighted_knots(array, weights, count)
    assert len(knots) == count
    assert all(a <= b for a, b in itertools.pairwise(knots))
    assert min(values) <= knots[0]
    assert knots[-1] <= max(values)


def test_a_mixture_has_its_shares() -> None:
    knots = mixed_knots([((0.0, 1.0), 0.25), ((10.0, 11.0), 0.75)], 41)
    u = np.linspace(0, 1, 4001)
    values = np.interp(u, np.linspace(0, 1, 41), knots)
    assert (values < 5).mean() == pytest.approx(0.25, abs=0.03)


# --- from a preset and back --------------------------------------------------------------------


def test_a_preset_goes_through_a_proposal_unchanged() -> None:
    import torch

    preset = RoadPreset()
    drawn_values = {
        f"{name}.{field}": torch.zeros(1)
        for name, effect in preset.effects().items()
        for field in type(effect).model_fields
        if field != "probability"
    } | {name: torch.ones(1) for name in preset.effects()}
    proposal = preset_proposal(preset, drawn_values)
    assert len(proposal.ranges) > 80
    assert "stickers.size" in proposal.ranges
    assert "stickers.count" not in proposal.ranges  # whole numbers have no quantiles between them
    assert "pose" not in proposal.probabilities
    assert "haze" in proposal.probabilities
    assert with_proposal(preset, proposal) == preset


def test_an_end_goes_no_further_than_the_preset_allows() -> None:
    preset = RoadPreset()
    for name, knots in (("fading.red", (0.0, 0.9)), ("jpeg.quality", (30.0, 95.0))):
        for low in (True, False):
            end = reachable(preset, name, knots, low)
            tried = (end, knots[1]) if low else (knots[0], end)
            with_proposal(preset, Proposal({name: tried}, {}))  # does not raise
    with pytest.raises(InputError):
        with_proposal(preset, Proposal({"fading.red": (0.0, 1.5)}, {}))


def test_only_what_moved_is_rounded() -> None:
    proposal = Proposal({"a.b": (1 / 3, 2 / 3), "c.d": (1 / 3, 2 / 3)}, {"a": 1 / 3})
    found = rounded(proposal, ["a.b", "a"])
    assert found.ranges == {"a.b": (0.3333, 0.6667), "c.d": (1 / 3, 2 / 3)}
    assert found.probabilities == {"a": 0.3333}
