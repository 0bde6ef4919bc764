"""Crops of one physical sign, told by their tracks, or that one picture is there twice."""

from __future__ import annotations

from collections.abc import Sequence

from raresign.finding.crop_index import IndexedCrop
from raresign.finding.vectors import Rows, units

ALIKE = 0.9995
"""The least cosine of two crops that are one picture, perhaps saved again."""
SAME_LOOK = 2
"""Bits of 64 that the looks of these may differ in.

With both, 2 in 10,000 pairs of GTSRB crops of one class and of different tracks are taken for one
sign by a run that was trained on the class, none by the built-in model; of pairs of one track,
1 in 100 (`python tools/same_sign.py`). More tells neither the embeddings, which are alike for all
signs of a class, nor names that follow each other, which different signs have, too."""


def groups_of(crops: Sequence[IndexedCrop], rows: Rows) -> list[list[int]]:
    """Places of crops of one physical sign together; groups and their crops in the given order.

    Two crops are of one sign if they have one track, if their files hold the same, or if they are
    nearly identical. Crops of different tracks, and different boxes of one frame, are never of one
    sign.

    Args:
        crops: Of an index.
        rows: All rows of the index.
    """
    unit = units(rows[[crop.row for crop in crops]]) if crops else None
    group = list(range(len(crops)))

    def first(k: int) -> int:
        while group[k] != k:
            group[k] = group[group[k]]
            k = group[k]
        return k

    near = None if unit is None else unit @ unit.T
    for k, one in enumerate(crops):
        for j in range(k):
            other = crops[j]
            if near is not None and _is_same(one, other, float(near[k, j])):
                a, b = sorted((first(k), first(j)))
                group[b] = a
    found: dict[int, list[int]] = {}
    for k in range(len(crops)):
        found.setdefault(first(k), []).append(k)
    return list(found.values())


def _is_same(one: IndexedCrop, other: IndexedCrop, cosine: float) -> bool:
    if one.track and other.track:
        return one.track == other.track
    if one.path == other.path and one.pack_row is None:
        return False
    if one.digest == other.digest:
        return True
    apart = ((one.look ^ other.look) & (2**64 - 1)).bit_count()
    return cosine >= ALIKE and apart <= SAME_LOOK
