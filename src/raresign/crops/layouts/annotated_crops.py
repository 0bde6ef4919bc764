"""Annotations -> training and test crops: boxes checked, splits kept, classes labelled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from raresign.crops.crop_table import CodeBook, CropTable
from raresign.crops.layouts.annotation import Annotation, Annotations
from raresign.crops.layouts.box_check import checked_boxes
from raresign.crops.layouts.class_matching import Spellings, no_spellings
from raresign.crops.layouts.labelling import WHOLE, Box, label_crops
from raresign.crops.layouts.left_out import LeftOut
from raresign.crops.layouts.listing import path_ranks
from raresign.crops.layouts.split_names import Split
from raresign.errors import InputError
from raresign.language.spoken import _

Row = TypeVar("Row")
MARGIN = 0.1
"""Each side of a box moves out by this share of the box's side."""


@dataclass(frozen=True)
class LayoutCrops:
    """What a layout holds.

    Args:
        training: Crops to train on; may be empty where all are declared test.
        test: Crops of the part that the source declares to be the test; None if it declares none.
    """

    training: CropTable
    test: CropTable | None = None


def check_margin(margin: float) -> None:
    """Refuse a margin that would turn boxes inside out or swallow frames."""
    if not 0.0 <= margin <= 10.0:
        raise InputError(f"margin {margin} is not between 0 and 10", "use a share like 0.1")


def annotated_crops(
    parts: Sequence[Annotations],
    source: Path,
    catalogue: CodeBook,
    strict: bool = False,
    margin: float = MARGIN,
    spellings: Spellings = no_spellings,
) -> LayoutCrops:
    """The crops of a source, its declared parts kept apart, ordered by picture.

    The validation part is the test where no other is; else it is left out: it neither trains nor
    tests.

    Args:
        parts: The signs, the boxes of each part in one form; what is left out is told and counted.
        source: What messages call all of them.
        catalogue: Knows the labels.
        strict: Pictures that do not exist are an error.
        margin: What boxes are widened by, a share of their sides.
        spellings: How class names of this layout may differ from codes.

    Raises:
        InputError: No sign is left, a whole picture has two classes, or the boxes cannot be right.
    """
    check_margin(margin)
    left = LeftOut()
    found: list[tuple[Annotation, Box]] = []
    seen: dict[tuple[Path, Box], Annotation] = {}
    for part in parts:
        found += _new_signs(checked_boxes(part, strict), seen, left)
        part.left.tell(part.source)
        left.take(part.left)
    found = _without_doubles(found, left)
    if not found:
        why = left.summary() or _("it holds no sign")
        raise InputError(
            _("{source}: there is no usable sign ({why})").format(source=source, why=why),
            _("mend what is named there"),
        )
    splits, places = [row.split for row, _ in found], [row.where for row, _ in found]
    training, test = split_rows(found, splits, places, left)
    left.tell(source)
    counts = left.counts()
    used = _table(training, source, catalogue, margin, spellings, counts)
    if test is None:
        return LayoutCrops(used)
    return LayoutCrops(used, _table(test, source, catalogue, margin, spellings, counts))


def split_rows(
    rows: Sequence[Row], splits: Sequence[Split], places: Sequence[object], left: LeftOut
) -> tuple[list[Row], list[Row] | None]:
    """Rows to train on and, if a part is declared for it, rows to test on.

    Example:
        >>> left = LeftOut()
        >>> split_rows("abc", ["train", "val", "test"], ["a", "b", "c"], left), left.counts()
        ((['a'], ['c']), (('of the validation part, which neither trains nor tests', 1),))
    """
    parts: dict[Split, list[Row]] = {"": [], "train": [], "val": [], "test": []}
    for row, split in zip(rows, splits, strict=True):
        parts[split].append(row)
    training = [row for row, split in zip(rows, splits, strict=True) if split in ("", "train")]
    if not parts["test"]:
        return training, parts["val"] or None
    for place, split in zip(places, splits, strict=True):
        if split == "val":
            left.add("of the validation part, which neither trains nor tests", place)
    return training, parts["test"]


