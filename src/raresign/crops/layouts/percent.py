"""Tells boxes in per cent of the frame from boxes in pixels, where a source does not say."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from raresign.crops.layouts.annotation import Form
from raresign.crops.layouts.box_form import FORMS, as_corners, askew, fits
from raresign.errors import InputError

Numbers = npt.NDArray[np.float64]
_CORNER = 0.2  # share of a frame; that all boxes lie in its first 100 x 100 px is odd below it
_FEWEST = 3
_STRAIGHTER = 0.15  # difference of mean |log(width / height)|
_WORDS = r"%|per_?cent(?:age)?s?|(?<![a-z])(?:pct|perc)(?![a-z])"


def says_percent(columns: Sequence[str]) -> bool:
    """Whether names of columns say that their numbers are per cent.

    Example:
        >>> says_percent(["x (%)", "y (%)"]), says_percent(["x_pct"]), says_percent(["x"])
        (True, True, False)
    """
    return any(re.search(_WORDS, name.lower()) for name in columns)


def without_percent(name: str) -> str:
    """The name of a column without the word that says so.

    Example:
        >>> without_percent("bbox_x_pct"), without_percent("x")
        ('bbox_x_', 'x')
    """
    return re.sub(_WORDS, "", name, flags=re.IGNORECASE)


def in_percent(numbers: Numbers, form: Form, frames: Numbers, source: object, first: str) -> bool:
    """Whether numbers that should be pixels are per cent of the frames.

    Per cent end at 100, so as pixels all boxes would lie in the first 100 x 100 pixels of large
    frames. Where there are three or more and most have fractions, that is certain. Signs are about
    as wide as high, which is a further hint where frames are not.

    Args:
        numbers: (N, 4), finite.
        form: What the four are.
        frames: (N, 2) width and height of the frames in pixels.
        source: For the message.
        first: The first box and its place, for the message.

    Raises:
        InputError: They may be either.

    Example:
        >>> boxes = np.array([[40.5, 20.0, 2.25, 4.0], [70.1, 30.0, 3.0, 5.3], [5.2, 9, 3.1, 5.5]])
        >>> in_percent(boxes, "size", np.array([[1920.0, 1080]] * 3), "a.csv", "line 2")
        True
        >>> in_percent(boxes * 10, "size", np.array([[1920.0, 1080]] * 3), "a.csv", "line 2")
        False
    """
    share = np.minimum(100 / frames, 1.0).prod(axis=1)
    hundred = np.full(frames.shape, 100.0)
    settled = next((one for one in (form, *FORMS) if _all_fit(numbers, one, hundred)), None)
    if settled is None or np.median(share) > _CORNER:
        return False
    fractions = (numbers != np.floor(numbers)).any(axis=1).mean() > 0.5
    corners = as_corners(numbers, settled)
    straighter = askew(corners) - askew(corners * np.tile(frames, 2))
    many = len(numbers) >= _FEWEST
    if many and fractions and straighter > -_STRAIGHTER:
        return True
    doubt = many or straighter > -_STRAIGHTER if fractions else many and straighter > _STRAIGHTER
    if doubt:
        raise InputError(
            f"{source}: its boxes may be pixels or per cent of the frame: all numbers lie below "
            f"100, in frames of {frames[0, 0]:g} x {frames[0, 1]:g} pixels (the first, {first})",
            "give whole pixels; or a CSV with the columns path, class, x0_percent, y0_percent, "
            "x1_percent, y1_percent",
        )
    return False


def _all_fit(numbers: Numbers, form: Form, sizes: Numbers) -> bool:
    return bool(fits(as_corners(numbers, form), sizes).all())
