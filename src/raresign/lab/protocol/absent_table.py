"""What trials with absent classes say: unknown signs told apart, added signs recognised."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np

from raresign.answers.unknown_rule import LEVELS
from raresign.evaluation.detection import area_under_risk_coverage, auroc, fpr_at_tpr
from raresign.evaluation.metrics import json_ready
from raresign.files import write_json
from raresign.lab.protocol.absent_trial import SCORES, AbsentTrial
from raresign.lab.protocol.forecast_check import ClassRecalls, cross_fold_forecast, forecast_line

_KINDS = {"known": "known signs", "near": "unknown signs", "far": "no sign"}


@dataclass(frozen=True)
class Spread:
    """Mean over trials, standard deviation (NaN for one); NaN trials had nothing to say."""

    mean: float
    spread: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of the values that are not NaN; NaN where there is none."""
        told = [value for value in values if not math.isnan(value)]
        return cls(fmean(told) if told else math.nan, stdev(told) if len(told) > 1 else math.nan)

    def percent(self) -> str:
        """`93.1 ± 0.4`, `-` for NaN."""
        if math.isnan(self.mean):
            return "-"
        spread = "" if math.isnan(self.spread) else f" ± {100 * self.spread:.1f}"
        return f"{100 * self.mean:.1f}{spread}"


@dataclass(frozen=True)
class ScoreRow:
    """How well one score tells known signs from unknown ones.

    Attributes:
        score: Its name.
        near, far: AUROC against absent classes and against crops without a sign.
        near_fpr, far_fpr: Share of those accepted where 95 % of the known crops are.
        risk: Area under the risk-coverage curve over known and near crops.
    """

    score: str
    near: Spread
    near_fpr: Spread
    far: Spread
    far_fpr: Spread
    risk: Spread


