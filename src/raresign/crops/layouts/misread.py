"""Warns of boxes that lie beside their signs as if their numbers were of another kind."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from raresign.crops.decode import UnreadableFile, decode_crop
from raresign.crops.layouts.box_form import fits
from raresign.crops.layouts.turned_vote import edge_strength

Numbers = npt.NDArray[np.float64]
_MOST = 24  # pictures that are looked at
_FEWEST = 8  # boxes
_CLEAR = 0.9
_STRONG, _STRONGER = 10.0, 1.2  # edges of another way: levels of 255, times those of this one
_MOST_OF_FRAME = 0.1  # of its area, that the middle box covers


def warn_of_misread(
    paths: Sequence[Path], boxes: Numbers, sizes: Numbers, centred: bool, source: object
) -> None:
    """Warn if nearly all boxes would lie on signs, could they be read in another way.

    A box round a sign has edges where the sign ends, see `better_boxes`. Other ways are: x and y
    are the middle, or the corner; y counts from the bottom; x and y have changed places. Nothing
    is changed: edges are no proof.

    Args:
        paths: N pictures.
        boxes: (N, 4) in pixels of the upright pictures, as they are read.
        sizes: (N, 2) of these pictures.
        centred: Whether the source gives the middle of boxes.
        source: For the message.
    """
    sides = boxes[:, 2:] - boxes[:, :2]
    rows = np.flatnonzero((sides > 0).all(axis=1))
    if len(rows) < _FEWEST:
        return
    if np.median(sides[rows].prod(axis=1) / sizes[rows].prod(axis=1)) > _MOST_OF_FRAME:
        return
    half = np.tile(sides / 2, 2) * (1 if centred else -1)
    high = sizes[:, 1]
    below = np.stack([boxes[:, 0], high - boxes[:, 3], boxes[:, 2], high - boxes[:, 1]], axis=1)
    what = "the upper left corner" if centred else "the middle"
    ways = {
        f"x and y were {what} of the box": boxes + half,
        "y counted from the bottom": below,
        "x and y changed places": boxes[:, [1, 0, 3, 2]],
    }
    ways = {name: other for name, other in ways.items() if fits(other[rows], sizes[rows]).all()}
    if not ways:
        return
    votes = _votes(paths, boxes, list(ways.values()), rows)
    for name, mine in zip(ways, votes.T, strict=True):
        if len(votes) >= _FEWEST and mine.mean() >= _CLEAR:
            warnings.warn(
                f"{source}: {int(mine.sum())} of {len(votes)} boxes that were looked at would lie "
                f"on their signs better if {name}; look whether they are right",
                stacklevel=2,
            )
            return


def _votes(
    paths: Sequence[Path], boxes: Numbers, others: Sequence[Numbers], rows: npt.NDArray[np.intp]
) -> npt.NDArray[np.bool_]:
    """(boxes looked at, ways) whether a way has stronger edges than the one that was read."""
    by_path: dict[Path, list[int]] = {}
    for row in rows.tolist():
        by_path.setdefault(paths[row], []).append(row)
    step = max(1, len(by_path) // _MOST)
    found: list[list[bool]] = []
    for path in list(by_path)[::step][:_MOST]:
        try:
            picture = np.asarray(decode_crop(path), np.float64)
        except UnreadableFile:
            continue
        for row in by_path[path]:
            least = max(_STRONGER * edge_strength(picture, boxes[row]), _STRONG)
            found.append([edge_strength(picture, other[row]) > least for other in others])
    return np.array(found, np.bool_).reshape(-1, len(others))
