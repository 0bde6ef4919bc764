"""Moves a proposal until what it makes resembles real crops: empirical Bayes with a classifier.

Wanted: the distribution of each value (blur, gain, ...) that makes the statistics of synthetic
crops come out as those of real ones. Let q be the current distribution of the values t, p(s | t)
the synthesiser. One step of expectation-maximisation for a prior is

    q'(t) = E over real s of q(t | s),   which is the marginal of t under q(t) p(s | t) w(s),
    w(s) = p_real(s) / p_synthetic(s)

so: draw values and crops, weight each crop by the density ratio w, and read new quantiles off the
weighted values. The likelihood of the real crops rises in every step (Dempster, Laird and Rubin,
1977; with simulators: Vandegar, Kagan, Wehenkel and Louppe, "Neural empirical Bayes", AISTATS
2021). The ratio is the odds of a classifier that tells real from synthetic (Sugiyama, Suzuki and
Kanamori, "Density ratio estimation", 2012), each crop judged by one that was not trained on it. No
step knows what an effect does: it sees names, values and statistics.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from raresign.realism.discriminator import TwoSampleTest, held_out_scores
from raresign.realism.proposal import (
    MANY_KNOTS,
    Proposal,
    effective_size,
    mixed_knots,
    weighted_knots,
)

Floats = NDArray[np.float64]

_FOLDS = 4
_HIDDEN = 16
_RIDGE = 2e-3
_EFFECTIVE = 0.3
"""Least effective share of the crops; sharper weights are tempered (w^b with b < 1) to it."""
_EXPLORE = 0.05
"""Share of the widest range in every later proposal: what was lost can come back."""
_KOLMOGOROV = 1.95
"""Critical value of the Kolmogorov-Smirnov statistic times sqrt(n) at 0.1 %."""
_SIGMAS = 3.3
"""Critical value of a share's change at 0.1 %."""
_PRIOR = 50.0
"""Effective crops that the present proposal counts for."""
_PATIENCE = 2


class Simulation(NamedTuple):
    """Crops made from a proposal.

    Attributes:
        statistics: (N, K).
        params: "effect.field" -> (N,) or (N, k), NaN where the effect did not happen; "effect" ->
            (N,) 0 or 1.
        labels: (N,) int64.
    """

    statistics: Floats
    params: Mapping[str, Floats]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class Round:
    """What one round measured on its proposal, before moving it.

    Args:
        test: How well the statistics tell its crops from real ones.
        divergence: Lower bound of the Jensen-Shannon divergence in bits, 0..1, from the
            classifier's held-out loss.
        effective: Effective number of crops behind the new ranges.
        moved: Names of the ranges and probabilities that moved.
    """

    test: TwoSampleTest
    divergence: float
    effective: float
    moved: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Fit:
    """The outcome.

    Args:
        proposal: Of the best round; names that never moved have their first range.
        moved: Names that moved in any round up to it.
        rounds: One entry a round.
        best: Number of the best round, from 0.
    """

    proposal: Proposal
    moved: frozenset[str]
    rounds: tuple[Round, ...]
    best: int


def fit_proposal(
    real: Floats,
    real_folds: NDArray[np.int64],
    start: Proposal,
    widest: Proposal,
    simulate: Callable[[Proposal, int], Simulation],
    rounds: int,
    seed: int = 0,
    heard: Callable[[int, Round], None] | None = None,
) -> Fit:
    """Fit a proposal to real statistics.

    A name moves only where the weighted values differ from the drawn ones more than chance
    explains: a range that the statistics say nothing about stays as it was. Stops early when the
    divergence did not fall for two rounds.

    Args:
        real: (M, K) statistics of real crops.
        real_folds: (M,) int64 folds 0.._FOLDS-1, see `block_folds`.
        start: Ranges and probabilities to begin with, and to keep where the crops are silent.
        widest: Ranges to search, under the same names.
        simulate: (proposal, round) -> crops.
        rounds: How many at most, 1 or more. The last one only measures.
        seed: Of folds and classifiers.
        heard: Is told every round.

    Example:
        >>> def simulate(proposal, number):
        ...     u = np.random.default_rng(number).random(2000)
        ...     knots = proposal.ranges["lamp.gain"]
        ...     gain = np.interp(u, np.linspace(0, 1, len(knots)), knots)
        ...     return Simulation(gain[:, None], {"lamp.gain": gain}, np.zeros(2000, np.int64))
        >>> real = np.random.default_rng(99).uniform(2, 3, (1000, 1))
        >>> first = Proposal({"lamp.gain": (0.0, 10.0)}, {})
        >>> fit = fit_proposal(real, np.arange(1000) % 4, first, first, simulate, 8)
        >>> low, high = np.quantile(fit.proposal.ranges["lamp.gain"], [0.1, 0.9])
        >>> bool(1.7 < low < 2.4 and 2.6 < high < 3.3)
        True
    """
    proposal = Proposal(widest.ranges, start.probabilities, start.mix)
    moved: frozenset[str] = frozenset()
    seen: list[Round] = []
    best, found, found_moved = -1, proposal, moved
    for number in range(rounds):
        made = simulate(proposal, number)
        folds = np.random.default_rng((seed, number)).permutation(len(made.statistics)) % _FOLDS
        scores = held_out_scores(
            real, made.statistics, real_folds, folds, _HIDDEN, seed + 100 * number, _RIDGE
        )
        weights = tempered_weights(scores[1])
        following, names = moved_proposal(proposal, made, weights)
        test, divergence = TwoSampleTest.of_scores(*scores), _divergence(*scores)
        seen.append(Round(test, divergence, effective_size(weights), names))
        if heard is not None:
            heard(number, seen[-1])
        if best < 0 or divergence < seen[best].divergence:
            best, found, found_moved = number, proposal, moved
        if number - best >= _PATIENCE:
            break
        moved |= frozenset(names)
        explored = {
            name: mixed_knots(
                [(knots, 1 - _EXPLORE), (widest.ranges[name], _EXPLORE)], MANY_KNOTS
            )
            if name in names
            else knots
            for name, knots in following.ranges.items()
        }
        proposal = replace(following, ranges=explored)
    ranges = {n: found.ranges[n] if n in found_moved else k for n, k in start.ranges.items()}
    return Fit(replace(found, ranges=ranges), found_moved, tuple(seen), best)


