"""The upright box round points, and round a turned rectangle."""

from __future__ import annotations

import math
from collections.abc import Sequence

Box = tuple[float, float, float, float]


def extent(points: Sequence[tuple[float, float]]) -> Box:
    """x0, y0, x1, y1 round points.

    Example:
        >>> extent([(1, 5), (4, 2)])
        (1, 2, 4, 5)
    """
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def turned_extent(box: Box, degrees: float, pivot: tuple[float, float]) -> Box:
    """x0, y0, x1, y1 round a rectangle that is turned clockwise (y down) about a point.

    Example:
        >>> turned_extent((0, 0, 4, 2), 90, (0, 0))
        (-2.0, 0.0, 0.0, 4.0)
    """
    x0, y0, x1, y1 = box
    if not degrees % 360:
        return box
    turn = math.radians(degrees)
    cosine, sine = round(math.cos(turn), 12), round(math.sin(turn), 12)
    corners = [(x - pivot[0], y - pivot[1]) for x in (x0, x1) for y in (y0, y1)]
    return extent(
        [(pivot[0] + cosine * x - sine * y, pivot[1] + sine * x + cosine * y) for x, y in corners]
    )
