"""Checks the boxes of a source against its pictures."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from raresign.crops.decode import UnreadableFile, picture_header
from raresign.crops.layouts.annotation import Annotation, Annotations, Unit
from raresign.crops.layouts.box_form import FORMS, as_corners, settled_form
from raresign.crops.layouts.frame_sizes import FrameSizes
from raresign.crops.layouts.labelling import WHOLE, Box, present_rows
from raresign.crops.layouts.misread import warn_of_misread
from raresign.crops.layouts.percent import in_percent
from raresign.errors import InputError
from raresign.language.spoken import _, later

MIN_SIDE = 4
"""Pixels; a narrower box shows no sign."""
_MOST_OUTSIDE = 0.25
_FEWEST_INSIDE = 0.5  # of the area of a box

Header = tuple[int, int, int] | str
Numbers = npt.NDArray[np.float64]


def checked_boxes(given: Annotations, strict: bool) -> list[tuple[Annotation, Box]]:
    """The signs whose picture and box are sound, their boxes in pixels of the upright picture.

    The rest is added to `given.left` with its reason. What differs from the form that the source
    source should have and is certain is understood, and a warning says so: shares or per cent of
    the frame in place of pixels, corners in place of width and height, boxes of the picture before
    EXIF turned it, pictures that were scaled after annotating.

    Args:
        given: The signs.
        strict: Pictures that do not exist are an error.

    Raises:
        InputError: The boxes of the source as a whole cannot be right.
    """
    left = given.left
    there = set(present_rows([row.path for row in given.rows], given.source, strict))
    for number, row in enumerate(given.rows):
        if number not in there:
            left.count(later("their picture does not exist"), row.where)
    rows = [row for number, row in enumerate(given.rows) if number in there]
    boxed = [row for row in rows if row.numbers is not None]
    headers = _headers(dict.fromkeys(row.path for row in boxed))
    counts = Counter(row.path for row in boxed)
    for path, header in headers.items():
        if isinstance(header, str):
            for _time in range(counts[path]):
                left.add(later("of pictures that cannot be read"), f"{path.name} ({_(header)})")
    sound = [(row, numbers) for row in boxed if (numbers := _numbers(row, headers, given))]
    found = dict(_in_pictures(sound, headers, given)) if sound else {}
    kept: list[tuple[Annotation, Box]] = []
    for row in rows:
        if row.numbers is None:
            kept.append((row, WHOLE))
        elif id(row) in found:
            kept.append((row, found[id(row)]))
    return kept


def _headers(paths: dict[Path, None]) -> dict[Path, Header]:
    """Stored width, height and orientation of pictures, or why they cannot be read."""

    def header(path: Path) -> Header:
        try:
            return picture_header(path)
        except UnreadableFile as error:
            return error.reason

    with ThreadPoolExecutor(8) as pool:
        return dict(zip(paths, pool.map(header, paths), strict=True))


def _numbers(
    row: Annotation, headers: dict[Path, Header], given: Annotations
) -> list[float] | None:
    """Four finite numbers of a row whose picture can be read."""
    if isinstance(headers[row.path], str) or row.numbers is None:
        return None
    try:
        numbers = [value if type(value) is float else float(str(value)) for value in row.numbers]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) == 4 and all(map(math.isfinite, numbers)):
        return numbers
    shown = _short(row.numbers)
    given.left.add(later("their box is not four numbers"), f"{row.where}: {shown}")
    return None


def _in_pictures(
    sound: Sequence[tuple[Annotation, list[float]]],
    headers: dict[Path, Header],
    given: Annotations,
) -> list[tuple[int, Box]]:
    """(id of the row, box) of those that show a sign."""
    rows = [row for row, _ in sound]
    numbers = np.array([four for _, four in sound])
    stored = np.array([headers[row.path] for row in rows], np.float64)
    upright = np.where(stored[:, 2:] >= 5, stored[:, 1::-1], stored[:, :2])
    good, numbers = _units(rows, numbers, upright, given)
    rows = [row for row, is_good in zip(rows, good, strict=True) if is_good]
    numbers = numbers[good]
    if not rows:
        return []
    known = np.array([headers[row.path] for row in rows], np.int64)
    stated = np.array([row.stated or (np.nan, np.nan) for row in rows], np.float64)
    shares = given.unit == "shares"
    frames = FrameSizes(known[:, :2].astype(np.float64), known[:, 2], stated, shares)
    # The stated size may be wrong, or the picture scaled: a box that fits one of them is sound.
    sizes = np.ones((len(rows), 2)) if shares else np.maximum(frames.drawn, frames.upright)
    areas = np.array([row.area for row in rows]) / (frames.drawn.prod(axis=1) if shares else 1)
    numbers = _in_order(numbers, given)
    form = settled_form(numbers, given.form, sizes, areas, str(given.source))
    if form != given.form:
        warnings.warn(
            f"{given.source}: its boxes are {FORMS[form]}, not {FORMS[given.form]}, and are read "
            "so",
            stacklevel=4,
        )
    corners = as_corners(numbers, form) * (np.tile(frames.drawn, 2) if shares else 1.0)
    boxes, unclear = frames.to_upright(corners, [row.path for row in rows], given.source)
    warn_of_misread(
        [row.path for row in rows], boxes, frames.upright, form == "centre", given.source
    )
    return _with_sign(rows, corners, boxes, unclear, frames, given)


def _in_order(numbers: Numbers, given: Annotations) -> Numbers:
    """Corners with the upper left one first, where all of the source are the other way round."""
    if given.form != "corners" or (numbers[:, 2:] >= numbers[:, :2]).any():
        return numbers
    warnings.warn(
        f"{given.source}: its lower right corners come before the upper left ones, and are read so",
        stacklevel=5,
    )
    return numbers[:, [2, 3, 0, 1]]


def _units(
    rows: list[Annotation], numbers: Numbers, frames: Numbers, given: Annotations
) -> tuple[npt.NDArray[np.bool_], Numbers]:
    """Which rows are in the unit of the source; and the numbers, per cent of the frame as shares.

    Finds out whether that unit is shares of the frame, or per cent, in place of pixels.
    """
    whole = (numbers == np.floor(numbers)).all(axis=1)
    share = np.asarray((np.abs(numbers) <= 1).all(axis=1) & ~whole)
    if given.unit != "shares" and share.all():
        _tell_unit(given, "shares")
        return share, numbers
    if given.unit == "pixels":
        first = f"{rows[0].where}: {_short(numbers[0].tolist())}"
        if not share.any() and in_percent(numbers, given.form, frames, given.source, first):
            _tell_unit(given, "percent")
            return ~share, numbers / 100
        wrong, why = share, "their box looks like shares of the frame among boxes in pixels"
    elif given.unit == "percent":
        wrong = np.asarray((np.abs(numbers) > 150).any(axis=1))
        why = "their box is no per cent of the frame (0 to 100)"
        given.unit, numbers = "shares", numbers / 100
    else:
        wrong = np.asarray((np.abs(numbers) > 1.5).any(axis=1))
        why = "their box is no share of the frame (0 to 1)"
        if wrong.all():
            first = f"{rows[0].where}: {_short(numbers[0].tolist())}"
            raise InputError(
                f"{given.source}: no box is in shares of the frame; the first is {first}",
                "divide x and width by the frame's width, y and height by its height",
            )
    for row in np.flatnonzero(wrong):
        given.left.add(why, f"{rows[row].where}: {_short(numbers[row].tolist())}")
    return ~wrong, numbers


def _tell_unit(given: Annotations, found: Unit) -> None:
    """Note and tell that boxes are in another unit than they should be."""
    names = {"shares": "shares", "percent": "per cent", "pixels": "pixels"}
    warnings.warn(
        f"{given.source}: its boxes are {names[found]} of the frame, not {names[given.unit]}, and "
        "are read so",
        stacklevel=6,
    )
    given.unit = "shares"


def _with_sign(
    rows: list[Annotation],
    corners: Numbers,
    boxes: Numbers,
    unclear: dict[int, str],
    frames: FrameSizes,
    given: Annotations,
) -> list[tuple[int, Box]]:
    """Those whose box shows a sign of some size in its picture."""
    sides = boxes[:, 2:] - boxes[:, :2]
    inside = np.minimum(boxes[:, 2:], frames.upright) - np.maximum(boxes[:, :2], 0.0)
    empty = np.asarray((sides <= 0).any(axis=1))
    beyond: np.ndarray = (inside <= 0).any(axis=1) | (
        inside.prod(axis=1) < _FEWEST_INSIDE * sides.prod(axis=1)
    )
    narrow = inside.min(axis=1) < MIN_SIDE
    wrong = empty | beyond | narrow
    wrong[list(unclear)] = True
    outside: list[str] = []
    for number in np.flatnonzero(wrong).tolist():
        row = rows[number]
        where = f"{row.where}: {_short(corners[number].round(2).tolist())}"
        if number in unclear:
            stated = " x ".join(f"{side:g}" for side in row.stated or ())
            real = " x ".join(f"{side:g}" for side in frames.stored[number])
            given.left.add(unclear[number], f"{row.where}: {stated} stated, {real} there")
        elif empty[number]:
            given.left.add(later("their box has no area"), where)
        elif beyond[number]:
            width, height = frames.upright[number].tolist()
            place = _("{where} in {name} of {width:g} x {height:g} pixels").format(
                where=where, name=row.path.name, width=width, height=height
            )
            given.left.add(later("their box lies outside the picture, or most of it does"), place)
            outside.append(place)
        else:
            given.left.add(f"their box is narrower than {MIN_SIDE} pixels", where)
    if len(outside) > max(1.0, _MOST_OUTSIDE * len(rows)):
        raise InputError(
            _(
                "{source}: {n} of {all} boxes lie outside their pictures; the first is {first}"
            ).format(source=given.source, n=len(outside), all=len(rows), first=outside[0]),
            _("give the pictures that were annotated, unscaled and uncut"),
        )
    every = zip(rows, boxes.tolist(), wrong.tolist(), strict=True)
    return [
        (id(row), (box[0], box[1], box[2], box[3])) for row, box, is_wrong in every if not is_wrong
    ]


def _short(value: object) -> str:
    """A value as it stands, not too long."""
    text = str(value) if not isinstance(value, tuple) else str(list(value))
    return text if len(text) <= 60 else f"{text[:57]}..."
