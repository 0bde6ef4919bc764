"""What readers of annotated frames share: rows of frame, class and box, widened by a margin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from raresign.crops.crop_table import CodeBook, CropTable
from raresign.crops.layouts.labelling import Box, BoxRow, box_table
from raresign.errors import InputError


def check_margin(margin: float) -> None:
    """Refuse a margin that would turn boxes inside out or swallow frames."""
    if not 0.0 <= margin <= 10.0:
        raise InputError(f"margin {margin} is not between 0 and 10", "use a share like 0.1")


def frame_table(
    rows: list[BoxRow], catalogue: CodeBook, margin: float, source: Path, strict: bool
) -> CropTable:
    """The table of those rows whose frame exists, frame by frame, boxes widened."""
    rows = sorted(rows, key=lambda row: row[0])  # stable: boxes of a frame keep their order
    widened = [(path, name, _widened(box, margin)) for path, name, box in rows]
    table = box_table(widened, catalogue, source, strict)
    if not len(table):
        raise InputError(f"{source}: there is no usable box", "check the frames and the labels")
    return table


def four_numbers(values: Any) -> list[float] | None:
    """Four floats, or None."""
    try:
        numbers = [float(value) for value in values]
    except (TypeError, ValueError):
        return None
    return numbers if len(numbers) == 4 else None


def _widened(box: Box, margin: float) -> Box:
    """The box with each side moved out by `margin` x its own side."""
    x0, y0, x1, y1 = box
    out_x, out_y = margin * (x1 - x0), margin * (y1 - y0)
    return (x0 - out_x, y0 - out_y, x1 + out_x, y1 + out_y)
