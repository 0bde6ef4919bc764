"""Training curves as hand-made SVG that takes its colours from the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from raresign.report.words import count
from raresign.runs.run_view import StageLog

# Drawing units; the page scales the picture, so text is set large enough for a narrow screen.
_WIDTH, _HEIGHT = 560, 290
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 28, 42
_MOST_POINTS = 240
# A stage label takes about this many units a letter.
_LETTER = 7.2

Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """One curve of one stage: (step, value) points and the CSS class that colours it."""

    points: tuple[Point, ...]
    css: str


def loss_chart(stages: Sequence[StageLog]) -> str:
    """The training loss over all stages, one after the other; "" if nothing was logged.

    The pale line is the loss as logged, the strong one its running mean. The axis ends at the
    99th percentile, so that one spike does not flatten the rest.
    """
    lines: list[Line] = []
    values: list[float] = []
    for offset, stage in _placed(stages):
        points = _thinned([(offset + step, value) for step, value in stage.series("loss")])
        lines.append(Line(points, "curve-raw"))
        lines.append(Line(_smoothed(points), "curve-loss"))
        values += [value for _, value in points]
    if not values:
        return ""
    top = max(float(np.quantile(values, 0.99)) * 1.08, 1e-6)
    ticks = _nice_ticks(top)
    return _chart(
        "Training loss", stages, lines, max(top, ticks[-1]), [(t, f"{t:g}") for t in ticks]
    )


def recall_chart(stages: Sequence[StageLog]) -> str:
    """Validation recall and pseudo-rare recall over all stages; "" if neither was measured."""
    lines: list[Line] = []
    for offset, stage in _placed(stages):
        for column, css in (
            ("validation_recall", "curve-validation"),
            ("pseudo_rare_recall", "curve-pseudo"),
        ):
            lines.append(Line(tuple((offset + s, v) for s, v in stage.series(column)), css))
    if not any(line.points for line in lines):
        return ""
    ticks = [(share / 4, f"{25 * share}\u202f%") for share in range(5)]
    return _chart("Recall while training", stages, lines, 1.0, ticks)


def _placed(stages: Sequence[StageLog]) -> Iterable[tuple[float, StageLog]]:
    """Each stage with the step at which it begins on the common axis."""
    offset = 0.0
    for stage in stages:
        yield offset, stage
        offset += stage.length


def _chart(
    title: str,
    stages: Sequence[StageLog],
    lines: Sequence[Line],
    top: float,
    ticks: Sequence[tuple[float, str]],
) -> str:
    """An SVG with axes, stage boundaries and lines; values run from 0 to `top`."""
    total = sum(stage.length for stage in stages) or 1.0
    inner_width, inner_height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def x(step: float) -> float:
        return round(_LEFT + inner_width * step / total, 1)

    def y(value: float) -> float:
        return round(_TOP + inner_height * (1 - min(max(value, 0.0), top) / top), 1)

    names = ", ".join(stage.name for stage in stages)
    parts = [
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(title)} over {count(total)} steps; stages: {escape(names)}">'
    ]
    for value, label in ticks:
        parts.append(f'<path class="grid" d="M{_LEFT} {y(value)}H{_WIDTH - _RIGHT}"/>')
        parts.append(
            f'<text class="tick" x="{_LEFT - 7}" y="{y(value) + 4:.1f}" text-anchor="end">'
            f"{label}</text>"
        )
    for number, (offset, stage) in enumerate(_placed(stages), start=1):
        left, right = x(offset), x(offset + stage.length)
        if number % 2 == 0:
            parts.append(
                f'<rect class="band" x="{left}" y="{_TOP}" width="{right - left:.1f}" '
                f'height="{inner_height}"/>'
            )
        if number > 1:
            parts.append(f'<path class="boundary" d="M{left} {_TOP - 6}V{_HEIGHT - _BOTTOM}"/>')
        full = f"{number} {stage.name}"
        label = full if len(full) * _LETTER <= right - left else str(number)
        parts.append(
            f'<text class="stage" x="{(left + right) / 2:.1f}" y="{_TOP - 10}" '
            f'text-anchor="middle">{escape(label)}<title>{escape(full)}</title></text>'
        )
    for step in _nice_ticks(total, most=5):
        parts.append(
            f'<text class="tick" x="{x(step)}" y="{_HEIGHT - _BOTTOM + 19}" '
            f'text-anchor="middle">{count(step)}</text>'
        )
    parts.append(
        f'<text class="tick" x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 5}" text-anchor="end">step</text>'
    )
    for line in lines:
        path = " ".join(f"{x(step)},{y(value)}" for step, value in line.points)
        if len(line.points) > 1:
            parts.append(f'<polyline class="curve {line.css}" points="{path}"/>')
        # Few measurements are shown as dots: a line alone would hide where they were taken.
        if line.css != "curve-raw" and 0 < len(line.points) <= 25:
            parts += [
                f'<circle class="dot {line.css}" cx="{x(step)}" cy="{y(value)}" r="3.2"/>'
                for step, value in line.points
            ]
    return "".join([*parts, "</svg>"])


def _thinned(points: Sequence[Point]) -> tuple[Point, ...]:
    """At most 240 points: means of equal runs of neighbours."""
    if len(points) <= _MOST_POINTS:
        return tuple(points)
    chunks = np.array_split(np.asarray(points, dtype=np.float64), _MOST_POINTS)
    return tuple((float(chunk[:, 0].mean()), float(chunk[:, 1].mean())) for chunk in chunks)


def _smoothed(points: Sequence[Point]) -> tuple[Point, ...]:
    """A centred running mean over about a twelfth of the points."""
    reach = len(points) // 24
    values = [value for _, value in points]
    return tuple(
        (step, float(np.mean(values[max(0, i - reach) : i + reach + 1])))
        for i, (step, _) in enumerate(points)
    )


def _nice_ticks(top: float, most: int = 6) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten from 0 up to `top`."""
    power = 10.0 ** math.floor(math.log10(top / most))
    gap = next(power * factor for factor in (1, 2, 5, 10) if power * factor * most >= top)
    return [round(gap * i, 10) for i in range(int(top / gap + 1e-9) + 1)]
