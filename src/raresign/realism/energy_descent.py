"""Moves a proposal until what it makes resembles real crops: exponentiated gradient on a distance.

Wanted: a distribution for each value (blur, gain, ...) under which the statistics of synthetic
crops come out as those of real ones. The distance is the energy distance (Szekely and Rizzo,
"Energy statistics", JSPI 143, 2013)

    D = 2 E|s - r| - E|s - s'| - E|r - r'|      s, s' synthetic, r, r' real

which is 0 only for equal distributions, has no bandwidth, and has a slope even where a classifier
tells the two sets apart with certainty. A crop with the statistics s adds to it in proportion to

    f(s) = E|s - r| - E|s - s'|

so a distribution q(t) of one value descends by q(t) <- q(t) exp(-step E[f | t]) (exponentiated
gradient: Kivinen and Warmuth, Information and Computation 132, 1997): draw values and crops, sort a
value into bins, and let each bin grow or shrink by the mean f of its crops. No step knows what an
effect does: it sees names, values and statistics.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from raresign.realism.discriminator import TwoSampleTest, held_out_scores
from raresign.realism.distance import energy_slope
from raresign.realism.proposal import MANY_KNOTS, Knots, Proposal, mixed_knots, weighted_knots

Floats = NDArray[np.float64]

_FOLDS = 4
_STEP = 1.5
"""Change of a log density for a crop that is one standard deviation nearer (of the first round)."""
_FASTER = 1.2
"""The step grows by this after a round that helped, and is halved after one that did not."""
_CLIP = 4.0
"""Statistics are clipped at this many standard deviations."""
_RIDGE = 1.0
"""Added to the variances of the whitened directions: directions of mere noise stay small."""
_EXPLORE = 0.05
"""Share of the first range in every later proposal, so that lost values can come back."""
_BEYOND = 0.1
"""Share of crops drawn beyond an end of a range that grows."""
_GROWS = 0.2
"""An end grows if its bin's log density does by more than this."""
_BINS = 12
_LEAST = 20
"""Fewer crops in a bin (or with and without an effect) prove nothing."""
_CHI_SQUARE = 31.3
"""Critical value of chi-square with 11 degrees of freedom at 0.1 %."""
_SIGMAS = 3.3
"""The same for a difference of two means."""
_MOST = 2.0
"""Largest change of a log density in one step."""
_PATIENCE = 4


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
        distance: Energy distance of the standardised statistics.
        test: How well a linear classifier tells its crops from real ones by their statistics.
        moved: Names of the ranges and probabilities that moved.
    """

    distance: float
    test: TwoSampleTest
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
    reach: Callable[[str, Knots, bool], float],
    simulate: Callable[[Proposal, int], Simulation],
    rounds: int,
    seed: int = 0,
    heard: Callable[[int, Round], None] | None = None,
) -> Fit:
    """Fit a proposal to real statistics.

    A name moves only where the crops of its bins differ more than chance explains: a range that
    the statistics say nothing about stays as it was. A round that made things worse is taken back
    and tried again with half the step and within the ranges; four of them in turn end the fit.

    Args:
        real: (M, K) statistics of real crops.
        real_folds: (M,) int64 folds 0..3, see `block_folds`; for the classifier only.
        start: Ranges and probabilities to begin with, and to keep where the crops are silent.
        reach: (name, its range, whether the low end is meant) -> how far that end may be moved in
            one round; the end itself if it must stay. The first round looks beyond both ends,
            later ones beyond an end that grows, so a range can move far from its start.
        simulate: (proposal, round) -> crops.
        rounds: How many at most, 1 or more. The last one only measures.
        seed: Of the classifier's folds.
        heard: Is told every round.

    Example:
        >>> def simulate(proposal, number):
        ...     u = np.random.default_rng(number).random(2000)
        ...     knots = proposal.ranges["lamp.gain"]
        ...     gain = np.interp(u, np.linspace(0, 1, len(knots)), knots)
        ...     return Simulation(gain[:, None], {"lamp.gain": gain}, np.zeros(2000, np.int64))
        >>> real = np.random.default_rng(99).uniform(2, 3, (1000, 1))
        >>> def reach(name, knots, low):
        ...     return knots[0] / 2 if low else knots[-1] * 2
        >>> first = Proposal({"lamp.gain": (0.2, 1.0)}, {})
        >>> fit = fit_proposal(real, np.arange(1000) % 4, first, reach, simulate, 12)
        >>> low, high = np.quantile(fit.proposal.ranges["lamp.gain"], [0.1, 0.9])
        >>> bool(1.5 < low < 2.4 and 2.6 < high < 3.3)
        True
    """
    both = (_GROWS, _GROWS)
    proposal = replace(
        start,
        ranges={name: _beyond(name, knots, reach, both) for name, knots in start.ranges.items()},
    )
    moved: frozenset[str] = frozenset()
    seen: list[Round] = []
    step, unit, worse = _STEP, 0.0, 0
    best, found, found_moved = -1, proposal, moved
    gains: Floats = np.zeros(0)
    made = None
    space: _Space | None = None
    for number in range(rounds):
        drawn = simulate(proposal, number)
        space = space or _Space.of(np.concatenate([real, drawn.statistics]))
        distance, slope = energy_slope(space(real), space(drawn.statistics))
        unit = unit or float(slope.std()) or 1.0
        folds = np.random.default_rng((seed, number)).permutation(len(slope)) % _FOLDS
        scores = held_out_scores(real, drawn.statistics, real_folds, folds)
        if best < 0 or distance < seen[best].distance:
            best, found, found_moved, worse = number, proposal, moved, 0
            step *= _FASTER if number else 1.0
            made, gains = drawn, slope / np.sqrt(unit * max(float(slope.std()), 1e-6))
        else:
            step, worse = step / 2, worse + 1
        assert made is not None
        following, ends = _moved_proposal(found, made, -step * gains)
        names = tuple(ends)
        seen.append(Round(distance, TwoSampleTest.of_scores(*scores), names))
        if heard is not None:
            heard(number, seen[-1])
        if worse == _PATIENCE or not names:
            break
        moved = found_moved | frozenset(names)
        explored = dict(following.ranges)
        for name in explored.keys() & ends.keys():
            parts = [(explored[name], 1 - _EXPLORE), (start.ranges[name], _EXPLORE)]
            explored[name] = mixed_knots(parts, MANY_KNOTS)
            if not worse:
                explored[name] = _beyond(name, explored[name], reach, ends[name])
        proposal = replace(following, ranges=explored)
    ranges = {n: found.ranges[n] if n in found_moved else k for n, k in start.ranges.items()}
    return Fit(replace(found, ranges=ranges), found_moved, tuple(seen), best)


class _Space(NamedTuple):
    """Standardises and whitens statistics, the same way in all rounds."""

    middle: Floats
    scale: Floats
    turn: Floats

    @classmethod
    def of(cls, statistics: Floats) -> _Space:
        middle, scale = statistics.mean(0), statistics.std(0).clip(min=1e-6)
        rows = ((statistics - middle) / scale).clip(-_CLIP, _CLIP)
        values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(rows, rowvar=False)))
        return cls(middle, scale, vectors / np.sqrt(values.clip(min=0) + _RIDGE))

    def __call__(self, statistics: Floats) -> Floats:
        return ((statistics - self.middle) / self.scale).clip(-_CLIP, _CLIP) @ self.turn


def _beyond(
    name: str,
    knots: Knots,
    reach: Callable[[str, Knots, bool], float],
    ends: tuple[float, float],
) -> Knots:
    """A range with some crops beyond the ends that grow, as far as they may be moved."""
    low = reach(name, knots, True) if ends[0] >= _GROWS else knots[0]
    high = reach(name, knots, False) if ends[1] >= _GROWS else knots[-1]
    parts = [((low, knots[0]), _BEYOND)] if low < knots[0] else []
    parts += [((knots[-1], high), _BEYOND)] if high > knots[-1] else []
    rest = 1 - _BEYOND * len(parts)
    return mixed_knots([(knots, rest), *parts], MANY_KNOTS) if parts else knots


def _moved_proposal(
    proposal: Proposal, made: Simulation, gains: Floats
) -> tuple[Proposal, dict[str, tuple[float, float]]]:
    """The proposal after one step, and by how much both ends of what moved grew.

    `gains` are the (N,) changes of log density that the crops of `made` ask for.
    """
    ranges, probabilities = dict(proposal.ranges), dict(proposal.probabilities)
    ends: dict[str, tuple[float, float]] = {}
    for name in ranges:
        values, its = _happened(made.params[name], gains)
        growth = _growth(values, its)
        if growth is not None:
            bins, change = growth
            ranges[name] = weighted_knots(values, np.exp(change[bins]), MANY_KNOTS)
            ends[name] = (float(change[0]), float(change[-1]))
    for name, present in proposal.probabilities.items():
        happened = made.params[name] > 0.5
        yes, no = gains[happened], gains[~happened]
        if min(len(yes), len(no)) < _LEAST:
            continue
        shift = float(yes.mean() - no.mean())
        if abs(shift) < _SIGMAS * np.sqrt(yes.var() / len(yes) + no.var() / len(no)):
            continue
        odds = present / (1 - present) * float(np.exp(np.clip(shift, -_MOST, _MOST)))
        probabilities[name] = odds / (1 + odds)
        ends[name] = (0.0, 0.0)
    mix = proposal.mix
    if mix is not None:
        count = np.bincount(made.labels, minlength=len(mix))
        total = np.bincount(made.labels, gains - gains.mean(), minlength=len(mix))
        mix = mix * np.exp((total / (count + _LEAST)).clip(-_MOST, _MOST))
        mix = mix / mix.sum()
    return Proposal(ranges, probabilities, mix), ends


def _growth(values: Floats, gains: Floats) -> tuple[NDArray[np.int64], Floats] | None:
    """Each value's bin and each bin's shift of log density; None where only chance shows.

    The values are sorted into bins of equal counts; a bin changes by the mean gain of its crops.
    """
    n = len(values)
    if n < _BINS * _LEAST:
        return None
    rank = np.empty(n, np.int64)
    rank[np.argsort(values, kind="stable")] = np.arange(n)
    bins = rank * _BINS // n
    count = np.bincount(bins, minlength=_BINS)
    mean = np.bincount(bins, gains, minlength=_BINS) / count - gains.mean()
    if float((count * np.square(mean)).sum()) < _CHI_SQUARE * float(gains.var()):
        return None
    padded = np.concatenate([mean[:1], mean, mean[-1:]])
    smooth = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    return bins, smooth.clip(-_MOST, _MOST)


def _happened(values: Floats, gains: Floats) -> tuple[Floats, Floats]:
    """Flat values without the crops that the effect did not meet, and their gains."""
    columns = values.reshape(len(values), -1)
    kept = np.isfinite(columns)
    return columns[kept], np.broadcast_to(gains[:, None], columns.shape)[kept]
