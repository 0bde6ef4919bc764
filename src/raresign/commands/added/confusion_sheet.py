"""A picture of a new sign beside the signs that it will be confused with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from raresign.commands.picture_page import Cell, Row, draw_page
from raresign.files import whole_file
from raresign.signs.catalogue.pictures import icon_crops
from raresign.signs.catalogue.sign_class import SignClass

_SIDE = 96


def sheet_pictures(signs: Sequence[SignClass]) -> dict[str, np.ndarray]:
    """Code -> (96, 96, 3) uint8 icon: what `draw_new_class` shows of a class."""
    crops = icon_crops(signs, _SIDE).transpose(0, 2, 3, 1)
    return {sign.code: crop for sign, crop in zip(signs, crops, strict=True)}


def draw_new_class(
    path: Path, code: str, confusions: Mapping[str, float], pictures: Mapping[str, np.ndarray]
) -> None:
    """Write the picture as PNG, whole or not at all.

    Args:
        confusions: Code -> mean probability that synthetic crops of `code` gave to that class.
        pictures: Of all these classes, see `sheet_pictures`.
    """
    captions = [code, *(f"{c} {100 * share:.1f} %" for c, share in confusions.items())]
    cells = list(map(Cell, (pictures[one] for one in (code, *confusions)), captions))
    with_what = ": mean probability, synthetic crops" if confusions else " none"
    page = draw_page("", f"confused with{with_what}", [Row("", cells)])
    with whole_file(path) as temporary:
        page.save(temporary)
