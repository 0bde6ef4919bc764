"""Is one model better than another? Paired differences of two runs, and one run over several seeds.

Both runs saw the same crops, so their crops are paired: most of what makes a crop hard is common
to both and cancels out, which unpaired intervals would miss.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raresign.errors import InputError
from raresign.evaluation.called_crops import CalledCrops
from raresign.evaluation.intervals import paired_difference_interval
from raresign.evaluation.metrics import json_ready
from raresign.evaluation.predictions import GROUPS, Group, Predictions

_SIGNIFICANT = 0.05


@dataclass(frozen=True)
class GroupComparison:
    """Two runs on the crops of one group.

    Args:
        group: "all", "rare" or "freq".
        crops: Labelled crops of the group.
        recall_a: Recall of A, NaN without crops.
        recall_b: Recall of B.
        difference: recall_a - recall_b, in [-1, 1].
        low: Lower end of its 95 % interval (paired bootstrap).
        high: Upper end.
        only_a: Crops that only A recognised (b of the McNemar test).
        only_b: Crops that only B recognised (c of the McNemar test).
        p: Exact two-sided McNemar p; NaN without crops.
        verdict: The result in plain words.
    """

    group: Group
    crops: int
    recall_a: float
    recall_b: float
    difference: float
    low: float
    high: float
    only_a: int
    only_b: int
    p: float
    verdict: str


@dataclass(frozen=True)
class Comparison:
    """Two runs on the same crops.

    Args:
        all: On all labelled crops.
        rare: On the crops of rare classes.
        freq: On the crops of frequent classes.
        unlabelled: Crops with label -1, left out.
    """

    all: GroupComparison
    rare: GroupComparison
    freq: GroupComparison
    unlabelled: int

    def group(self, name: Group) -> GroupComparison:
        """The comparison on "all", "rare" or "freq"."""
        return {"all": self.all, "rare": self.rare, "freq": self.freq}[name]

    @property
    def verdict(self) -> str:
        """The three verdicts, a line each."""
        return "\n".join(self.group(name).verdict for name in GROUPS)

    def as_dict(self) -> dict[str, Any]:
        """The same as dicts and numbers, ready for JSON: None for NaN."""
        return json_ready(self)


def mcnemar(only_a: int, only_b: int) -> float:
    """Exact two-sided p of McNemar's test: are both models right equally often?

    Of the b + c crops that only one model recognised, either model owns each with probability one
    half if there is no difference; the p is that of the binomial test.
    Source: Q. McNemar, Psychometrika 12 (1947) 153-157, with the binomial in place of chi squared.

    Args:
        only_a: b, crops that only the first model recognised.
        only_b: c, crops that only the second model recognised.

    Returns:
        In [0, 1]; 1 where b = c.

    Example:
        >>> round(mcnemar(1, 9), 12)
        0.021484375
    """
    from scipy.stats import binomtest  # takes half a second; most commands need no figures

    if only_a == only_b == 0:
        return 1.0  # a binomial test needs a crop
    return float(binomtest(only_a, only_a + only_b).pvalue)


def compare_predictions(a: Predictions, b: Predictions, seed: int = 0) -> Comparison:
    """Compare two runs on the same crops.

    Rows are paired by path (a path that stands k times: its first with the first, and so on), so
    the order of the rows may differ. A run is called better on a group where McNemar's p is below
    0.05 and the interval of the difference leaves 0 out. The three groups are tested apart,
    without a correction for asking three times.

    Args:
        a: The first run.
        b: The second run.
        seed: Seed of the bootstrap.

    Returns:
        Differences are a - b.

    Raises:
        InputError: The crops differ, or a crop has another label or type in `b`.

    Example:
        >>> facts = ("3.1", "3.2"), ("freq", "rare"), ("red ring", "red ring")
        >>> a = Predictions(("x.png", "y.png"), [0, 1], [[0.9, 0.1], [0.2, 0.8]], *facts)
        >>> b = Predictions(("y.png", "x.png"), [1, 0], [[0.9, 0.1], [0.9, 0.1]], *facts)
        >>> comparison = compare_predictions(a, b)
        >>> comparison.all.difference, comparison.all.only_a, comparison.all.only_b
        (0.5, 1, 0)
        >>> print(comparison.freq.verdict)
        no difference shown on freq: +0.0 points [-100.0, 100.0], p = 1 (1 crop)
    """
    correct_b = b.correct[rows_of(a, b, "A", "B")]
    groups = {name: _compare_group(a, correct_b, name, seed) for name in GROUPS}
    return Comparison(**groups, unlabelled=len(a) - groups["all"].crops)


def _compare_group(
    a: Predictions, correct_b: NDArray[np.bool_], name: Group, seed: int
) -> GroupComparison:
    """Compare on one group; `correct_b` stands in the order of `a`."""
    rows = a.of_group(name)
    n = int(rows.sum())
    right_a, right_b = a.correct[rows], correct_b[rows]
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    recall_a, recall_b, difference, p = [math.nan] * 4
    if n:
        recall_a, recall_b = float(right_a.mean()), float(right_b.mean())
        difference, p = (only_a - only_b) / n, mcnemar(only_a, only_b)
    low, high = paired_difference_interval(only_a, only_b, n, seed)
    verdict = _verdict(name, n, difference, low, high, p)
    return GroupComparison(
        name, n, recall_a, recall_b, difference, low, high, only_a, only_b, p, verdict
    )


def _verdict(name: Group, n: int, difference: float, low: float, high: float, p: float) -> str:
    """The result in plain words, in points (hundredths of recall)."""
    if n == 0:
        return f"no {'labelled' if name == 'all' else name} crops to compare"
    shown = p < _SIGNIFICANT and (low > 0 or high < 0)
    words = f"{'A' if difference > 0 else 'B'} is better" if shown else "no difference shown"
    if shown and difference < 0:
        difference, low, high = -difference, -high, -low
    probability = "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
    return (
        f"{words} on {name}: {100 * difference:+.1f} points "
        f"[{100 * low:.1f}, {100 * high:.1f}], {probability} ({n} crop{'s' if n > 1 else ''})"
    )


def rows_of(
    a: Predictions | CalledCrops, b: Predictions | CalledCrops, name_a: str, name_b: str
) -> NDArray[np.int64]:
    """(N,) the row of `b` that holds the crop of each row of `a`; checks that labels agree."""
    rows = paired_rows(a, b, name_a, name_b)
    true_a, true_b = _truths(a), _truths(b)
    other = [i for i, row in enumerate(rows.tolist()) if true_a[i] != true_b[row]]
    if other:
        i = other[0]
        raise InputError(
            f"{len(other)} of {len(a)} crops have another label or type: {a.paths[i]} is "
            f"{true_a[i]} in {name_a} and {true_b[int(rows[i])]} in {name_b}",
            "evaluate both runs with the same annotations and classes.json",
        )
    return rows


def paired_rows(
    a: Predictions | CalledCrops, b: Predictions | CalledCrops, name_a: str, name_b: str
) -> NDArray[np.int64]:
    """(N,) the row of `b` that holds the crop of each row of `a`, whatever their labels.

    Raises:
        InputError: A crop stands in one of them alone.
    """
    keys_a, keys_b = _keys(a.paths), _keys(b.paths)
    place = {key: row for row, key in enumerate(keys_b)}
    only_a = [key[0] for key in keys_a if key not in place]
    only_b = [key[0] for key in set(keys_b) - set(keys_a)]
    if only_a or only_b:
        first = min(only_a or only_b)
        raise InputError(
            f"the crops differ: {len(only_a)} of {len(a)} stand only in {name_a}, "
            f"{len(only_b)} of {len(b)} only in {name_b}, such as {first}",
            "evaluate both runs on the same data folder",
        )
    return np.array([place[key] for key in keys_a], dtype=np.int64)


def _keys(paths: Sequence[str]) -> list[tuple[str, int]]:
    """Each path with how often it stood before, as a frame may hold several crops."""
    seen: Counter[str] = Counter()
    keys = []
    for path in paths:
        keys.append((path, seen[path]))
        seen[path] += 1
    return keys


def _truths(predictions: Predictions | CalledCrops) -> list[str]:
    """(N) code and type of each crop, so that catalogues of another order can be compared."""
    facts = [
        f"{code} ({kind})" for code, kind in zip(predictions.codes, predictions.types, strict=True)
    ]
    return [facts[label] if label >= 0 else "unknown" for label in predictions.labels.tolist()]
