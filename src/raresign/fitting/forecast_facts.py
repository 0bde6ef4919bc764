"""Facts of a class nobody photographed, from which the forecast of its recall is made."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import laplace

from raresign.signs.catalogue.icon_check import look_on_grey
from raresign.signs.icons.icon_file import Pixels

Floats = NDArray[np.float64]

FACTS = ("synthetic_recall", "nearest", "family_size", "detail")
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def class_facts(
    classes: ArrayLike,
    labels: ArrayLike,
    recognised: ArrayLike,
    means: ArrayLike,
    families: Sequence[str],
    photographed: ArrayLike,
    icons: Sequence[Pixels],
) -> Floats:
    """The facts of some classes of a catalogue of C, by columns as `FACTS` names them.

    synthetic_recall: share of the synthetic crops of the class that the finished model recognises;
    the crops must be fresh, not those it was trained on. nearest: 1 - the largest cosine of the
    class mean with another class mean, in [0, 2]. family_size: log(1 + other classes of the family
    with real crops). detail: `icon_detail` of its icon.

    Args:
        classes: (Q,) labels of the classes asked for.
        labels: (N,) labels of the synthetic crops.
        recognised: (N,) bool, whether the model said that label.
        means: (C, E) mean prototype of each class, of any length; zeros where there is none.
        families: C families.
        photographed: (C,) bool, whether the model was trained on real crops of the class: not so
            for pseudo-rare classes.
        icons: C icons, (H, W, 4) uint8 RGBA.

    Returns:
        (Q, 4) float64.

    Example:
        >>> icons = [np.full((32, 32, 4), 255, dtype=np.uint8)] * 3
        >>> class_facts([2], [2, 2, 0], [True, False, True], [[1, 0], [0, 1], [0, 2]],
        ...     ["red ring"] * 3, [True, True, False], icons).round(3).tolist()
        [[0.5, 0.0, 1.099, 0.0]]
    """
    label, hit, family = np.asarray(labels), np.asarray(recognised), np.asarray(families)
    mean, real = np.asarray(means, np.float64), np.asarray(photographed)
    norms = np.linalg.norm(mean, axis=1)
    unit = mean / np.where(norms > 0, norms, 1)[:, None]
    asked = np.asarray(classes).tolist()
    facts = np.empty((len(asked), len(FACTS)))
    for row, number in enumerate(asked):
        others = np.arange(len(family)) != number
        beside = others & (norms > 0)
        facts[row] = (
            hit[label == number].mean(),
            1 - (unit[beside] @ unit[number]).max(initial=-1),
            np.log1p((others & real & (family == family[number])).sum()),
            icon_detail(icons[number]),
        )
    return facts


def icon_detail(icon: Pixels) -> float:
    """How much fine drawing an icon holds: mean absolute Laplacian of its grey 32 px picture.

    |4 g(x, y) - g(x-1, y) - g(x+1, y) - g(x, y-1) - g(x, y+1)| over the inner 30x30 px, with g the
    luma (ITU-R BT.601) of `look_on_grey`, 1 = white.

    Args:
        icon: (H, W, 4) uint8, RGBA, straight alpha.

    Returns:
        From 0 (flat) to 4 (a chessboard of single pixels).

    Example:
        >>> board = np.full((32, 32, 4), 255, dtype=np.uint8)
        >>> board[::2, ::2, :3] = board[1::2, 1::2, :3] = 0
        >>> round(icon_detail(board), 6), icon_detail(np.full((9, 9, 4), 255, dtype=np.uint8))
        (4.0, 0.0)
    """
    grey = look_on_grey(icon) @ np.array(_LUMA) / 255
    return float(np.abs(laplace(grey)[1:-1, 1:-1]).mean())
