"""Finds icons that are too small, or too soft, to tell two classes apart."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from raresign.language.spoken import _
from raresign.signs.catalogue.pictures import in_threads
from raresign.signs.catalogue.sign_class import SignClass
from raresign.signs.icons.icon_file import Pixels, load_icon, on_grey
from raresign.signs.icons.png_icon import IconWarning
from raresign.signs.spoken_signs import spoken_name

ENOUGH_SIDE = 64
"""Pixels. Icons that show as much are never too small: what still looks alike is so on the road."""
LEAST_PIXELS = 8.0
SOFT_SIDE = 32
SOFT = 0.4
"""Share of finer detail below which an icon is enlarged from about `SOFT_SIDE`: see `sharpness`."""

_STEP = 4  # sides are rounded down to a multiple: few sizes to compare at
_EDGE = 12  # of 64: the middle is judged, without outline and rim
_Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class UnclearPair:
    """Two classes whose icons hardly differ at the size that the poorer of them has.

    Attributes:
        one, other: The classes, the one with the poorer icon first.
        side: Pixels that the poorer icon has, or shows, on its shorter side.
        pixels: Sum over all pixels, at that size, of the mean squared difference of the channels,
            black against white being 1: as if so many pixels differed wholly.
        is_soft: Whether the file is larger than what it shows.
    """

    one: SignClass
    other: SignClass
    side: int
    pixels: float
    is_soft: bool

    def __str__(self) -> str:
        shows = _("is soft: it shows no more than") if self.is_soft else _("has")
        return _(
            "icon of {code} ({title}) {shows} {side} px, where it differs from that of {code2} "
            "({title2}) by {pixels:.0f} pixels only"
        ).format(
            code=self.one.code,
            title=spoken_name(self.one.code, self.one.title),
            shows=shows,
            side=self.side,
            code2=self.other.code,
            title2=spoken_name(self.other.code, self.other.title),
            pixels=self.pixels,
        )


def unclear_pairs(signs: Sequence[SignClass]) -> list[UnclearPair]:
    """Pairs of classes that small or soft icons do not tell apart, the most alike first.

    The first icon of each class counts. Both of a pair are reduced to the size of the poorer one,
    and are unclear if they differ by less than `LEAST_PIXELS` there. An SVG is never too small.
    Icons that were cut out a pixel differently seem to differ more than they do, and may be missed.

    Raises:
        InputError: An icon cannot be read.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IconWarning)  # told of when they came
        pictures = in_threads(_as_in_file, signs)
        shown = [ENOUGH_SIDE if icon is None else shown_side(icon) for icon in pictures]
        small = sorted({side for side in shown if side < ENOUGH_SIDE})
        if not small:
            return []
        pairs = zip(signs, pictures, strict=True)
        whole = in_threads(lambda pair: _drawn(pair[0]) if pair[1] is None else pair[1], pairs)
    sides = np.array(shown)
    found = []
    for side in small:
        poor, others = np.flatnonzero(sides == side), np.flatnonzero(sides >= side)
        differ = _differences([whole[k] for k in poor], [whole[k] for k in others], side)
        for row, column in np.argwhere(differ < LEAST_PIXELS).tolist():
            one, other = int(poor[row]), int(others[column])
            if one < other or (one != other and sides[other] != side):
                is_soft = min(whole[one].shape[:2]) >= ENOUGH_SIDE
                pair = (signs[one], signs[other])
                found.append(UnclearPair(*pair, side, float(differ[row, column]), is_soft))
    return sorted(found, key=lambda pair: (pair.pixels, pair.one.code, pair.other.code))


def shown_side(icon: Pixels) -> int:
    """How many pixels of the shorter side an icon really shows, at most `ENOUGH_SIDE`.

    A multiple of 4; of a large file that was enlarged from a small picture `SOFT_SIDE`.

    Args:
        icon: (H, W, 4) uint8 as `load_icon(path)` gives it.
    """
    side = int(min(icon.shape[:2]))
    if side < ENOUGH_SIDE:
        return side - side % _STEP
    return ENOUGH_SIDE if sharpness(icon) >= SOFT else SOFT_SIDE


def sharpness(icon: Pixels) -> float:
    """How much detail an icon has between 32 and 64 px, against that between 16 and 32 px.

    What is lost where the middle of the icon is reduced to 32, 40 and 48 px, over what is lost at
    half of these sizes; the mean of the three. Edges have detail at all sizes, in a fixed relation.

    Returns:
        0.5 to 0.65 for sharp icons, 0.3 to 0.4 for those enlarged from 32 px; 1 for an icon with
        nothing in the middle.
    """
    size = (ENOUGH_SIDE, ENOUGH_SIDE)
    small = Image.fromarray(np.ascontiguousarray(icon)).resize(size, Image.Resampling.BOX)
    seen = on_grey(np.asarray(small, np.float32)).mean(axis=2)[_EDGE:-_EDGE, _EDGE:-_EDGE]
    middle = Image.fromarray(np.ascontiguousarray(seen, np.float32))

    def lost(side: int) -> float:
        reduced = round(len(seen) * side / ENOUGH_SIDE)
        again = middle.resize((reduced, reduced), Image.Resampling.BOX)
        again = again.resize(middle.size, Image.Resampling.BICUBIC)
        return float(np.sqrt(np.square(seen - np.asarray(again)).mean()))

    if lost(16) < 1.0:
        return 1.0
    return float(np.mean([lost(side) / lost(side // 2) for side in (32, 40, 48)]))


def _as_in_file(sign: SignClass) -> Pixels | None:
    """The first icon as large as its file; None of an SVG, which is as large as one wants."""
    path = sign.icons[0]
    return None if path.suffix.lower() == ".svg" else load_icon(path)


def _drawn(sign: SignClass) -> Pixels:
    """The first icon of an SVG."""
    return load_icon(sign.icons[0], ENOUGH_SIDE, sign.code)


def _differences(some: Sequence[Pixels], others: Sequence[Pixels], side: int) -> _Floats:
    """(n, m) differences of pictures at a size, in pixels; see `UnclearPair`."""
    a, b = (_looks(pictures, side) for pictures in (some, others))
    squares = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * a @ b.T
    return np.asarray(np.maximum(squares, 0) / 3, np.float32)


def _looks(pictures: Sequence[Pixels], side: int) -> _Floats:
    """(n, side * side * 3) in [0, 1]: pictures on grey, squashed to a size."""
    box = Image.Resampling.BOX

    def look(picture: Pixels) -> npt.NDArray[np.float64]:
        small = Image.fromarray(np.ascontiguousarray(picture)).resize((side, side), box)
        return on_grey(np.asarray(small, np.float64)).ravel() / 255

    return np.asarray(np.stack([look(picture) for picture in pictures]), np.float32)
