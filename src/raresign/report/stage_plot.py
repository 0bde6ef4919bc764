"""Recall on the test after each stage: all, rare and frequent signs; in the page and as PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from raresign.evaluation.predictions import GROUPS
from raresign.files import whole_file
from raresign.language.spoken import _, later
from raresign.report.answer_levels import GROUP_NAMES
from raresign.report.plot import Axis, Curve, Point, draw_plot, share_axis
from raresign.report.stages import stage_rows
from raresign.runs.run_view import StageLog, view_run

FOLDER = "plots"
_SIZE, _DPI = (7.2, 3.6), 130
_COLOURS = {"all": "#3f444d", "rare": "#a84a06", "freq": "#17647f"}
_HELD_OUT = {
    "validation_recall": later("frequent, held out"),
    "pseudo_rare_recall": later("pseudo-rare"),
}
_LOOKS = dict(zip(_HELD_OUT, ("#17647f", "#a84a06"), strict=True))
_Series = Mapping[str, Sequence[Point]]


def recall_by_stage(
    rows: Sequence[Mapping[str, Any]], answers: Mapping[str, Any]
) -> tuple[list[str], dict[str, list[Point]]]:
    """What stands on the horizontal axis, and (place, recall) of each group.

    Args:
        rows: As `stage_rows` gives them.
        answers: Recall of classifier and prototypes together, by group; may be empty.

    Example:
        >>> recall_by_stage([{"name": "mixed", "all": 0.5, "rare": None, "freq": 0.5}], {})
        (['mixed'], {'all': [(1.0, 0.5)], 'rare': [], 'freq': [(1.0, 0.5)]})
    """
    last = [answers] if any(isinstance(answers.get(group), float) for group in GROUPS) else []
    names = [str(row["name"]) for row in rows] + [_("answers")] * len(last)
    series: dict[str, list[Point]] = {group: [] for group in GROUPS}
    for place, row in enumerate([*rows, *last], 1):
        for group in GROUPS:
            value = row.get(group)
            if isinstance(value, int | float) and not isinstance(value, bool):
                series[group].append((float(place), float(value)))
    return names, series


def stage_chart(names: Sequence[str], series: _Series) -> tuple[str, list[tuple[str, str]]]:
    """The plot as SVG and its legend; "" if nothing was measured on a test."""
    drawn = {group: points for group, points in series.items() if points}
    if not drawn:
        return "", []
    across = Axis(
        _("stage"),
        0.5,
        len(names) + 0.5,
        [(float(place), escape(name[:14])) for place, name in enumerate(names, 1)],
    )
    curves = [
        Curve(points, f"curve-{group}", (4.0,) * len(points)) for group, points in drawn.items()
    ]
    chart = draw_plot(
        _("Recall on the test crops after each stage"), across, share_axis(""), curves
    )
    return chart, [(f"curve-{group}", _(GROUP_NAMES[group])) for group in drawn]


def write_plots(run: Path) -> list[Path]:
    """Write the plots of a run as PNG files into RUN/plots, those that there are values for.

    Returns:
        The files: recall-by-stage.png, recall-while-training.png and loss.png.

    Raises:
        InputError: `run` is no run.
        OSError: They cannot be written.
    """
    view = view_run(run)
    test = view.info.get("test")
    names, series = recall_by_stage(
        stage_rows(view.info), test if isinstance(test, Mapping) else {}
    )
    written = []
    if any(series.values()):
        labelled = {_(GROUP_NAMES[group]): points for group, points in series.items() if points}
        colours = [_COLOURS[group] for group, points in series.items() if points]
        file = run / FOLDER / "recall-by-stage.png"
        _draw(file, labelled, colours, _("recall, test crops"), names=names)
        written.append(file)
    for name, columns, label in (
        ("recall-while-training.png", _HELD_OUT, _("recall, held-out crops")),
        ("loss.png", {"loss": later("training loss")}, _("training loss")),
    ):
        logged = {column: _placed(view.logs, column) for column in columns}
        logged = {column: points for column, points in logged.items() if points}
        if logged:
            labelled = {_(columns[column]): points for column, points in logged.items()}
            colours = [_LOOKS.get(column, "#3f444d") for column in logged]
            _draw(run / FOLDER / name, labelled, colours, label)
            written.append(run / FOLDER / name)
    return written


def _placed(logs: Sequence[StageLog], column: str) -> list[Point]:
    """A column of all stages, steps counted from the beginning of the first."""
    points: list[Point] = []
    start = 0.0
    for log in logs:
        points += [(start + step, value) for step, value in log.series(column)]
        start += log.length
    return points


def _draw(
    path: Path, series: _Series, colours: Sequence[str], label: str, names: Sequence[str] = ()
) -> None:
    from matplotlib.figure import Figure  # half a second; without pyplot no window system is asked

    figure = Figure(figsize=_SIZE, dpi=_DPI, layout="constrained")
    axes = figure.add_subplot()
    for (words, points), colour in zip(series.items(), colours, strict=False):
        few = "o-" if len(points) <= 40 else "-"
        axes.plot(*zip(*points, strict=True), few, color=colour, label=words, markersize=5)
    if label.startswith("recall"):
        axes.set_ylim(0, 1.02)
    if names:
        axes.set_xticks(range(1, len(names) + 1), names)
        axes.set_xlim(0.5, len(names) + 0.5)
    axes.set_xlabel(_("stage") if names else _("training step"))
    axes.set_ylabel(label)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    path.parent.mkdir(exist_ok=True)
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png")
