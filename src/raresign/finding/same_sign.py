"""Crops of one physical sign, told by their tracks, their file names and how alike they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

from raresign.finding.crop_index import IndexedCrop
from raresign.finding.vectors import Rows, units

ALIKE = 0.9
"""The least cosine of two crops of one sign; it tells classes apart, hardly signs of one class."""
SAME_LOOK, NEXT_LOOK = 6, 20
"""Bits of 64 that near-identical pictures may differ in, and crops of frames next to each other.

Of GTSRB's training crops, 7 in 10,000 pairs of one class and of different tracks differ in 6 bits
or fewer, and a quarter in 20 or fewer; of pairs of one track, at most 15 frames apart, two thirds
do."""
_FRAMES = 15  # that two crops of one sign lie apart at most
_NUMBER = re.compile(r"^(.*?)(\d+)(\D*)$")


def groups_of(crops: Sequence[IndexedCrop], rows: Rows) -> list[list[int]]:
    """Places of crops of one physical sign together; groups and their crops in the given order.

    Two crops are of one sign if they have one track; if their files hold the same; if they look
    nearly identical; or if they look alike and come from frames next to each other: of one folder,
    with names that differ by a few in their last number alone. Crops of different tracks, and
    different boxes of one frame, are never of one sign.

    Args:
        crops: Of an index.
        rows: All rows of the index.
    """
    unit = units(rows[[crop.row for crop in crops]]) if crops else None
    names = [_sequence(crop) for crop in crops]
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
            if near is not None and _is_same(one, other, names[k], names[j], float(near[k, j])):
                a, b = sorted((first(k), first(j)))
                group[b] = a
    found: dict[int, list[int]] = {}
    for k in range(len(crops)):
        found.setdefault(first(k), []).append(k)
    return list(found.values())


def _is_same(
    one: IndexedCrop,
    other: IndexedCrop,
    name: tuple[str, int] | None,
    other_name: tuple[str, int] | None,
    cosine: float,
) -> bool:
    if one.track and other.track:
        return one.track == other.track
    if one.path == other.path and one.pack_row is None:
        return False
    if one.digest == other.digest:
        return True
    if cosine < ALIKE:
        return False
    apart = ((one.look ^ other.look) & (2**64 - 1)).bit_count()
    if apart <= SAME_LOOK:
        return True
    if apart > NEXT_LOOK or name is None or other_name is None or name[0] != other_name[0]:
        return False
    return abs(name[1] - other_name[1]) <= _FRAMES


def _sequence(crop: IndexedCrop) -> tuple[str, int] | None:
    """What stands around the last number in a crop's name, its folder with it, and the number.

    Example:
        >>> _sequence(IndexedCrop(0, "a/00006_00008.png", None, "", "", 0))
        ('a/00006_*', 8)
    """
    path = PurePath(crop.path)
    found = _NUMBER.match(path.stem)
    return (
        (f"{path.parent.as_posix()}/{found[1]}*{found[3]}", int(found[2][-15:])) if found else None
    )
