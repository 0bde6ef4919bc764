"""Boxes of a picture as it is stored, turned as its EXIF orientation turns the picture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]


def upright_boxes(boxes: Numbers, size: tuple[float, float], orientation: int) -> Numbers:
    """(N, 4) x0, y0, x1, y1 in a stored picture of `size` -> in the upright picture.

    Example:
        >>> upright_boxes(np.array([[1.0, 2, 3, 5]]), (10, 20), 6).tolist()
        [[15.0, 1.0, 18.0, 3.0]]
    """
    width, height = size
    x0, y0, x1, y1 = boxes.T
    if orientation in (2, 3, 7, 8):
        x0, x1 = width - x1, width - x0
    if orientation in (3, 4, 6, 7):
        y0, y1 = height - y1, height - y0
    turned = (y0, x0, y1, x1) if orientation >= 5 else (x0, y0, x1, y1)
    return np.stack(turned, axis=1)
