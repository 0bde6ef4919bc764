"""Cells of a CSV that hold more than a word: a box or a polygon in one, JSON of VIA, 10,5."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from raresign.crops.layouts.turned_box import extent
from raresign.parsing import parse_json

_DECIMAL = re.compile(r"[-+]?\d+,\d+(?:[eE][-+]?\d+)?")
_KEYS = (
    (("x", "y", "width", "height"), "size"),
    (("left", "top", "width", "height"), "size"),
    (("x", "y", "w", "h"), "size"),
    (("xmin", "ymin", "xmax", "ymax"), "corners"),
    (("x1", "y1", "x2", "y2"), "corners"),
    (("x0", "y0", "x1", "y1"), "corners"),
    (("left", "top", "right", "bottom"), "corners"),
)


def with_point(cell: str) -> str:
    """A number with a decimal comma as one with a point; other texts as they are.

    Example:
        >>> with_point("10,5"), with_point("10, 5")
        ('10.5', '10, 5')
    """
    return cell.replace(",", ".") if "," in cell and _DECIMAL.fullmatch(cell) else cell


def numbers_of_cell(cell: str) -> list[float]:
    """All numbers of a cell that holds nothing but numbers and brackets, or a JSON of a shape.

    Example:
        >>> numbers_of_cell("[[1, 2], [3.5, 4]]"), numbers_of_cell("2012-02-01")
        ([1.0, 2.0, 3.5, 4.0], [])
    """
    if cell.startswith("{"):
        return box_of_json(cell) or []
    parts = [part for part in re.split(r"[\s,;()\[\]{}]+", with_point(cell)) if part]
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        return []
    return numbers if all(map(math.isfinite, numbers)) else []


def box_of_cell(cell: str, form: str) -> list[str] | None:
    """The four numbers of one cell in the form of its column; a polygon counts by its extent.

    Args:
        cell: Not empty.
        form: "size" or "corners".

    Returns:
        Texts, as the cells of four columns are; four or not; None if it is no shape of numbers.

    Example:
        >>> box_of_cell("[1, 2, 30, 40]", "size"), box_of_cell("[[1,2],[9,2],[9,8]]", "size")
        (['1', '2', '30', '40'], ['1.0', '2.0', '8.0', '6.0'])
        >>> box_of_cell('{"name": "rect", "x": 1, "y": 2, "width": 3, "height": 4}', "size")
        ['1.0', '2.0', '3.0', '4.0']
    """
    numbers = numbers_of_cell(cell)
    if cell.startswith("{"):
        corners: Sequence[float] | None = numbers or None
    elif len(numbers) >= 6 and len(numbers) % 2 == 0:
        corners = extent(list(zip(numbers[::2], numbers[1::2], strict=True)))
    elif len(numbers) == 4 and re.match(r"[\[(]\s*[\[(]", cell):  # two points
        corners = extent([(numbers[0], numbers[1]), (numbers[2], numbers[3])])
    else:
        return [part for part in re.split(r"[\s,;]+", cell.strip("[](){} ")) if part]
    if corners is None:
        return None
    x0, y0, x1, y1 = corners
    ends = (x1 - x0, y1 - y0) if form == "size" else (x1, y1)
    return [str(float(side)) for side in (x0, y0, *ends)]


def box_of_json(cell: str) -> list[float] | None:
    """x0, y0, x1, y1 of a shape in JSON (VIA's, or keys that say what they are), else None."""
    try:
        shape = parse_json(cell)
    except ValueError:
        return None
    if not isinstance(shape, Mapping):
        return None
    try:
        if "all_points_x" in shape:
            points = zip(shape["all_points_x"], shape["all_points_y"], strict=True)
            return list(map(float, extent(list(points))))
        if "cx" in shape and ("r" in shape or "rx" in shape):  # a circle or an ellipse
            x, y = float(shape["cx"]), float(shape["cy"])
            wide = float(shape.get("r", shape.get("rx")))
            high = float(shape.get("r", shape.get("ry")))
            return [x - wide, y - high, x + wide, y + high]
        for keys, kind in _KEYS:
            if all(key in shape for key in keys):
                a, b, c, d = (float(shape[key]) for key in keys)
                return [a, b, a + c, b + d] if kind == "size" else [a, b, c, d]
    except (TypeError, ValueError, KeyError, OverflowError):
        return None
    return None


def class_of_cell(cell: str) -> str:
    """The class that a cell names; of a JSON, as VIA writes it, its one value.

    Example:
        >>> class_of_cell("stop"), class_of_cell('{"type": "stop"}'), class_of_cell('{"a": 1}')
        ('stop', 'stop', '{"a": 1}')
        >>> class_of_cell('{"sign": {"stop": true}, "note": ""}')
        'stop'
    """
    if not cell.startswith("{"):
        return cell
    try:
        found = parse_json(cell)
    except ValueError:
        return cell
    named: list[str] = []
    for value in found.values() if isinstance(found, Mapping) else ():
        if isinstance(value, Mapping):  # boxes that are ticked
            named += [str(key) for key, ticked in value.items() if ticked is True]
        elif isinstance(value, str) and value:
            named.append(value)
    return named[0] if len(named) == 1 else cell
