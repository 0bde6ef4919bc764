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
from raresign.fitting.run_forecasts import facts_of
from raresign.lab.protocol.answer_rules import AnswerRow, answer_rows, answers_markdown
from raresign.lab.protocol.forecast_check import ClassRecalls, cross_fold_forecast, forecast_line
from raresign.lab.protocol.ideas import BASE, CEILING, REFERENCE
from raresign.lab.protocol.trial import Trial
from raresign.lab.protocol.trial_framing import FramingLoss, framing_markdown
from raresign.models.outputs import Outputs
from raresign.records import frame_of, to_arrow
from raresign.signs.catalogue.sign_catalogue import SignCatalogue

_DRAWS = 4000


@dataclass(frozen=True)
class ProtocolRow:
    """One row: means over folds and seeds.

    Attributes:
        rare: Recall on real crops of classes that play rare, in [0, 1], over all crops (micro).
        rare_spread: Standard deviation of it over the seeds, NaN for one.
        rare_low, rare_high: 95 % interval, classes drawn anew (bootstrap).
        frequent: Recall on held-out crops of classes that play frequent.
        called_frequent: Share of the crops that play rare and were called a class with real crops.
        difference: `rare` less the base's on the same crops, points in [-1, 1]; its interval draws
            classes anew; NaN for the base.
        low, high: Its 95 % interval.
        frequent_difference: `frequent` less the base's.
        frequent_low, frequent_high: Its 95 % interval.
        gap: Share of the gap from the published recipe to the ceiling that it closes.
        seconds: Training time a trial, mean.
        steps: Optimiser steps a trial.
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
    frequent_low: float
    frequent_high: float
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
        framing: What every row loses on crops that are framed otherwise, where it was measured.
    """

    rows: tuple[ProtocolRow, ...]
    classes: tuple[str, ...]
    clusters: int
    leaks: int
    answers: tuple[AnswerRow, ...] = ()
    forecast: dict[str, Any] | None = None
    points: tuple[tuple[float, ...], ...] = ()
    learned: dict[str, Any] | None = None
    framing: tuple[FramingLoss, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; None for NaN."""
        return dict(json_ready(self))

    def to_arrow(self) -> Any:
        """An Arrow table of the rows."""
        return to_arrow(json_ready(row) for row in self.rows)

    def to_pandas(self) -> Any:
        """The same as a pandas DataFrame; InputError where pandas is not installed."""
        return frame_of(self.to_arrow())

    @classmethod
    def from_trials(
        cls,
        trials: Mapping[str, Sequence[Trial]],
        catalogue: SignCatalogue,
        leaks: int,
        clusters: int,
    ) -> ProtocolTable:
        """Put trials together: by the title of their row, the base among them."""
        base = trials[BASE]
        rare = {title: _recall(ones, True) for title, ones in trials.items()}
        frequent = {title: _recall(ones, False) for title, ones in trials.items()}
        floor, ceiling = (rare.get(title, math.nan) for title in (REFERENCE, CEILING))
        rows = []
        for title, ones in trials.items():
            low, high = _interval(*_by_class(ones))
            seeds = sorted({trial.seed for trial in ones})
            spread = [_recall([t for t in ones if t.seed == seed], True) for seed in seeds]
            same = title == BASE
            change, down, up = (math.nan,) * 3 if same else paired_difference(ones, base)
            ends = (math.nan,) * 3 if same else paired_difference(ones, base, rare=False)
            called = [(t.real[t.logits.argmax(1)] & ~hits(t))[t.plays_rare] for t in ones]
            rows.append(
                ProtocolRow(
                    title=title,
                    rare=rare[title],
                    rare_spread=float(np.std(spread, ddof=1)) if len(seeds) > 1 else math.nan,
                    rare_low=low,
                    rare_high=high,
                    frequent=frequent[title],
                    called_frequent=float(np.concatenate(called).mean()),
                    difference=change,
                    low=down,
                    high=up,
                    frequent_difference=math.nan if same else frequent[title] - frequent[BASE],
                    frequent_low=ends[1],
                    frequent_high=ends[2],
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
            spread = _percent(row.rare_spread, " ± {:.1f}")
            interval = f" ({100 * row.low:+.1f} to {100 * row.high:+.1f})"
            cells = (
                row.title,
                f"{100 * row.rare:.1f}{spread} ({100 * row.rare_low:.1f} to "
                f"{100 * row.rare_high:.1f})",
                f"{100 * row.frequent:.1f}",
                f"{100 * row.called_frequent:.1f}",
                _percent(row.difference, "{:+.1f}" + interval),
                _percent(row.frequent_difference, "{:+.1f}"),
                _percent(row.gap, "{:.0f}"),
                f"{row.seconds:.0f} | {row.steps} | {row.trials}",
            )
            lines.append(f"| {' | '.join(cells)} |")
        if self.answers:
            lines += ["", answers_markdown(self.answers)]
        if self.forecast is not None:
            lines += ["", forecast_line(self.forecast)]
        if self.framing:
            lines += ["", framing_markdown({"": self.framing})]
        return "\n".join(lines)


def class_recalls(trial: Trial, catalogue: SignCatalogue) -> ClassRecalls:
    """Facts and observed recall of the classes that played rare in a trial."""
    right, crops = _by_class([trial])
    classes = np.flatnonzero(crops)
    made = Outputs(trial.index_logits, trial.index, trial.index_labels)
    means = trial.prototypes().class_means
    facts = facts_of(classes.tolist(), made, means, trial.real, catalogue)
    return ClassRecalls(trial.fold, classes, facts, right[classes], crops[classes])


def hits(trial: Trial) -> np.ndarray:
    """(N,) bool: whether the classifier alone names each measured crop."""
    right: np.ndarray = trial.logits.argmax(1) == trial.labels
    return right


def _percent(share: float, form: str) -> str:
    return "" if math.isnan(share) else form.format(100 * share)


def _recall(trials: Sequence[Trial], rare: bool) -> float:
    """Over all crops of all trials that play rare, or that do not."""
    return float(np.concatenate([hits(t)[t.plays_rare == rare] for t in trials]).mean())


def _by_class(trials: Sequence[Trial], rare: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """(C,) hits and crops of the classes that play rare, or that do not, summed over trials."""
    count = len(trials[0].real)
    right, crops = np.zeros(count), np.zeros(count)
    for trial in trials:
        own = trial.plays_rare == rare
        right += np.bincount(trial.labels[own], hits(trial)[own], minlength=count)
        crops += np.bincount(trial.labels[own], minlength=count)
    return right, crops


def _interval(right: np.ndarray, crops: np.ndarray) -> tuple[float, float]:
    """95 % interval of the recall: crops of one class hang together, so classes are drawn."""
    played = np.flatnonzero(crops)
    drawn = np.random.default_rng(0).choice(played, (_DRAWS, len(played)))
    low, high = np.percentile(right[drawn].sum(1) / crops[drawn].sum(1), [2.5, 97.5])
    return float(low), float(high)


def paired_difference(
    ours: Sequence[Trial], theirs: Sequence[Trial], rare: bool = True
) -> tuple[float, float, float]:
    """Recall of ours less theirs on crops that play rare, with a 95 % interval over classes.

    Trials are paired by fold and seed. Unless `rare`: on held-out crops of frequent classes.

    Raises:
        InputError: The trials of a pair measured other crops.
    """
    others = {(t.fold, t.seed): t for t in theirs}
    pairs = [(t, others[t.fold, t.seed]) for t in ours if (t.fold, t.seed) in others]
    if not all(np.array_equal(one.rows, other.rows) for one, other in pairs):
        raise InputError(
            f"'{ours[0].title}' and '{theirs[0].title}' measured other crops",
            "keep crop_size as it is in the base: it decides which crops are near-duplicates",
        )
    a, crops = _by_class([one for one, _ in pairs], rare)
    b, _ = _by_class([other for _, other in pairs], rare)
    return float((a - b).sum() / crops.sum()), *_interval(a - b, crops)
