"""What columns of a CSV that no name tells of hold: a declared part, marked classes, boxes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt

from raresign.crops.decode import UnreadableFile, picture_header
from raresign.crops.layouts.csv_cells import numbers_of_cell
from raresign.crops.layouts.split_names import Split, is_split_name, split_of
from raresign.errors import InputError

Row = Mapping[str, str]
_SPLIT = ("split", "set", "subset", "partition", "usage", "phase", "ml_use")
_NO = ("", "0", "0.0", "false", "no", "n", "f")
_YES = ("1", "1.0", "true", "yes", "y", "t")
_LOOKED_AT = 30  # pictures
_MOST_COLUMNS = 12  # of numbers
_FEWEST_PIXELS = 4.0
_MOST_OF_FRAME = 0.8


def declared_parts(rows: Sequence[Row], columns: Sequence[str], source: object) -> list[Split]:
    """The part of each row, by a column whose cells are parts or that says yes to one.

    Args:
        rows: All rows.
        columns: Those that are read for nothing else.
        source: For the message.

    Raises:
        InputError: A column called `split` or the like holds no parts.

    Example:
        >>> declared_parts([{"fold": "train"}, {"fold": "testing"}], ["fold"], "a.csv")
        ['train', 'test']
        >>> declared_parts([{"is_test": "False"}, {"is_test": "True"}], ["is_test"], "a.csv")
        ['train', 'test']
    """
    for name in columns:
        cells = [row[name] for row in rows]
        filled = dict.fromkeys(cell for cell in cells if cell)
        plain = re.sub(r"[\W_]+", "_", name.lower()).strip("_")
        of_name = re.sub(r"^is_?|^in_?|_?set$|_?split$", "", plain)
        if filled and all(is_split_name(cell) for cell in filled):
            return [split_of(cell) for cell in cells]
        marks = {cell.lower() for cell in cells}
        if is_split_name(of_name) and filled and marks <= {*_NO, *_YES}:
            yes = split_of(of_name)
            no: Split = "test" if yes == "train" else "train"
            return [yes if cell.lower() in _YES else no for cell in cells]
        if plain in _SPLIT and filled:
            if not any(split_of(cell) for cell in filled):
                raise InputError(
                    f"{source}: the column {name} says {', '.join(list(filled)[:4])}, which names "
                    "no part",
                    "write train, val or test into it; if it means something else, rename it",
                )
            return [split_of(cell) for cell in cells]
    return [""] * len(rows)


def marked_classes(rows: Sequence[Row], columns: Sequence[str]) -> list[list[str]] | None:
    """The classes of each row where every column is a class and holds 1 or 0; None elsewhere.

    Example:
        >>> marked_classes([{"stop": "1", "go": "0"}, {"stop": "1", "go": "1"}], ["stop", "go"])
        [['stop'], ['stop', 'go']]
    """
    if len(columns) < 2 or not rows:
        return None
    if any(row[name].lower() not in (*_NO, *_YES) for row in rows for name in columns):
        return None
    return [[name for name in columns if row[name].lower() in _YES] for row in rows]


def refuse_boxes(
    rows: Sequence[Row], columns: Sequence[str], paths: Sequence[Path], source: object
) -> None:
    """Refuse columns that hold boxes under names that say nothing: whole frames would be crops.

    A cell may hold four numbers or more, two cells a corner each, four columns a number each that
    make boxes within all pictures that are looked at.

    Args:
        rows: All rows.
        columns: Those that are read for nothing else.
        paths: The picture of each row.
        source: For the message.

    Raises:
        InputError: They do.
    """
    if not rows:
        return
    chosen = np.unique(np.linspace(0, len(rows) - 1, _LOOKED_AT).astype(int)).tolist()
    some = [rows[row] for row in chosen]
    counts = {
        name: {len(numbers_of_cell(row[name])) if row[name] else 0 for row in some}
        for name in columns
    }
    alone = [name for name, found in counts.items() if min(found) >= 4]
    pairs = [name for name, found in counts.items() if found == {2}]
    if alone or len(pairs) >= 2:
        _refuse(alone[:1] or pairs[:2], source)
    numeric = [name for name, found in counts.items() if found == {1}][:_MOST_COLUMNS]
    places = [
        (name, other)
        for name in numeric
        for other in numeric
        if name.lower() != other.lower() and re.sub("[xX]", "y", name.lower()) == other.lower()
    ]
    if places:
        _refuse(places[0], source)
    if len(numeric) < 2:
        return
    sized = [(row, size) for row in chosen if (size := _size(paths[row])) is not None]
    if not sized:
        return
    sizes = np.array([size for _, size in sized], np.float64)
    cells = {
        name: np.array([numbers_of_cell(rows[row][name])[0] for row, _ in sized])
        for name in numeric
    }
    sides = [name for name in numeric if name.lower() in ("width", "height", "w", "h")]
    if len(sides) == 2:
        told = np.stack([cells[name] for name in sides], axis=1)
        if ((told >= _FEWEST_PIXELS) & (told < _MOST_OF_FRAME * sizes)).all():
            _refuse(sides, source)  # of a sign, whose place is not told
    for four in combinations(numeric, 4):
        if _are_boxes(np.stack([cells[name] for name in four], axis=1), sizes):
            _refuse(four, source)


def _refuse(names: Sequence[str], source: object) -> None:
    several = len(names) > 1
    raise InputError(
        f"{source}: the column{'s' * several} {', '.join(names)} hold{'s' * (not several)} numbers "
        "that may well be boxes, and no column is known to be one",
        "call the corners x0, y0, x1, y1 (or x, y, width, height); if the pictures are crops of "
        "one sign each, remove them",
    )


def _size(path: Path) -> tuple[int, int] | None:
    """Width and height of an upright picture, None if it cannot be read."""
    try:
        width, height, turned = picture_header(path)
    except UnreadableFile:
        return None
    return (height, width) if turned >= 5 else (width, height)


def _are_boxes(numbers: npt.NDArray[np.float64], sizes: npt.NDArray[np.float64]) -> bool:
    """Whether (N, 4) numbers are boxes of some size, and none a whole picture, of N pictures."""
    if (numbers < 0).any() or (len(numbers) > 1 and (numbers == numbers[0]).all(axis=0).any()):
        return False
    starts = [numbers[:, :2], numbers[:, [0, 2]], numbers[:, :2]]
    ends = [numbers[:, 2:], numbers[:, [1, 3]], numbers[:, :2] + numbers[:, 2:]]
    if (numbers <= 1).all():  # shares: as sides, many numbers below one would do
        starts, ends = ([one * sizes for one in many[:2]] for many in (starts, ends))
    for start, end in zip(starts, ends, strict=True):
        sides = end - start
        within = (end <= sizes + 1).all() and (sides >= _FEWEST_PIXELS).all()
        if within and (sides < _MOST_OF_FRAME * sizes).all():
            return True
    return False
