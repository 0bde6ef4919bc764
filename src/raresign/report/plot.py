"""Line plots as SVG text, in the colours of the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from raresign.report.words import spoken_number

# Drawing units; the page scales the picture, so text is set large enough for a narrow screen.
_WIDTH = 560
_LEFT, _RIGHT, _BOTTOM = 62, 36, 58
_LETTER = 7.2  # width of a letter of a stage label
_MOST_POINTS = 240

Point = tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """One curve of a plot.

    Args:
        points: (x, y) by rising x.
        css: The CSS class that colours it.
        radii: The size of a dot at each point, in drawing units; none draws the line alone.
    """

    points: Sequence[Point]
    css: str
    radii: Sequence[float] = ()


@dataclass(frozen=True)
class Axis:
    """An axis from `low` to `high` with its label and ticks: (value, text)."""

    label: str
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]

    def place(self, value: float) -> float:
        """Where a value stands between both ends, in [0, 1]."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)


def share_axis(label: str, lowest: float = 0.0) -> Axis:
    """An axis in percent that ends at 1 and begins at a tick at or below `lowest`.

    Example:
        >>> [text for _, text in share_axis("accuracy", 0.63).ticks]
        ['60\\u202f%', '70\\u202f%', '80\\u202f%', '90\\u202f%', '100\\u202f%']
    """
    coarse = 0.1 if lowest >= 0.5 else 0.2
    low = min(0.9, math.floor(lowest / coarse + 1e-9) * coarse)
    gap = next(gap for gap in (0.02, 0.05, 0.1, 0.2) if (1 - low) / gap < 5.5)
    steps = int((1 - low) / gap + 1e-9)
    shares = [round(1 - gap * i, 10) for i in range(steps, -1, -1)]
    return Axis(
        label,
        low,
        1.0,
        [(share, f"{spoken_number(format(100 * share, 'g'))}\u202f%") for share in shares],
    )


def round_ticks(top: float, most: int = 6) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten, from 0 to the first at or above `top`.

    Example:
        >>> round_ticks(3.7)
        [0.0, 1.0, 2.0, 3.0, 4.0]
    """
    power = 10.0 ** math.floor(math.log10(top / most))
    gap = next(power * factor for factor in (1, 2, 5, 10) if power * factor * most >= top)
    return [round(gap * i, 10) for i in range(math.ceil(top / gap - 1e-9) + 1)]


def draw_plot(
    title: str,
    across: Axis,
    up: Axis,
    curves: Sequence[Curve],
    *,
    height: int = 380,
    diagonal: bool = False,
    stages: Sequence[tuple[float, float, str]] = (),
) -> str:
    """An SVG of curves over two axes.

    Args:
        title: Read out by screen readers.
        across: The horizontal axis.
        up: The vertical axis.
        curves: Drawn in this order; at most 240 points of a curve without dots.
        height: In drawing units; the width is 560.
        diagonal: Whether to draw the line on which both values are equal.
        stages: (first, last, name) of parts of the horizontal axis that are marked.

    Example:
        >>> draw_plot("Empty", share_axis("x"), share_axis("y"), []).count("<text")
        14
    """
    right, foot = _WIDTH - _RIGHT, height - _BOTTOM
    top = 36 if up.label or stages else 14

    def x(value: float) -> float:
        return round(_LEFT + (right - _LEFT) * across.place(value), 1)

    def y(value: float) -> float:
        return round(foot - (foot - top) * up.place(value), 1)

    parts = []
    for value, words in up.ticks:
        parts.append(f'<path class="grid" d="M{_LEFT} {y(value)}H{right}"/>')
        parts.append(_text(_LEFT - 8, y(value) + 4, "end", words))
    for value, words in across.ticks:
        parts.append(f'<path class="grid" d="M{x(value)} {top}V{foot}"/>')
        parts.append(_text(x(value), foot + 20, "middle", words))
    for number, (first, last, name) in enumerate(stages, start=1):
        left, width = x(first), x(last) - x(first)
        if number % 2 == 0:
            size = f'width="{width:.1f}" height="{foot - top}"'
            parts.append(f'<rect class="band" x="{left}" y="{top}" {size}/>')
        if number > 1:
            parts.append(f'<path class="boundary" d="M{left} {top - 6}V{foot}"/>')
        full = f"{number} {name}"
        label = full if len(full) * _LETTER <= width else str(number)
        words = f"{escape(label)}<title>{escape(full)}</title>"
        parts.append(_text(left + width / 2, top - 10, "middle", words, "stage"))
    parts.append(_text(right, height - 8, "end", escape(across.label)))
    if up.label:
        parts.append(_text(_LEFT, top - 18, "start", escape(up.label)))
    if diagonal:
        line = f"M{x(up.low)} {y(up.low)}L{x(up.high)} {y(up.high)}"
        parts.append(f'<path class="boundary" d="{line}" fill="none"/>')
    for curve in curves:
        points = curve.points if curve.radii else thinned(curve.points)
        if len(points) > 1:
            path = " ".join(f"{x(a)},{y(b)}" for a, b in points)
            parts.append(f'<polyline class="curve {curve.css}" points="{path}"/>')
        parts += [
            f'<circle class="dot {curve.css}" cx="{x(a)}" cy="{y(b)}" r="{radius:.1f}"/>'
            for (a, b), radius in zip(curve.points, curve.radii, strict=bool(curve.radii))
        ]
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{escape(title)}">{"".join(parts)}</svg>'
    )


def thinned(points: Sequence[Point], most: int = _MOST_POINTS) -> Sequence[Point]:
    """At most `most` of the points, evenly chosen; the first and the last stay.

    Example:
        >>> thinned([(0.0, 1.0), (0.25, 1.0), (0.5, 0.75), (0.75, 0.5), (1.0, 0.5)], most=3)
        [(0.0, 1.0), (0.5, 0.75), (1.0, 0.5)]
    """
    last = len(points) - 1
    return points if last < most else [points[round(last * i / (most - 1))] for i in range(most)]


def _text(x: float, y: float, anchor: str, words: str, css: str = "tick") -> str:
    return f'<text class="{css}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{words}</text>'
