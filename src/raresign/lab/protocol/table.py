"""What the trials of a protocol say: recall, spread, paired differences, share of the gap."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from raresign.errors import InputError
from raresign.evaluation.metrics import json_ready
from raresign.files import write_json
from raresign.fitting.forecasts import facts_of
from raresign.lab.protocol.answer_rules import AnswerRow, answer_rows, answers_markdown
from raresign.lab.protocol.forecast import ClassRecalls, cross_fold_forecast, forecast_line
from raresign.lab.protocol.ideas import BASE, CEILING, REFERENCE
from raresign.lab.protocol.trial import Trial
from raresign.models.outputs import Outputs
from raresign.signs.catalogue.sign_catalogue import SignCatalogue

_DRAWS = 4000


@dataclass(frozen=True)
class ProtocolRow:
    """One row: means over folds and seeds.

    Attributes:
        title: Of the row.
        rare: Recall on real crops of classes that play rare, in [0, 1], over all crops (micro).
        rare_spread: Standard deviation of it over the seeds, NaN for one.
        rare_low, rare_high: 95 % interval, classes drawn anew (bootstrap).
        frequent: Recall on held-out crops of classes that play frequent.
        called_frequent: Share of the crops that play rare and were called a class with real crops.
        difference: `rare` less the base's on the same crops, points in [-1, 1]; its interval draws
            classes anew; NaN for the base.
        low, high: Its 95 % interval.
        frequent_difference: `frequent` less the base's.
        gap: Share of the gap from the published recipe to the ceiling that it closes.
        seconds: Training time a trial, mean.
        steps: Optimiser steps a trial.
        trials: How many.
    """

    title: str
    rare: float
    rare_spread: float
    rare_low: float
    rare_high: float
    frequent: float
    called_frequent: float
    difference: float
    low: float
    high: float
    frequent_difference: float
    gap: float
    seconds: float
    steps: int
    trials: int


@dataclass(frozen=True)
class ProtocolTable:
    """The rows, and what guarded them.

    Attributes:
        rows: In the order asked for.
        classes: Codes of the classes that played rare.
        clusters: Near-duplicate clusters of the real crops.
        leaks: Of those, how many straddle a split; 0 or something is wrong.
        answers: The base's nets, answered in other ways.
        forecast: Quality of the forecast of recall, learned on the other folds of the base.
        points: (label, predicted, low, high, observed, crops) of every class and trial of the base.
        learned: The forecast learned on all folds.
    """

    rows: tuple[ProtocolRow, ...]
    classes: tuple[str, ...]
    clusters: int
    leaks: int
    answers: tuple[AnswerRow, ...] = ()
    forecast: dict[str, Any] | None = None
    points: tuple[tuple[float, ...], ...] = ()
    learned: dict[str, Any] | None = None

    @classmethod
    def from_trials(
        cls,
        trials: Mapping[str, Sequence[Trial]],
        catalogue: SignCatalogue,
        leaks: int,
        clusters: int,
    ) -> ProtocolTable:
        """Put the rows of trials together.

        Args:
            trials: Title -> its trials, the base among the titles.
            catalogue: The classes.
            leaks, clusters: Counts of the leak guard.
        """
        base = trials[BASE]
        rare = {title: _recall(ones) for title, ones in trials.items()}
        floor = rare.get(REFERENCE, math.nan)
        ceiling = rare.get(CEILING, math.nan)
        rows = []
        for title, ones in trials.items():
            low, high = _interval(ones)
            seeds = sorted({trial.seed for trial in ones})
            spread = [_recall([trial for trial in ones if trial.seed == seed]) for seed in seeds]
            same = title == BASE
            change, down, up = (math.nan,) * 3 if same else paired_difference(ones, base)
            rows.append(
                ProtocolRow(
                    title=title,
                    rare=rare[title],
                    rare_spread=float(np.std(spread, ddof=1)) if len(seeds) > 1 else math.nan,
                    rare_low=low,
                    rare_high=high,
                    frequent=_mean(ones, lambda t: hits(t)[~t.plays_rare]),
                    called_frequent=_mean(
                        ones,
                        lambda t: t.real[t.logits.argmax(1)][t.plays_rare] & ~hits(t)[t.plays_rare],
                    ),
                    difference=change,
                    low=down,
                    high=up,
                    frequent_difference=math.nan
                    if same
                    else _mean(ones, lambda t: hits(t)[~t.plays_rare])
                    - _mean(base, lambda t: hits(t)[~t.plays_rare]),
                    gap=(rare[title] - floor) / (ceiling - floor) if ceiling != floor else math.nan,
                    seconds=float(np.mean([trial.seconds for trial in ones])),
                    steps=ones[0].steps,
                    trials=len(ones),
                )
            )
        played = sorted({label for t in base for label in t.labels[t.plays_rare].tolist()})
        classes = tuple(catalogue.codes[label] for label in played)
        told = cross_fold_forecast([class_recalls(trial, catalogue) for trial in base])
        return cls(tuple(rows), classes, clusters, leaks, answer_rows(base), *told)

    def write(self, folder: Path) -> None:
        """Write table.json."""
        write_json(folder / "table.json", json_ready(self))

    def markdown(self) -> str:
        """The table for a page of the documentation, in percent and points."""
        lines = [
            "| row | plays rare % | freq % | rare called freq % | rare against base, points "
            "| freq | gap closed % | s | steps | trials |",
            "|" + "---|" * 10,
        ]
        for row in self.rows:
            spread = "" if math.isnan(row.rare_spread) else f" ± {100 * row.rare_spread:.1f}"
            paired = (
                ""
                if math.isnan(row.difference)
                else f"{100 * row.difference:+.1f} ({100 * row.low:+.1f} to {100 * row.high:+.1f})"
            )
            freq = (
                ""
                if math.isnan(row.frequent_difference)
                else f"{100 * row.frequent_difference:+.1f}"
            )
            gap = "" if math.isnan(row.gap) else f"{100 * row.gap:.0f}"
            lines.append(
                f"| {row.title} | {100 * row.rare:.1f}{spread} ({100 * row.rare_low:.1f} to "
                f"{100 * row.rare_high:.1f}) | {100 * row.frequent:.1f} "
                f"| {100 * row.called_frequent:.1f} | {paired} | {freq} | {gap} "
                f"| {row.seconds:.0f} | {row.steps} | {row.trials} |"
            )
        if self.answers:
            lines += ["", answers_markdown(self.answers)]
        if self.forecast is not None:
            lines += ["", forecast_line(self.forecast)]
        return "\n".join(lines)


def class_recalls(trial: Trial, catalogue: SignCatalogue) -> ClassRecalls:
    """Facts and observed recall of the classes that played rare in a trial."""
    labels = trial.labels[trial.plays_rare]
    classes, crops = np.unique(labels, return_counts=True)
    right = np.bincount(labels, hits(trial)[trial.plays_rare], minlength=len(catalogue))
    made = Outputs(trial.index_logits, trial.index, trial.index_labels)
    means = trial.prototypes().class_means
    facts = facts_of(classes.tolist(), made, means, trial.real, catalogue)
    return ClassRecalls(trial.fold, classes, facts, right[classes], crops)


def hits(trial: Trial) -> np.ndarray:
    """(N,) bool: whether the classifier alone names each measured crop."""
    right: np.ndarray = trial.logits.argmax(1) == trial.labels
    return right


def _mean(trials: Sequence[Trial], values: object) -> float:
    """Mean over all crops of all trials of `values(trial)`."""
    assert callable(values)
    return float(np.mean(np.concatenate([values(trial) for trial in trials])))


def _recall(trials: Sequence[Trial]) -> float:
    return _mean(trials, lambda t: hits(t)[t.plays_rare])


def _by_class(trials: Sequence[Trial], count: int) -> tuple[np.ndarray, np.ndarray]:
    """(C,) hits and crops of the classes that play rare, summed over trials."""
    right, crops = np.zeros(count), np.zeros(count)
    for trial in trials:
        labels = trial.labels[trial.plays_rare]
        right += np.bincount(labels, hits(trial)[trial.plays_rare], minlength=count)
        crops += np.bincount(labels, minlength=count)
    return right, crops


def _interval(trials: Sequence[Trial]) -> tuple[float, float]:
    right, crops = _by_class(trials, len(trials[0].real))
    played = np.flatnonzero(crops)
    drawn = np.random.default_rng(0).choice(played, (_DRAWS, len(played)))
    low, high = np.percentile(right[drawn].sum(1) / crops[drawn].sum(1), [2.5, 97.5])
    return float(low), float(high)


def paired_difference(ours: Sequence[Trial], theirs: Sequence[Trial]) -> tuple[float, float, float]:
    """Recall of ours less theirs on crops that play rare, with a 95 % interval over classes.

    Trials are paired by fold and seed; crops of one class hang together, so classes are drawn
    (bootstrap by cluster), not crops.
    """
    rows = {(t.fold, t.seed): t.rows for t in theirs}
    keys = {(t.fold, t.seed) for t in ours} & set(rows)
    if any(
        not np.array_equal(rows[t.fold, t.seed], t.rows) for t in ours if (t.fold, t.seed) in keys
    ):
        raise InputError(
            f"'{ours[0].title}' and '{theirs[0].title}' measured other crops",
            "keep crop_size as it is in the base: it decides which crops are near-duplicates",
        )
    count = len(ours[0].real)
    a, crops = _by_class([t for t in ours if (t.fold, t.seed) in keys], count)
    b, _ = _by_class([t for t in theirs if (t.fold, t.seed) in keys], count)
    played = np.flatnonzero(crops)
    drawn = np.random.default_rng(0).choice(played, (_DRAWS, len(played)))
    change = (a - b)[drawn].sum(1) / crops[drawn].sum(1)
    low, high = np.percentile(change, [2.5, 97.5])
    return float((a - b).sum() / crops.sum()), float(low), float(high)
