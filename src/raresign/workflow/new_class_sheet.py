"""A picture of a new sign beside the signs that it will be confused with."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from raresign.catalogue import SignCatalogue, SignClass
from raresign.files import whole_file
from raresign.recognition import icon_crops
from raresign.workflow.sheet_page import Cell, Row, draw_page

_SIDE = 96


def draw_new_class(
    path: Path, sign: SignClass, confusions: Mapping[str, float], catalogue: SignCatalogue
) -> Path:
    """Write the picture, whole or not at all.

    Args:
        path: The PNG to write.
        sign: The new class.
        confusions: Code -> mean probability that its made crops gave to that class.
        catalogue: Holds the classes of `confusions`.
    """
    others = [catalogue[catalogue.label_of(code)] for code in confusions]
    own = icon_crops([sign], _SIDE)[0].transpose(1, 2, 0)
    pictures = [own, *(_picture(one) for one in others)]
    captions = [sign.code, *(f"{c} {100 * share:.1f} %" for c, share in confusions.items())]
    cells = [Cell(p, c) for p, c in zip(pictures, captions, strict=True)]
    note = "confused with: mean probability, made crops" if others else "confused with none"
    page = draw_page("", note, [Row("", cells)])
    with whole_file(path) as temporary:
        page.save(temporary)
    return path


@lru_cache(maxsize=512)
def _picture(sign: SignClass) -> np.ndarray:
    """(96, 96, 3) uint8 icon of an earlier class, kept: many new signs look like it."""
    picture: np.ndarray = icon_crops([sign], _SIDE)[0].transpose(1, 2, 0)
    return picture
