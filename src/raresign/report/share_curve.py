"""Plots of a share over a share, as hand-made SVG in the colours of the page's style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

# Drawing units; the page scales the picture, so text is set large enough for a narrow screen.
_WIDTH, _HEIGHT = 560, 380
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 36, 36, 58
_MOST_POINTS = 240

Point = tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """One curve of a plot.

    Args:
        points: (x, y), each in [0, 1], by rising x.
        css: The CSS class that colours it.
        radii: The size of a dot at each point, in drawing units; none draws the line alone.

    Example:
        >>> Curve(((0.0, 1.0), (1.0, 0.5)), "curve-rare").radii
        ()
    """

    points: tuple[Point, ...]
    css: str
    radii: tuple[float, ...] = ()


def share_plot(
    title: str,
    axes: tuple[str, str],
    curves: Sequence[Curve],
    *,
    bottom: float = 0.0,
    diagonal: bool = False,
) -> str:
    """An SVG whose axes both are shares, marked in percent.

    Args:
        title: Read out by screen readers.
        axes: What stands on the horizontal and on the vertical axis.
        curves: Drawn in this order; of a curve without dots at most 240 points.
        bottom: Where the vertical axis begins, in [0, 1); it ends at 1.
        diagonal: Whether to draw the line on which both shares are equal.

    Example:
        >>> share_plot("Empty", ("across", "up"), []).count("<text")
        14
    """
    inner_width, inner_height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def x(share: float) -> float:
        return round(_LEFT + inner_width * min(max(share, 0.0), 1.0), 1)

    def y(share: float) -> float:
        inside = min(max(share, bottom), 1.0)
        return round(_TOP + inner_height * (1 - inside) / (1 - bottom), 1)

    foot = _HEIGHT - _BOTTOM
    parts = [
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(title)}: {escape(axes[1])} over {escape(axes[0])}">'
    ]
    for tick in _ticks(bottom):
        parts.append(f'<path class="grid" d="M{_LEFT} {y(tick)}H{_WIDTH - _RIGHT}"/>')
        parts.append(_text(_LEFT - 8, y(tick) + 4, "end", _percent(tick)))
    for tick in _ticks(0.0):
        parts.append(f'<path class="grid" d="M{x(tick)} {_TOP}V{foot}"/>')
        parts.append(_text(x(tick), foot + 20, "middle", _percent(tick)))
    parts.append(_text(_WIDTH - _RIGHT, _HEIGHT - 8, "end", escape(axes[0])))
    parts.append(_text(_LEFT, _TOP - 18, "start", escape(axes[1])))
    if diagonal:
        parts.append(
            f'<path class="boundary" d="M{x(bottom)} {y(bottom)}L{x(1.0)} {y(1.0)}" fill="none"/>'
        )
    for curve in curves:
        points = curve.points if curve.radii else thinned(curve.points)
        if len(points) > 1:
            path = " ".join(f"{x(a)},{y(b)}" for a, b in points)
            parts.append(f'<polyline class="curve {curve.css}" points="{path}"/>')
        parts += [
            f'<circle class="dot {curve.css}" cx="{x(a)}" cy="{y(b)}" r="{radius:.1f}"/>'
            for (a, b), radius in zip(curve.points, curve.radii, strict=bool(curve.radii))
        ]
    return "".join([*parts, "</svg>"])


def thinned(points: Sequence[Point], most: int = _MOST_POINTS) -> tuple[Point, ...]:
    """At most `most` of the points, evenly chosen; the first and the last stay.

    Example:
        >>> thinned([(0.0, 1.0), (0.25, 1.0), (0.5, 0.75), (0.75, 0.5), (1.0, 0.5)], most=3)
        ((0.0, 1.0), (0.5, 0.75), (1.0, 0.5))
    """
    last = len(points) - 1
    if last < most:
        return tuple(points)
    return tuple(points[round(last * i / (most - 1))] for i in range(most))


def _ticks(bottom: float) -> list[float]:
    """About five round shares from `bottom` to 1."""
    gap = next(gap for gap in (0.02, 0.05, 0.1, 0.2) if (1 - bottom) / gap < 5.5)
    steps = int((1 - bottom) / gap + 1e-9)
    return [round(1 - gap * i, 10) for i in range(steps, -1, -1)]


def _percent(share: float) -> str:
    return f"{100 * share:g}\u202f%"


def _text(x: float, y: float, anchor: str, words: str) -> str:
    return f'<text class="tick" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{words}</text>'
