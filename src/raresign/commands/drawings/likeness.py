"""How alike two pictures of signs are: for drawings beside official icons, and among drawings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from raresign.signs.icons.icon_file import Pixels, on_grey

_SIDE = 64  # at which drawings are compared with icons
_STEPS = np.repeat(np.eye(4, dtype=int), 2, 0) * np.tile([[1], [-1]], (4, 1))
"""(8, 4): one margin wider or narrower."""


@dataclass(frozen=True)
class ClosePair:
    """Codes of two classes, and how far apart they look.

    Args:
        distance: Root mean square difference, 0 (the same picture) to 1 (black and white).
    """

    one: str
    other: str
    distance: float


def aligned_similarity(icon: Pixels, drawing: Pixels) -> float:
    """Structural similarity (SSIM) in grey, the icon first freed of what stands around its sign.

    Wang, Bovik, Sheikh, Simoncelli, IEEE Transactions on Image Processing 13 (4), 2004, formula 13
    with its Gaussian window of 11 px and sigma 1.5.

    Icons come with outlines, shadows and captions. Each side is cut where that brings the icon
    nearer to the drawing: from four first guesses, with and without a frame and a caption, the best
    change of one margin at a time, in steps of 1/8 to 1/64 of the side, none over a quarter.

    Args:
        icon, drawing: (S, S, 4) uint8, RGBA, straight alpha, S at least 64.

    Returns:
        The similarity of the best fit at 64 px, at least the one without cuts.

    Example:
        >>> disc = np.zeros((128, 128, 4), np.uint8)
        >>> disc[16:112, 16:112] = 255
        >>> round(aligned_similarity(disc, np.full((128, 128, 4), 255, np.uint8)), 2)
        1.0
    """
    source, other = (Image.fromarray(np.ascontiguousarray(p)) for p in (icon, drawing))
    wanted = _cut(other, (0, 0, 0, 0))
    frame, caption = _SIDE // 16, _SIDE // 6
    starts = [(0, 0, 0, 0), (frame,) * 4, (0, 0, 0, caption), (frame, frame, frame, caption)]
    return max(_climb(source, wanted, start) for start in starts)


def _climb(source: Image.Image, wanted: Pixels, margins: tuple[int, ...]) -> float:
    """The best similarity that changes of one margin at a time lead to."""
    best = float(_similarities([_cut(source, margins)], wanted)[0])
    for step in (8, 4, 2, 1):
        while True:
            near = [tuple(m) for m in (margins + step * _STEPS).tolist()]
            tried = [m for m in near if 0 <= min(m) <= max(m) <= _SIDE // 4]
            values = _similarities([_cut(source, m) for m in tried], wanted)
            if float(values.max()) <= best + 1e-6:
                break
            best, margins = float(values.max()), tried[int(values.argmax())]
    return best


def _similarities(pictures: list[Pixels], other: Pixels) -> torch.Tensor:
    """(N,) structural similarity of each picture with another, in grey on a grey ground."""
    a, b = (_over_grey(np.stack(p)).mean(-1)[:, None] for p in (pictures, [other]))
    # Takes a second to import; most commands compare no drawings.
    from torchmetrics.functional.image import structural_similarity_index_measure

    found = structural_similarity_index_measure(
        a, b.expand(len(a), -1, -1, -1), data_range=1.0, reduction="none"
    )
    assert isinstance(found, torch.Tensor)
    return found


def _over_grey(pictures: Pixels) -> torch.Tensor:
    """(N, S, S, 3) float32 in [0, 1]: RGBA pictures over middle grey."""
    return torch.from_numpy(on_grey(pictures.astype(np.float32)) / 255)


def _cut(picture: Image.Image, margins: tuple[int, ...]) -> Pixels:
    """A picture without margins (left, top, right, bottom in 1/64 of its side), at 64 px."""
    unit = picture.width / _SIDE
    left, top, right, bottom = (margin * unit for margin in margins)
    box = (left, top, picture.width - right, picture.height - bottom)
    return np.asarray(picture.resize((_SIDE, _SIDE), Image.Resampling.BOX, box))


def closest_pairs(pictures: Mapping[str, Pixels], count: int = 10) -> list[ClosePair]:
    """The `count` pairs of classes that are hardest to tell apart, the closest first.

    Args:
        pictures: Class code -> (S, S, 4) uint8, RGBA, straight alpha, all of one S.
    """
    codes = list(pictures)
    looks = _over_grey(np.stack([*pictures.values()])).flatten(1)
    distances = torch.cdist(looks.double(), looks.double()) / looks.shape[1] ** 0.5
    pairs = torch.triu_indices(len(codes), len(codes), 1)
    order = distances[pairs[0], pairs[1]].argsort()[:count]
    closest = pairs[:, order].T.tolist()
    return [ClosePair(codes[a], codes[b], float(distances[a, b])) for a, b in closest]
