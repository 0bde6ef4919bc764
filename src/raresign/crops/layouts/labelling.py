"""Gives rows of a source (file, class name, box) their labels and drops what cannot be used."""

from __future__ import annotations

import math
import os
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from unicodedata import normalize

import numpy as np

from raresign.crops.crop_table import CodeBook, CropTable
from raresign.crops.layouts.class_matching import (
    Spellings,
    label_and_code,
    no_spellings,
    suggestion,
)
from raresign.errors import InputError
from raresign.language.spoken import _

Box = tuple[float, float, float, float]
WHOLE: Box = (math.nan, math.nan, math.nan, math.nan)
_NAMES_SHOWN = 5


def first_names(names: Sequence[object], count: int | None = None) -> str:
    """The first few of `names`, and how many more there are.

    Args:
        names: Some or all.
        count: Of all; `names` are all unless given.

    Example:
        >>> first_names(["a", "b"]), first_names("abcdefg")
        ('a, b', 'a, b, c, d, e and 2 more')
    """
    shown = ", ".join(str(name) for name in names[:_NAMES_SHOWN])
    rest = (len(names) if count is None else count) - _NAMES_SHOWN
    return _("{shown} and {rest} more").format(shown=shown, rest=rest) if rest > 0 else shown


def label_crops(
    paths: Sequence[Path],
    names: Sequence[str],
    boxes: Sequence[Box] | None,
    catalogue: CodeBook,
    source: str | Path,
    fate: str = "used",
    spellings: Spellings = no_spellings,
) -> CropTable:
    """Build the table; classes that the catalogue does not know get -1 and one warning.

    Args:
        paths: N files.
        names: N class codes, "" = none (label -1 without a warning).
        boxes: N boxes (`WHOLE` = whole picture) or None.
        catalogue: Knows the labels.
        source: What the warning calls the source.
        fate: What does not happen to crops of unknown classes, for the warning.
        spellings: How names of this source may differ from codes, see `label_and_code`.
    """
    counts = Counter(names)
    found = {
        name: label_and_code(name, catalogue, spellings) if name else (-1, "") for name in counts
    }
    taken = [
        f"{name} as {code}"
        for name, (label, code) in found.items()
        if label >= 0 and normalize("NFC", name) != normalize("NFC", code)
    ]
    if taken:
        warnings.warn(f"{source}: classes are taken {first_names(taken)}", stacklevel=3)
    unknown = [name for name in counts if name and found[name][0] < 0]
    if unknown:
        shown = first_names([_shown(name, catalogue) for name in unknown])
        crops = sum(counts[name] for name in unknown)
        warnings.warn(
            f"{source}: {crops} {'crop' if crops == 1 else 'crops'} of "
            f"{'a class' if len(unknown) == 1 else f'{len(unknown)} classes'} that the catalogue "
            f"does not have ({shown}) {'is' if crops == 1 else 'are'} not {fate}",
            stacklevel=3,
        )
    return CropTable(
        tuple(paths),
        np.array([found[name][0] for name in names], np.int64),
        None if boxes is None else np.array(boxes, np.float64).reshape(-1, 4),
        tuple(found[name][1] for name in names),
    )


def _shown(name: str, catalogue: CodeBook) -> str:
    """A class name that the catalogue lacks, in quotes where it is one of its own but for looks."""
    meant = suggestion(name, catalogue)
    if meant:
        return f"'{name}' - did you mean '{meant}'?"
    plain = name == name.strip(" \t'\",;")
    return name if plain else f"'{name}'"


def present_rows(paths: Sequence[Path], source: str | Path, strict: bool) -> list[int]:
    """The rows whose file exists; the others are warned of, or an InputError if `strict`."""
    # os.path.exists takes names that no disk takes, too, and is faster.
    exists = {path: os.path.exists(path) for path in dict.fromkeys(paths)}  # noqa: PTH110
    missing = [str(path)[:200] for path, there in exists.items() if not there]
    if missing:
        problem = _("{source}: {n} files do not exist: {first}").format(
            source=source, n=len(missing), first=first_names(missing)
        )
        if strict:
            raise InputError(problem, _("restore them or take their rows out"))
        warnings.warn(_("{problem}; their rows are skipped").format(problem=problem), stacklevel=3)
    return [row for row, path in enumerate(paths) if exists[path]]


def warn_of_skipped(what: str, skipped: Sequence[str], source: str | Path) -> None:
    """One warning for all that is skipped of a source, such as frames; nothing if that is none."""
    if skipped:
        text = _("{source}: {n} {what} are skipped: {first}").format(
            source=source, n=len(skipped), what=what, first=first_names(skipped)
        )
        warnings.warn(text, stacklevel=3)
