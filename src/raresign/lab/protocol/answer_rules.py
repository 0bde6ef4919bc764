"""The same trained nets answered in other ways: rules fitted on the other folds, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.special import softmax

from raresign.answers.fusion import Fusion
from raresign.evaluation.calibration import calibration_error
from raresign.fitting.rules_fit import HeldOut, calibrate_fusion
from raresign.lab.hard_gate import fit_hard_gate
from raresign.lab.protocol.trial import Trial

_Said = list[tuple[np.ndarray, np.ndarray | None]]
"""Labels of each trial's crops, and how sure they are."""


@dataclass(frozen=True)
class AnswerRow:
    """One way to answer, measured on all folds and seeds of a protocol's base.

    Attributes:
        rare: Recall on crops that play rare, in [0, 1].
        frequent: Recall on held-out crops of frequent classes.
        called_frequent: Share of the crops that play rare and were called a frequent class.
        ece: Expected calibration error, both kinds counting half; NaN without probabilities.
        difference: `rare` plus `frequent`, halved, less that of the classifier alone.
    """

    title: str
    rare: float
    frequent: float
    called_frequent: float
    ece: float
    difference: float = 0.0


def answer_rows(trials: Sequence[Trial]) -> tuple[AnswerRow, ...]:
    """Every way to answer, none for one fold; rules are fitted on other folds of the same seed."""
    if len({trial.fold for trial in trials}) < 2:
        return ()
    mean = [_held(trial, "mean") for trial in trials]
    nearest = [_held(trial, "nearest") for trial in trials]
    ways: dict[str, _Said] = {
        "classifier alone": [_softmax(held.logits) for held in mean],
        "prototypes alone, class means": [(held.cosines.argmax(1), None) for held in mean],
        "prototypes alone, 5 nearest": [(held.cosines.argmax(1), None) for held in nearest],
    }
    gates: tuple[Literal["forest", "logistic"], ...] = ("forest", "logistic")
    if _has_both_types(trials, mean):
        for kind in gates:
            title = f"hard gate ({kind}), then prototypes or classifier"
            ways[title] = _gated(trials, mean, kind)
    for title, helds, parts in (
        ("temperature", mean, ("logits",)),
        ("temperature and bias", mean, ("logits", "bias")),
        ("prototypes and bias, calibrated", mean, ("prototypes", "bias")),
        ("fused: classifier, class means, bias", mean, ("logits", "prototypes", "bias")),
        ("fused: classifier, 5 nearest, bias", nearest, ("logits", "prototypes", "bias")),
    ):
        ways[title] = _fused(trials, helds, parts)
    rows = [_row(title, mean, said) for title, said in ways.items()]
    alone = rows[0].rare + rows[0].frequent
    return tuple(replace(row, difference=(row.rare + row.frequent - alone) / 2) for row in rows)


def answers_markdown(rows: Sequence[AnswerRow]) -> str:
    """The rows for a page of the documentation, in percent and points."""
    lines = [
        "| answered by | plays rare % | freq % | rare called freq % | ECE % | mean, points |",
        "|" + "---|" * 6,
    ]
    for row in rows:
        ece = "" if np.isnan(row.ece) else f"{100 * row.ece:.1f}"
        lines.append(
            f"| {row.title} | {100 * row.rare:.1f} | {100 * row.frequent:.1f} "
            f"| {100 * row.called_frequent:.1f} | {ece} | {100 * row.difference:+.1f} |"
        )
    return "\n".join(lines)


def _held(trial: Trial, rule: Literal["mean", "nearest"]) -> HeldOut:
    cosines = trial.prototypes().similarities(trial.embedding, rule)
    return HeldOut(trial.logits, cosines, trial.labels, trial.plays_rare, ~trial.real)


def _softmax(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels and confidences."""
    p = softmax(scores.astype(np.float64), axis=1)
    return p.argmax(1), p.max(1)


def _fused(trials: Sequence[Trial], helds: Sequence[HeldOut], parts: tuple[str, ...]) -> _Said:
    """Answers by the mean of the rules of the other folds, fitted on crops that are not judged."""
    names = ("logit_scale", "prototype_scale", "rare_bias")
    said: _Said = []
    for number, held in enumerate(helds):
        chosen = [calibrate_fusion(other, parts) for other in _others(trials, helds, number)]
        rule = Fusion(*(float(np.mean([getattr(one, name) for one in chosen])) for name in names))
        said.append(_softmax(rule.scores(held.logits, held.cosines, held.rare)))
    return said


def _others(trials: Sequence[Trial], helds: Sequence[HeldOut], number: int) -> Iterator[HeldOut]:
    """Of the same seed's other folds the crops that trial `number` does not measure."""
    own = trials[number]
    for trial, held in zip(trials, helds, strict=True):
        if trial.seed == own.seed and trial.fold != own.fold:
            keep = ~np.isin(trial.rows, own.rows)
            names = ("logits", "cosines", "labels", "plays_rare")
            yield replace(held, **{name: getattr(held, name)[keep] for name in names})


def _has_both_types(trials: Sequence[Trial], helds: Sequence[HeldOut]) -> bool:
    """Whether every gate can be fitted: not so where a fold holds crops of one type only."""
    others = (next(_others(trials, helds, number)) for number in range(len(helds)))
    return all(len(np.unique(other.rare[other.labels])) == 2 for other in others)


def _gated(
    trials: Sequence[Trial], helds: Sequence[HeldOut], kind: Literal["forest", "logistic"]
) -> _Said:
    """Answers by the hard gate of one other fold."""
    said: _Said = []
    for number, held in enumerate(helds):
        other = next(_others(trials, helds, number))
        gate = fit_hard_gate(other.logits, other.cosines, other.labels, other.rare, kind=kind)
        said.append((gate.predict(held.logits, held.cosines, held.rare), None))
    return said


def _row(title: str, helds: Sequence[HeldOut], said: _Said) -> AnswerRow:
    right = np.concatenate([a == h.labels for (a, _), h in zip(said, helds, strict=True)])
    rare = np.concatenate([held.plays_rare for held in helds])
    frequent_class = np.concatenate([~h.rare[a] for (a, _), h in zip(said, helds, strict=True)])
    ece = float("nan")
    if said[0][1] is not None:
        sure = np.concatenate([c for _, c in said if c is not None])
        ece = float(np.mean([calibration_error(sure[g], right[g]) for g in (rare, ~rare)]))
    called = float((frequent_class & ~right)[rare].mean())
    return AnswerRow(title, float(right[rare].mean()), float(right[~rare].mean()), called, ece)
