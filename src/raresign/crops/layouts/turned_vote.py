"""Looks in which of two readings boxes have edges where they end, as boxes of signs have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from raresign.crops.decode import UnreadableFile, decode_crop

Numbers = npt.NDArray[np.float64]

_MOST = 60  # boxes that are looked at
_FEWEST = 3
_CLEAR = 0.8
_STRIP = 0.12  # of a side, inside and outside each edge


def better_boxes(paths: Sequence[Path], first: Numbers, second: Numbers) -> int:
    """Which of two readings of the same boxes lies on signs: 1 or 2, 0 if it is not clear.

    A box round a sign has edges where the sign ends: the colours just inside and just outside of it
    differ. Each box votes for the reading with the stronger edges; four of five votes decide.

    Args:
        paths: N pictures.
        first, second: (N, 4) boxes in pixels of the upright pictures.
    """
    rows = np.unique(np.linspace(0, len(paths) - 1, min(_MOST, len(paths))).astype(int)).tolist()
    votes: list[int] = []
    for row in rows:
        try:
            picture = np.asarray(decode_crop(paths[row]), np.float64)
        except UnreadableFile:
            continue
        edges = [edge_strength(picture, boxes[row]) for boxes in (first, second)]
        if max(edges) > 0:
            votes.append(1 if edges[0] > edges[1] else 2)
    if len(votes) < _FEWEST:
        return 0
    return next((one for one in (1, 2) if votes.count(one) >= _CLEAR * len(votes)), 0)


def edge_strength(picture: Numbers, box: Numbers) -> float:
    """How much the colours differ inside and outside of a box, at the middle of its sides."""
    x0, y0, x1, y1 = box
    wide, high = _STRIP * (x1 - x0), _STRIP * (y1 - y0)
    left, right = x0 + 3 * wide, x1 - 3 * wide
    top, bottom = y0 + 3 * high, y1 - 3 * high
    pairs = (
        ((left, y0, right, y0 + high), (left, y0 - high, right, y0)),
        ((left, y1 - high, right, y1), (left, y1, right, y1 + high)),
        ((x0, top, x0 + wide, bottom), (x0 - wide, top, x0, bottom)),
        ((x1 - wide, top, x1, bottom), (x1, top, x1 + wide, bottom)),
    )
    found = [(_mean(picture, inside), _mean(picture, outside)) for inside, outside in pairs]
    both = [(a, b) for a, b in found if a is not None and b is not None]
    return float(np.mean([np.abs(a - b).mean() for a, b in both])) if both else 0.0


def _mean(picture: Numbers, box: tuple[float, ...]) -> Numbers | None:
    """(3,) mean colour of a part of a picture, None outside of it."""
    x0, y0, x1, y1 = (round(side) for side in box)
    part = picture[max(0, y0) : max(y1, y0 + 1), max(0, x0) : max(x1, x0 + 1)]
    if not part.size:
        return None
    result: Numbers = part.reshape(-1, 3).mean(axis=0)
    return result
