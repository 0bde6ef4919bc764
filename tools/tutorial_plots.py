"""Draws the curves of docs/four-stages.md from the stages/*/metrics.csv of a run.

python tools/tutorial_plots.py RUN --out docs/images   tutorial-recall.png, tutorial-loss.png
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

RECALLS = {
    "validation_recall": ("frequent signs", "#1f5fa8"),
    "pseudo_rare_recall": ("frequent signs that play rare", "#c0392b"),
}
SIZE, DPI = (7.2, 3.0), 110


class Stage:
    """The log of one stage, its steps counted on from the stages before."""

    def __init__(self, folder: Path, start: int) -> None:
        self.name = folder.name.partition("-")[2]
        self.start = start
        with (folder / "metrics.csv").open(newline="") as file:
            self.rows = list(csv.DictReader(file))
        self.end = start + max(int(row["step"]) for row in self.rows)

    def series(self, column: str) -> tuple[list[int], list[float]]:
        rows = [row for row in self.rows if row.get(column)]
        return [self.start + int(row["step"]) for row in rows], [float(row[column]) for row in rows]


def stages_of(run: Path) -> list[Stage]:
    """All stages of a run in order."""
    stages: list[Stage] = []
    for folder in sorted((run / "stages").iterdir()):
        if (folder / "metrics.csv").exists():
            stages.append(Stage(folder, stages[-1].end if stages else 0))
    if not stages:
        raise SystemExit(f"{run} has no stages/*/metrics.csv: give a run folder")
    return stages


def axes_of(stages: list[Stage]) -> Axes:
    """An empty chart with the name of each stage above it and a line where it ends."""
    _, axes = plt.subplots(figsize=SIZE, dpi=DPI, layout="constrained")
    for stage in stages:
        axes.axvline(stage.end, color="#cccccc", linewidth=1, zorder=0)
        middle = (stage.start + stage.end) / 2
        axes.text(middle, 1.02, stage.name, transform=axes.get_xaxis_transform(), ha="center")
    axes.set_xlim(0, stages[-1].end)
    axes.set_xlabel("training step")
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def recall_chart(stages: list[Stage]) -> None:
    axes = axes_of(stages)
    for column, (label, colour) in RECALLS.items():
        points = [pair for stage in stages for pair in zip(*stage.series(column), strict=True)]
        axes.plot(*zip(*points, strict=True), "o-", color=colour, label=label, markersize=4)
    axes.set_ylim(0, 1.02)
    axes.set_ylabel("recall, held-out crops")
    axes.legend(loc="lower right", frameon=False)


def loss_chart(stages: list[Stage]) -> None:
    axes = axes_of(stages)
    for stage in stages:
        axes.plot(*stage.series("loss"), color="#1f5fa8")
    axes.set_yscale("log")
    axes.set_ylabel("training loss")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    options = parser.parse_args()
    stages = stages_of(options.run)
    for name, draw in {"recall": recall_chart, "loss": loss_chart}.items():
        draw(stages)
        path = options.out / f"tutorial-{name}.png"
        plt.savefig(path, facecolor="white", pil_kwargs={"optimize": True})
        plt.close()
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