def _without_doubles(
    found: list[tuple[Annotation, Box]], left: LeftOut
) -> list[tuple[Annotation, Box]]:
    """Whole pictures once each; two classes for one are an error."""
    seen: dict[Path, Annotation] = {}
    kept: list[tuple[Annotation, Box]] = []
    for row, box in found:
        earlier = seen.setdefault(row.path, row) if box is WHOLE else row
        if earlier is row:
            kept.append((row, box))
        elif earlier.name == row.name:
            left.add("named twice", row.where)
        else:
            raise InputError(
                f"{row.path} is '{earlier.name}' ({earlier.where}) and '{row.name}' ({row.where}), "
                "and neither has a box",
                "give the boxes of both signs, in the columns x0, y0, x1, y1, or keep one row",
            )
    return kept


def _new_signs(
    part: list[tuple[Annotation, Box]], seen: dict[tuple[Path, Box], Annotation], left: LeftOut
) -> list[tuple[Annotation, Box]]:
    """The signs of one file that no file before it has: exports lie beside each other twice."""
    kept = [(row, box) for row, box in part if box is WHOLE or (row.path, box) not in seen]
    for row, box in part:
        if (earlier := seen.get((row.path, box))) is not None and box is not WHOLE:
            same = earlier.name == row.name
            left.add(
                "in a further file once more" if same else "of another class in a further file",
                f"{row.path.name}, {row.where}: {row.name}",
            )
    seen.update({(row.path, box): row for row, box in kept if box is not WHOLE})
    return kept


def _table(
    rows: list[tuple[Annotation, Box]],
    source: Path,
    catalogue: CodeBook,
    margin: float,
    spellings: Spellings,
    left_out: tuple[tuple[str, int], ...],
) -> CropTable:
    ranks = path_ranks(row.path for row, _ in rows)
    # Stable: boxes of a frame keep their order.
    rows = sorted(rows, key=lambda pair: ranks[pair[0].path])
    table = label_crops(
        [row.path for row, _ in rows],
        [row.name for row, _ in rows],
        [_widened(box, margin) for _, box in rows]
        if any(box is not WHOLE for _, box in rows)
        else None,
        catalogue,
        source,
        spellings=spellings,
    )
    return replace(table, left_out=left_out)


def without_margin(table: CropTable) -> CropTable:
    """A table of crops that were widened by `MARGIN`, with the boxes as they stood in the source.

    Tables of layouts that cut boxes as they are (csv, gtsrb) must not be given.

    Example:
        >>> from pathlib import Path
        >>> boxes = np.array([[-1.0, 0.0, 11.0, 24.0]])
        >>> wide = CropTable((Path("a.png"),), np.array([0]), boxes, ("",))
        >>> without_margin(wide).boxes.round(6).tolist()
        [[0.0, 2.0, 10.0, 22.0]]
    """
    if table.boxes is None:
        return table
    sides = (table.boxes[:, 2:] - table.boxes[:, :2]) * (MARGIN / (1 + 2 * MARGIN))
    return replace(table, boxes=table.boxes + np.concatenate([sides, -sides], axis=1))


def _widened(box: Box, margin: float) -> Box:
    """The box with each side moved out by `margin` x its own side."""
    if box is WHOLE:
        return WHOLE
    x0, y0, x1, y1 = box
    out_x, out_y = margin * (x1 - x0), margin * (y1 - y0)
    return (x0 - out_x, y0 - out_y, x1 + out_x, y1 + out_y)


def counted(tables: Sequence[CropTable | None]) -> dict[str, int]:
    """What was left out of the sources of some tables, by reason; a source counts once."""
    every: Counter[str] = Counter()
    for pairs in dict.fromkeys(table.left_out for table in tables if table is not None):
        every.update(dict(pairs))
    unknown = sum(
        int((table.labels < 0).sum()) - table.class_names.count("")
        for table in tables
        if table is not None
    )
    if unknown:
        every["of a class that the catalogue does not have"] += unknown
    return dict(every)


def empty_table() -> CropTable:
    """No crops."""
    return CropTable((), np.empty(0, np.int64), None, ())
