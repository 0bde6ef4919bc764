"""One row of docs/results.md: its runs, what they said of the test crops, and figures of it."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

import numpy as np
from gains import gains_table, seeds_change

from raresign import RunFolder, evaluate_predictions, load_predictions, seeds_interval
from raresign.evaluation.crop_answers import read_answers
from raresign.evaluation.predictions import Group
from raresign.fitting.run_forecasts import judged_forecast


def interval(low: float, high: float) -> str:
    return f"{100 * low:.1f} to {100 * high:.1f}"


class Row:
    """A finished row: its runs, their predictions and figures."""

    def __init__(self, title: str, folders: list[Path]) -> None:
        self.title = title
        self.folders = folders
        self.infos = [RunFolder.open(folder).info for folder in folders]
        self.predictions = [load_predictions(folder) for folder in folders]
        self.groups = seeds_interval(self.predictions)

    def cell(self, group: str) -> str:
        summary = self.groups[group]
        spread = f" ± {100 * summary.spread:.1f}" if len(self.predictions) > 1 else ""
        return f"{100 * summary.mean:.1f}{spread} ({interval(summary.low, summary.high)})"

    def as_frequent(self) -> str:
        shares = [
            evaluate_predictions(predictions).rare_called_frequent.value
            for predictions in self.predictions
        ]
        return f"{100 * fmean(shares):.1f}"

    def calibration(self) -> str:
        """Expected calibration error in percent, mean over the seeds."""
        errors = [evaluate_predictions(one).group("all").ece for one in self.predictions]
        return f"{100 * fmean(errors):.1f}"

    def alone(self, part: str) -> str:
        """Rare and frequent recall of `classifier` or `prototypes` alone, mean over the seeds."""
        found: dict[str, list[float]] = {"rare": [], "freq": []}
        for folder, predictions in zip(self.folders, self.predictions, strict=True):
            file = folder / "evaluation" / "answers.parquet"
            if not file.exists():
                return "-"
            said = [getattr(answer, part) for answer in read_answers(file)]
            truth = [predictions.codes[label] for label in predictions.labels]
            right = np.array(said) == np.array(truth)
            for group, values in found.items():
                values.append(float(right[predictions.of_group(group)].mean()))
        return " / ".join(f"{100 * fmean(values):.1f}" for values in found.values())

    def forecast(self) -> str:
        """Correlation and mean error in points of the predicted recall of rare classes."""
        told = [
            judged_forecast(info["forecast"], predictions)
            for info, predictions in zip(self.infos, self.predictions, strict=True)
            if info.get("forecast")
        ]
        known = [quality for quality in told if quality is not None]
        if not known:
            return "-"
        return (
            f"{fmean(q.pearson for q in known):.2f}, {100 * fmean(q.error for q in known):.0f}, "
            f"{100 * fmean(q.coverage for q in known):.0f} %"
        )

    def pseudo_rare(self) -> str:
        recalls = [
            stage["pseudo_rare_recall"]
            for info in self.infos
            for stage in info["stages"]
            if stage["pseudo_rare_recall"] is not None
        ]
        return f"{100 * fmean(recalls):.1f}" if recalls else "-"

    def held_out(self, figure: str) -> dict[int, float]:
        """Seed -> `validation_recall` or `pseudo_rare_recall`, as it was last measured."""
        found = {}
        for folder, info in zip(self.folders, self.infos, strict=True):
            told = [stage[figure] for stage in info["stages"] if stage[figure] is not None]
            if told:
                found[int(folder.name.rpartition("-")[2])] = float(told[-1])
        return found

    def tested(self, group: Group) -> dict[int, float]:
        """Seed -> recall on the test crops of a group."""
        return {
            int(folder.name.rpartition("-")[2]): float(one.correct[one.of_group(group)].mean())
            for folder, one in zip(self.folders, self.predictions, strict=True)
        }

    def minutes(self) -> str:
        return f"{fmean(info['seconds'] for info in self.infos) / 60:.1f}"

    def crops(self) -> int:
        """Training crops of one run, repetitions counted."""
        stages = self.infos[0]["settings"]["recipe"]["stages"]
        return sum(stage["steps"] * (stage["real"] + stage["synthetic"]) for stage in stages)


def country_gains(countries: dict[str, dict[str, Row]]) -> str:
    """Each row that all countries have against the default recipe, see `gains_table`."""
    figures = {"pseudo-rare": "pseudo_rare_recall", "held-out freq": "validation_recall"}
    groups: tuple[Group, ...] = ("rare", "freq")
    shared = [
        title
        for title in next(iter(countries.values()))
        if title != "default recipe"
        and all({title, "default recipe"} <= {*rows} for rows in countries.values())
    ]
    judged, reported = {}, {}
    for title in shared:
        pairs = {name: (rows[title], rows["default recipe"]) for name, rows in countries.items()}
        judged[title] = [
            seeds_change(f"{name}, {words}", row.held_out(figure), base.held_out(figure))
            for name, (row, base) in pairs.items()
            for words, figure in figures.items()
        ]
        reported[title] = [
            seeds_change(f"{name}, test {group}", row.tested(group), base.tested(group))
            for name, (row, base) in pairs.items()
            for group in groups
        ]
    return gains_table(judged, reported) or "no row is finished in every country"
