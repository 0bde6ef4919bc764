"""How alike two pictures of signs are: for drawings beside official icons, and among drawings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

Pixels = npt.NDArray[np.uint8]
_GREY = 128


@dataclass(frozen=True)
class ClosePair:
    """Two classes and how far apart they look.

    Args:
        one: Class code.
        other: Class code.
        distance: Root mean square difference, 0 (the same picture) to 1 (black and white).
    """

    one: str
    other: str
    distance: float


def structural_similarity(one: Pixels, other: Pixels) -> float:
    """Structural similarity (SSIM) of two signs in grey, on a grey ground.

    Wang, Bovik, Sheikh, Simoncelli, IEEE Transactions on Image Processing 13 (4), 2004, formula 13
    with its Gaussian window of 11 px and sigma 1.5.

    Args:
        one: (S, S, 4) uint8, RGBA, straight alpha, sign trimmed to the picture, S at least 11.
        other: The same, of the same S.

    Returns:
        1 for equal pictures, about 0 for unrelated ones, -1 at least.

    Example:
        >>> disc = np.full((32, 32, 4), 255, np.uint8)
        >>> structural_similarity(disc, disc)
        1.0
    """
    a, b = (torch.from_numpy(on_grey(picture)).mean(-1)[None, None] for picture in (one, other))
    found = structural_similarity_index_measure(a, b, data_range=1.0)
    assert isinstance(found, torch.Tensor)
    return float(found)


def on_grey(picture: Pixels) -> npt.NDArray[np.float32]:
    """An RGBA picture over middle grey: (..., 3) float32 in [0, 1].

    Example:
        >>> on_grey(np.zeros((1, 1, 4), np.uint8)).round(2).tolist()
        [[[0.5, 0.5, 0.5]]]
    """
    alpha = picture[..., 3:].astype(np.float32) / 255
    seen = (picture[..., :3] * alpha + _GREY * (1 - alpha)) / 255
    return np.asarray(seen, np.float32)


def closest_pairs(pictures: Mapping[str, Pixels], count: int = 10) -> list[ClosePair]:
    """The classes that are hardest to tell apart.

    Args:
        pictures: Class code -> (S, S, 4) uint8, RGBA, straight alpha, all of one S.
        count: How many pairs.

    Returns:
        The closest pair first.

    Example:
        >>> white, black = np.full((8, 8, 4), 255, np.uint8), np.zeros((8, 8, 4), np.uint8)
        >>> [pair.other for pair in closest_pairs({"a": white, "b": black, "c": white}, 1)]
        ['c']
    """
    codes = list(pictures)
    looks = torch.stack([torch.from_numpy(on_grey(p)).flatten() for p in pictures.values()])
    distances = torch.cdist(looks.double(), looks.double()) / looks.shape[1] ** 0.5
    rows, columns = torch.triu_indices(len(codes), len(codes), 1)
    order = distances[rows, columns].argsort()[:count]
    return [
        ClosePair(codes[rows[k]], codes[columns[k]], float(distances[rows[k], columns[k]]))
        for k in order.tolist()
    ]
