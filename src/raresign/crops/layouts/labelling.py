"""Gives rows of a source (file, class name, box) their labels and drops what cannot be used."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from raresign.crops.crop_table import CodeBook, CropTable
from raresign.errors import InputError

Box = tuple[float, float, float, float]
BoxRow = tuple[Path, str, Box]
BROKEN_BOXES = "broken boxes (zero area or no numbers)"
WHOLE: Box = (math.nan, math.nan, math.nan, math.nan)
_NAMES_SHOWN = 5


def first_names(names: Sequence[object]) -> str:
    """The first few of `names`, and how many more there are.

    Example:
        >>> first_names(["a", "b"]), first_names("abcdefg")
        ('a, b', 'a, b, c, d, e and 2 more')
    """
    shown = ", ".join(str(name) for name in names[:_NAMES_SHOWN])
    rest = len(names) - _NAMES_SHOWN
    return f"{shown} and {rest} more" if rest > 0 else shown


def label_crops(
    paths: Sequence[Path],
    names: Sequence[str],
    boxes: Sequence[Box] | None,
    catalogue: CodeBook,
    source: str | Path,
    fate: str = "used",
) -> CropTable:
    """Build the table; classes that the catalogue does not know get -1 and one warning.

    Args:
        paths: N files.
        names: N class codes, "" = none (label -1 without a warning).
        boxes: N boxes (`WHOLE` = whole picture) or None.
        catalogue: Knows the labels.
        source: What the warning calls the source.
        fate: What does not happen to crops of unknown classes, for the warning.
    """
    counts = Counter(names)
    label_of = {name: catalogue.label_of(name) if name else -1 for name in counts}
    unknown = [name for name in counts if name and label_of[name] < 0]
    if unknown:
        crops = sum(counts[name] for name in unknown)
        warnings.warn(
            f"{source}: {crops} {'crop' if crops == 1 else 'crops'} of "
            f"{'a class' if len(unknown) == 1 else f'{len(unknown)} classes'} that the catalogue "
            f"does not have ({first_names(unknown)}) {'is' if crops == 1 else 'are'} not {fate}",
            stacklevel=3,
        )
    return CropTable(
        tuple(paths),
        np.array([label_of[name] for name in names], np.int64),
        None if boxes is None else np.array(boxes, np.float64).reshape(-1, 4),
        tuple(names),
    )


def present_rows(paths: Sequence[Path], source: str | Path, strict: bool) -> list[int]:
    """The rows whose file exists; the others are warned of, or an InputError if `strict`."""
    exists = {path: path.exists() for path in dict.fromkeys(paths)}
    missing = [path for path, there in exists.items() if not there]
    if missing:
        problem = f"{source}: {len(missing)} files do not exist: {first_names(missing)}"
        if strict:
            raise InputError(problem, "restore them or take their rows out")
        warnings.warn(f"{problem}; their rows are skipped", stacklevel=3)
    return [row for row, path in enumerate(paths) if exists[path]]


def warn_of_skipped(what: str, skipped: Sequence[str], source: str | Path) -> None:
    """One warning for all that is skipped of a source, such as frames; nothing if that is none."""
    if skipped:
        text = f"{source}: {len(skipped)} {what} are skipped: {first_names(skipped)}"
        warnings.warn(text, stacklevel=3)


def box_table(rows: Sequence[BoxRow], catalogue: CodeBook, source: Path, strict: bool) -> CropTable:
    """The table of those rows whose file exists."""
    present = present_rows([path for path, _, _ in rows], source, strict)
    paths, names, boxes = (
        zip(*(rows[row] for row in present), strict=True) if present else ((),) * 3
    )
    return label_crops(paths, names, boxes, catalogue, source)


def sound_box(numbers: Sequence[object]) -> Box | None:
    """x0, y0, x1, y1 as a box, or None if broken (not four finite numbers, or zero area)."""
    try:
        x0, y0, x1, y1 = (float(str(number)) for number in numbers)
    except ValueError:
        return None
    finite = all(map(math.isfinite, (x0, y0, x1, y1)))
    return (x0, y0, x1, y1) if finite and x0 < x1 and y0 < y1 else None