@dataclass(frozen=True)
class AbsentTable:
    """Figures over folds and seeds.

    Attributes:
        scores: One row a score.
        levels: kind of crop -> share answered at each level.
        class_error: Of the crops answered with a class, the share answered wrongly; known frequent
            signs are nine tenths of all crops, absent ones a tenth. Rare ones are not measured.
        family: Share of the absent classes' crops whose family was named, of all whose family a
            known class has.
        family_answered: The same among those answered at family level.
        added: Recall on real crops of absent classes once they were added, no training.
        lost: Recall on known classes before less after, in [-1, 1].
        added_tuned, lost_tuned: As `added` and `lost`, the net tuned for the absent classes.
        forecast: Quality of the forecast of added classes' recall, learned on the other folds.
        points: (code number, predicted, low, high, observed, crops) of every added class.
        learned: The forecast learned on all folds.
        trials: How many.
    """

    scores: tuple[ScoreRow, ...]
    levels: dict[str, tuple[float, ...]]
    class_error: Spread
    family: Spread
    family_answered: Spread
    added: Spread
    lost: Spread
    added_tuned: Spread
    lost_tuned: Spread
    forecast: dict[str, Any] | None
    points: tuple[tuple[float, ...], ...]
    learned: dict[str, Any] | None
    trials: int

    @classmethod
    def from_trials(cls, trials: Sequence[AbsentTrial]) -> AbsentTable:
        """Put trials of all folds together."""
        arrays = [trial.arrays for trial in trials]
        told = [a for a in arrays if "near_tuned" in a]  # trials of an earlier version have none
        quality, points, learned = cross_fold_forecast([_by_class(trial) for trial in trials])
        return cls(
            scores=tuple(_score_row(arrays, column) for column in range(len(SCORES))),
            levels={
                kind: tuple(
                    float(np.mean(np.concatenate([a[f"{kind}_level"] for a in arrays]) == number))
                    for number in range(len(LEVELS))
                )
                for kind in _KINDS
            },
            class_error=Spread.of([_class_error(a) for a in arrays]),
            family=Spread.of([_mean(a["near_family"][a["near_family_known"]]) for a in arrays]),
            family_answered=Spread.of(
                [_mean(a["near_family"][a["near_level"] == LEVELS.index("family")]) for a in arrays]
            ),
            added=Spread.of([_mean(a["near_right"]) for a in arrays]),
            lost=Spread.of([_mean(a["known_right"]) - _mean(a["known_after"]) for a in arrays]),
            added_tuned=Spread.of([_mean(a["near_tuned"]) for a in told]),
            lost_tuned=Spread.of([_mean(a["known_right"]) - _mean(a["known_tuned"]) for a in told]),
            forecast=quality,
            points=points,
            learned=learned,
            trials=len(trials),
        )

    def write(self, folder: Path) -> None:
        """Write absent.json."""
        write_json(folder / "absent.json", json_ready(self))

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; None for NaN."""
        return dict(json_ready(self))

    def markdown(self) -> str:
        """Tables for a page of the documentation, in percent."""
        lines = [
            "| score | near unknown: AUROC | FPR at 95 % TPR | no sign: AUROC | FPR at 95 % TPR "
            "| area under risk-coverage |",
            "|" + "---|" * 6,
        ]
        for row in self.scores:
            cells = (row.near, row.near_fpr, row.far, row.far_fpr, row.risk)
            lines.append(f"| {row.score} | " + " | ".join(cell.percent() for cell in cells) + " |")
        lines += ["", "| crops | class | family | sign | no sign |", "|" + "---|" * 5]
        for kind, title in _KINDS.items():
            shares = " | ".join(f"{100 * share:.1f}" for share in self.levels[kind])
            lines.append(f"| {title} | {shares} |")
        lines += [
            "",
            "- wrong among the crops answered with a class, nine known frequent signs to one "
            f"unknown: {self.class_error.percent()} %",
            f"- family of an unknown sign: {self.family.percent()} %, "
            f"{self.family_answered.percent()} % where a family was answered",
            f"- recall of signs added from one icon: {self.added.percent()} %",
            f"- lost by the earlier signs: {self.lost.percent()} points",
            f"- added, tuned: {self.added_tuned.percent()} %",
            f"- lost by the earlier signs, tuned: {self.lost_tuned.percent()} points",
        ]
        if self.forecast is not None:
            lines.append(forecast_line(self.forecast))
        return "\n".join(lines)


def _score_row(arrays: Sequence[dict[str, np.ndarray]], column: int) -> ScoreRow:
    figures = []
    for a in arrays:
        known, near, far = (a[f"{kind}_scores"][:, column] for kind in ("known", "near", "far"))
        risk = area_under_risk_coverage(
            np.concatenate([known, near]),
            np.concatenate([a["known_right"], np.zeros(len(near), bool)]),
        )
        told = [judge(known, other) for other in (near, far) for judge in (auroc, fpr_at_tpr)]
        figures.append((*told, risk))
    return ScoreRow(SCORES[column], *map(Spread.of, zip(*figures, strict=True)))


def _class_error(a: dict[str, np.ndarray]) -> float:
    """Wrong among the crops answered with a class, absent ones counting a tenth of all."""
    answered, absent = a["known_level"] == 0, a["near_level"] == 0
    right = 0.9 * float((answered & a["known_right"]).mean())
    wrong = 0.9 * float((answered & ~a["known_right"]).mean()) + 0.1 * float(absent.mean())
    return wrong / (right + wrong) if right + wrong else math.nan


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else math.nan


def _by_class(trial: AbsentTrial) -> ClassRecalls:
    """Facts and observed recall of the classes that were added in one trial."""
    a = trial.arrays
    rows = [a["near_labels"] == label for label in a["fact_labels"]]
    hits = np.array([a["near_right"][row].sum() for row in rows])
    crops = np.array([row.sum() for row in rows])
    return ClassRecalls(trial.fold, a["fact_labels"], a["facts"], hits, crops)
