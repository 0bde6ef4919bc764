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
_BINS = 12
_LEAST = 20
"""Crops in a bin (or with and without an effect) below which nothing is concluded."""
_CHI_SQUARE = 31.3
"""Critical value of chi-square with 11 degrees of freedom at 0.1 %."""
_SIGMAS = 3.3
"""The same for a difference of two means."""
_SHARPEST = 3.0
_MOST = 20.0
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
        power: What the odds were raised to; 1 where they are small enough to be taken whole.
        moved: Names of the ranges and probabilities that moved.
    """

    test: TwoSampleTest
    divergence: float
    power: float
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
        following, names, power = moved_proposal(proposal, made, scores[1])
        test, divergence = TwoSampleTest.of_scores(*scores), _divergence(*scores)
        seen.append(Round(test, divergence, power, names))
        if heard is not None:
            heard(number, seen[-1])
        if best < 0 or divergence < seen[best].divergence:
            best, found, found_moved = number, proposal, moved
        if number - best >= _PATIENCE:
            break
        moved |= frozenset(names)
        explored = {
            name: mixed_knots([(knots, 1 - _EXPLORE), (widest.ranges[name], _EXPLORE)], MANY_KNOTS)
            if name in names
            else knots
            for name, knots in following.ranges.items()
        }
        proposal = replace(following, ranges=explored)
    ranges = {n: found.ranges[n] if n in found_moved else k for n, k in start.ranges.items()}
    return Fit(replace(found, ranges=ranges), found_moved, tuple(seen), best)


def tempered_weights(scores: Floats, share: float = _EFFECTIVE) -> tuple[Floats, float]:
    """Weights exp(-b score) of mean 1, with the largest b <= 1 that leaves an effective share.

    Args:
        scores: (N,) logits of "synthetic", so exp(-score) is p_real / p_synthetic.
        share: Least effective size of the weights over N.

    Example:
        >>> weights, power = tempered_weights(np.zeros(4))
        >>> weights.tolist(), power
        ([1.0, 1.0, 1.0, 1.0], 1.0)
    """

    def at(power: float) -> Floats:
        logs = -power * scores
        weights: Floats = np.exp(logs - logs.max())
        weights = weights.clip(max=float(np.quantile(weights, 0.995)))
        scaled: Floats = weights * (len(weights) / weights.sum())
        return scaled

    low, high = 0.0, 1.0
    if effective_size(at(high)) >= share * len(scores):
        return at(high), 1.0
    for _ in range(30):
        middle = (low + high) / 2
        enough = effective_size(at(middle)) >= share * len(scores)
        low, high = (middle, high) if enough else (low, middle)
    return at(low), low


def moved_proposal(
    proposal: Proposal, made: Simulation, scores: Floats
) -> tuple[Proposal, tuple[str, ...], float]:
    """The proposal after one step, the names that moved, and the power that was used.

    Args:
        proposal: What `made` was drawn from.
        made: The crops.
        scores: (N,) logits of "synthetic".
    """
    weights, power = tempered_weights(scores)
    sharpen = min(1 / power, _SHARPEST)
    ranges, probabilities = dict(proposal.ranges), dict(proposal.probabilities)
    names: list[str] = []
    for name in proposal.ranges:
        values, its = _happened(made.params[name], weights)
        factor = _factor(values, its, sharpen)
        if factor is None:
            continue
        fitted = weighted_knots(values, factor, MANY_KNOTS)
        ranges[name] = fitted
        names.append(name)
    for name, present in proposal.probabilities.items():
        happened = made.params[name] > 0.5
        n, m = int(happened.sum()), int((~happened).sum())
        if min(n, m) < _LEAST:
            continue
        yes, no = weights[happened], weights[~happened]
        error = np.sqrt(yes.var() / n + no.var() / m)
        if abs(yes.mean() - no.mean()) < _SIGMAS * error:
            continue
        ratio = (yes.mean() / no.mean()) ** sharpen
        odds = present / (1 - present) * float(np.clip(ratio, 1 / _MOST, _MOST))
        probabilities[name] = odds / (1 + odds)
        names.append(name)
    mix = proposal.mix
    if mix is not None:
        share = np.bincount(made.labels, weights, minlength=len(mix))
        mix = (share + _PRIOR * mix) / (share.sum() + _PRIOR)
    return Proposal(ranges, probabilities, mix), tuple(names), power


def _factor(values: Floats, weights: Floats, sharpen: float) -> Floats | None:
    """(N,) by how much each value's density changes; None where nothing but chance shows.

    The values are sorted into bins of equal counts; a bin's factor is its mean weight.
    """
    n = len(values)
    if n < _BINS * _LEAST:
        return None
    rank = np.empty(n, np.int64)
    rank[np.argsort(values, kind="stable")] = np.arange(n)
    bins = rank * _BINS // n
    count = np.bincount(bins, minlength=_BINS)
    mean = np.bincount(bins, weights, minlength=_BINS) / count
    spread = float((count * np.square(mean / weights.mean() - 1)).sum())
    if spread < _CHI_SQUARE * float((weights / weights.mean()).var()):
        return None
    logs = sharpen * np.log(mean / weights.mean())
    padded = np.concatenate([logs[:1], logs, logs[-1:]])
    smooth = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    factor: Floats = np.exp((smooth - smooth.max()).clip(min=-np.log(_MOST)))
    return factor[bins]


def _happened(values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Flat values without the crops that the effect did not meet, and their weights."""
    columns = values.reshape(len(values), -1)
    spread = np.repeat(weights, columns.shape[1])
    flat = columns.reshape(-1)
    kept = np.isfinite(flat)
    return flat[kept], spread[kept]


def _divergence(real: Floats, synthetic: Floats) -> float:
    """1 - balanced held-out log loss in bits: a lower bound of the Jensen-Shannon divergence."""
    loss = (np.logaddexp(0, real).mean() + np.logaddexp(0, -synthetic).mean()) / 2
    return float(max(0.0, 1 - loss / np.log(2)))
