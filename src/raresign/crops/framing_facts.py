"""How real crops are framed: which share of a crop the sign fills, and how far off-centre it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from raresign.crops.crop_table import CropTable
from raresign.crops.decode import UnreadableFile, decode_crop
from raresign.crops.pack import CropPack
from raresign.framing.finder import FILL, find_sign
from raresign.language.spoken import _, later

_LOW, _MIDDLE, _HIGH = 10, 50, 90
_WORDS = later(
    "the sign fills {middle:.0f} % of the width of a crop ({low:.0f} to {high:.0f} in 8 of 10 "
    "crops) and stands {shift:.0f} % off its middle; the finder evens this out"
)


@dataclass(frozen=True)
class FramingFacts:
    """What the finder says of N crops.

    Attributes:
        crops: N.
        width, height: Share of the crop that the sign fills: what 10, 50 and 90 of 100 crops have
            at most.
        shift: Median distance of the sign's middle from the crop's, as a share of the crop's side.
    """

    crops: int
    width: tuple[float, float, float]
    height: tuple[float, float, float]
    shift: float

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return self._in(_WORDS)

    @property
    def spoken(self) -> str:
        """The same as `str` in the language spoken: run.json keeps the English words."""
        return self._in(_(_WORDS))

    def _in(self, words: str) -> str:
        low, middle, high = (100 * share for share in self.width)
        return words.format(low=low, middle=middle, high=high, shift=100 * self.shift)


def framing_facts(boxes: npt.NDArray[np.floating]) -> FramingFacts | None:
    """The facts of (N, 4) boxes of signs, as `find_sign` gives them; None of no crop.

    Example:
        >>> str(framing_facts(np.array([[0.1, 0, 0.5, 0.5]] * 3, np.float32)))[:38]
        'the sign fills 50 % of the width of a '
    """
    if not len(boxes):
        return None
    shares = np.percentile(boxes[:, 2:], (_LOW, _MIDDLE, _HIGH), axis=0).round(3)
    shift = float(np.median(np.linalg.norm(boxes[:, :2], axis=1)) / 2)
    width, height = ((float(a), float(b), float(c)) for a, b, c in shares.T)
    return FramingFacts(len(boxes), width, height, round(shift, 3))


def framing_of_pack(pack: CropPack) -> FramingFacts | None:
    """How the crops of a pack were framed before they were cut to their signs."""
    if not len(pack):
        return None
    boxes = np.stack(pack.table["box"].to_numpy())
    return framing_facts(boxes / np.array([1, 1, FILL, FILL], np.float32))


def framing_of_files(table: CropTable, rows: Iterable[int]) -> FramingFacts | None:
    """How some crops of a table are framed; unreadable ones are left out."""
    found = []
    for row in rows:
        box = None if table.boxes is None else table.boxes[row]
        try:
            found.append(find_sign(decode_crop(table.paths[row], box)))
        except UnreadableFile:
            continue
    return framing_facts(np.stack(found)) if found else None
