"""Training curves: the loss and the recall over all stages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from raresign.language.spoken import _
from raresign.report.plot import Axis, Curve, Point, draw_plot, round_ticks, share_axis
from raresign.report.words import count, spoken_number
from raresign.runs.run_view import StageLog

_HEIGHT = 310
_MOST_DOTS = 25


def loss_chart(stages: Sequence[StageLog]) -> str:
    """The training loss over all stages as SVG; "" if nothing was logged.

    The pale line is the loss as logged, the strong one its running mean. The axis leaves out the
    highest hundredth of the values, so that one spike does not flatten the rest.
    """
    logged = [points for points in _placed(stages, "loss") if points]
    if not logged:
        return ""
    values = [value for points in logged for _step, value in points]
    ticks = round_ticks(max(float(np.quantile(values, 0.99)), 1e-6))
    up = Axis("", 0.0, ticks[-1], [(tick, spoken_number(f"{tick:g}")) for tick in ticks])
    curves = [Curve(points, "curve-raw") for points in logged]
    curves += [_dotted(_smoothed(points), "curve-loss") for points in logged]
    return _chart(_("Training loss over {n} steps; stages: {names}"), stages, up, curves)


def recall_chart(stages: Sequence[StageLog]) -> str:
    """Validation and pseudo-rare recall over all stages as SVG; "" if neither was measured."""
    curves = [
        _dotted(points, css)
        for column, css in (
            ("validation_recall", "curve-validation"),
            ("pseudo_rare_recall", "curve-pseudo"),
        )
        for points in _placed(stages, column)
        if points
    ]
    return (
        _chart(
            _("Recall while training over {n} steps; stages: {names}"),
            stages,
            share_axis(""),
            curves,
        )
        if curves
        else ""
    )


def _chart(title: str, stages: Sequence[StageLog], up: Axis, curves: Sequence[Curve]) -> str:
    """Curves over the steps of all stages, which are named if there are several."""
    ends = np.cumsum([0.0, *(stage.length for stage in stages)]).tolist()
    marks = [(ends[i], ends[i + 1], stage.name) for i, stage in enumerate(stages)]
    steps = ends[-1] or 1.0
    ticks = [(tick, count(tick)) for tick in round_ticks(steps, most=5) if tick <= steps]
    names = ", ".join(stage.name for stage in stages)
    return draw_plot(
        title.format(n=count(steps), names=names),
        Axis(_("step"), 0.0, steps, ticks),
        up,
        curves,
        height=_HEIGHT,
        stages=marks if len(marks) > 1 else (),
    )


def _placed(stages: Sequence[StageLog], column: str) -> list[list[Point]]:
    """The column of each stage, its steps counted from the beginning of the first stage."""
    starts = np.cumsum([0.0, *(stage.length for stage in stages)]).tolist()
    return [
        [(start + step, value) for step, value in stage.series(column)]
        for start, stage in zip(starts, stages, strict=False)
    ]


def _dotted(points: Sequence[Point], css: str) -> Curve:
    """A curve; few measurements are dots, too: a line would hide where they were taken."""
    return Curve(points, css, (3.2,) * len(points) if len(points) <= _MOST_DOTS else ())


def _smoothed(points: Sequence[Point]) -> list[Point]:
    """A centred running mean over about a twelfth of the points."""
    reach = len(points) // 24
    sums = np.cumsum([0.0, *(value for _step, value in points)])
    place = np.arange(len(points))
    low, high = np.maximum(place - reach, 0), np.minimum(place + reach + 1, len(points))
    means = (sums[high] - sums[low]) / (high - low)
    return list(zip([step for step, _value in points], means.tolist(), strict=True))
