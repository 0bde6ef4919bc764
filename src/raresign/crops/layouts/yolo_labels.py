"""One line of a YOLO label file: a class and a box, a polygon or key points."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from raresign.crops.layouts.foreign import kind_of_label

_DECIMAL = re.compile(r"-?\d+,\d+(?:[eE][-+]?\d+)?")


class NoLabel(ValueError):  # noqa: N818 (a finding about a line)
    """A line that is no label, and why."""


def parse_label(
    line: str, names: Mapping[int, str], points: bool = False
) -> tuple[str, tuple[float, float, float, float]]:
    """The class code and the box (centre x, centre y, width, height) of a line.

    Numbers stand between blanks or commas; 0,5 is 0.5 where blanks or semicolons part them. The
    class is a whole number, also written 1.0 or 1e0, or a name. Behind it stand a box, perhaps with
    a confidence; or a polygon (also the four corners of a turned box), whose extent is the box, as
    Ultralytics takes it.

    Args:
        line: Not empty.
        names: Class codes by number.
        points: The file has key points behind the box.

    Raises:
        NoLabel: The line is none of that.
        KeyError: A class number without a name.

    Example:
        >>> parse_label("1.0 0.5 0.5 0.2 0.4", {1: "stop"})
        ('stop', (0.5, 0.5, 0.2, 0.4))
        >>> parse_label("1 0 0.25 0.5 0.25 0.25 0.75", {1: "stop"})[1]
        (0.25, 0.5, 0.5, 0.5)
    """
    if kind := kind_of_label(line):
        raise NoLabel(f"it is {kind}")
    first, *cells = re.split(r"[\s;]+", line.strip(" \t\r\n,;"))
    if not cells or not all(map(_DECIMAL.fullmatch, cells)):
        first, *cells = re.split(r"[\s,;]+", line.strip(" \t\r\n,;"))
    cells = [cell.replace(",", ".") for cell in cells]
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        raise NoLabel("there is something that is no number") from None
    if not all(map(math.isfinite, numbers)):
        raise NoLabel("there is something that is no number")
    code = _code(first, names)
    if points and len(numbers) > 5:
        numbers = numbers[:4]
    if len(numbers) >= 7 and len(numbers) % 2:  # a polygon and its confidence
        numbers = numbers[:-1]
    if len(numbers) in (4, 5):
        x, y, width, height = numbers[:4]
        return code, (x, y, width, height)
    if len(numbers) < 6:
        raise NoLabel(f"{len(numbers)} numbers behind the class; a box has four")
    xs, ys = numbers[::2], numbers[1::2]
    width, height = max(xs) - min(xs), max(ys) - min(ys)
    return code, (min(xs) + width / 2, min(ys) + height / 2, width, height)


def _code(text: str, names: Mapping[int, str]) -> str:
    """The class of a line's first cell."""
    try:
        number = float(text)
    except ValueError:
        if text in names.values():
            return text
        raise NoLabel(f"the class is '{text[:40]}', no number") from None
    if not number.is_integer() or number < 0:
        raise NoLabel(f"the class is {text[:40]}, no whole number")
    return names[int(number)]