def tempered_weights(scores: Floats, share: float = _EFFECTIVE) -> Floats:
    """Weights exp(-b score) of mean 1, with the largest b <= 1 that leaves an effective share.

    Args:
        scores: (N,) logits of "synthetic", so exp(-score) is p_real / p_synthetic.
        share: Least effective size of the weights over N.

    Example:
        >>> bool((tempered_weights(np.zeros(4)) == 1).all())
        True
    """

    def at(power: float) -> Floats:
        logs = -power * scores
        weights: Floats = np.exp(logs - logs.max())
        weights = weights.clip(max=float(np.quantile(weights, 0.995)))
        return weights * (len(weights) / weights.sum())

    low, high = 0.0, 1.0
    if effective_size(at(high)) >= share * len(scores):
        return at(high)
    for _ in range(30):
        middle = (low + high) / 2
        enough = effective_size(at(middle)) >= share * len(scores)
        low, high = (middle, high) if enough else (low, middle)
    return at(low)


def moved_proposal(
    proposal: Proposal, made: Simulation, weights: Floats
) -> tuple[Proposal, tuple[str, ...]]:
    """The proposal after one step, and the names that moved.

    Args:
        proposal: What `made` was drawn from.
        made: The crops.
        weights: (N,) their density ratios.
    """
    ranges, probabilities = dict(proposal.ranges), dict(proposal.probabilities)
    names: list[str] = []
    for name in ranges:
        values, its = _happened(made.params[name], weights)
        size = effective_size(its)
        if size < 2 or _kolmogorov(values, its) * np.sqrt(size) < _KOLMOGOROV:
            continue
        trust = size / (size + _PRIOR)
        fitted = weighted_knots(values, its, MANY_KNOTS)
        ranges[name] = mixed_knots([(fitted, trust), (ranges[name], 1 - trust)], MANY_KNOTS)
        names.append(name)
    size = effective_size(weights)
    for name, present in probabilities.items():
        happened = made.params[name]
        drawn = float(happened.mean())
        share = float((happened * weights).sum() / weights.sum())
        if abs(share - drawn) < _SIGMAS * np.sqrt(max(drawn * (1 - drawn), 1 / size) / size):
            continue
        probabilities[name] = (share * size + present * _PRIOR) / (size + _PRIOR)
        names.append(name)
    mix = proposal.mix
    if mix is not None:
        share = np.bincount(made.labels, weights, minlength=len(mix))
        mix = (share + _PRIOR * mix) / (share.sum() + _PRIOR)
    return Proposal(ranges, probabilities, mix), tuple(names)


def _happened(values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Flat values without the crops that the effect did not meet, and their weights."""
    columns = values.reshape(len(values), -1)
    spread = np.repeat(weights, columns.shape[1])
    flat = columns.reshape(-1)
    kept = np.isfinite(flat)
    return flat[kept], spread[kept]


def _kolmogorov(values: Floats, weights: Floats) -> float:
    """Largest difference of the weighted and the plain distribution function."""
    order = np.argsort(values, kind="stable")
    weighted = np.cumsum(weights[order]) / weights.sum()
    plain = np.arange(1, len(values) + 1) / len(values)
    # Ties (rounded values) count only where a run of equal values ends.
    ends = np.append(np.diff(values[order]) > 0, True)
    return float(np.abs(weighted - plain)[ends].max())


def _divergence(real: Floats, synthetic: Floats) -> float:
    """1 - balanced held-out log loss in bits: a lower bound of the Jensen-Shannon divergence."""
    loss = (np.logaddexp(0, real).mean() + np.logaddexp(0, -synthetic).mean()) / 2
    return float(max(0.0, 1 - loss / np.log(2)))
