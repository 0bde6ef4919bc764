"""Labels that a person has corrected: `corrections.csv` in the data folder; training reads it."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from raresign.commands.answer_sheet import without_apostrophe, write_csv
from raresign.crops.crop_table import BOX_COLUMNS, CodeBook, CropTable
from raresign.crops.layouts.csv_file import csv_rows
from raresign.crops.layouts.labelling import first_names
from raresign.crops.layouts.listing import CORRECTIONS
from raresign.errors import InputError
from raresign.files import whole_file
from raresign.language.spoken import _

FILE = CORRECTIONS
UNREADABLE = "unreadable"
"""What stands for the class of a crop that nobody can read."""
LEFT_OUT = "marked unreadable in corrections.csv"
UNKNOWN = "corrected to a class that is not in the catalogue"

Box = tuple[float, float, float, float]
_Key = tuple[str, Box | None]


@dataclass(frozen=True)
class CropCorrection:
    """One crop whose label was wrong, or that nobody can read.

    Args:
        file: Its picture, relative to the data folder.
        box: Where it lies in the picture, in pixels; None for the whole picture.
        before: Class code that stood in the data; "" for none.
        after: Class code that it shows, or "unreadable".
        who: Whoever corrected it.
        when: ISO time.
    """

    file: str
    box: Box | None
    before: str
    after: str
    who: str = ""
    when: str = ""


@dataclass(frozen=True)
class Applied:
    """What corrections did to some crops.

    Args:
        relabelled: Crops that got another class.
        unreadable: Crops that were left out.
        elsewhere: Corrections of crops that are not there, or have another label than the one
            corrected, such as data that were mended since.
    """

    relabelled: int = 0
    unreadable: int = 0
    elsewhere: tuple[str, ...] = ()

    def __str__(self) -> str:
        told = _("{relabelled} labels corrected, {unreadable} crops left out as unreadable").format(
            relabelled=self.relabelled, unreadable=self.unreadable
        )
        if not self.elsewhere:
            return told
        return told + _("; {n} do not fit the data and change nothing: {first}").format(
            n=len(self.elsewhere), first=first_names(self.elsewhere)
        )

    @property
    def of_part(self) -> str:
        """The same of some of the crops, where the others may be those of the other corrections."""
        return str(replace(self, elsewhere=()))

    def as_dict(self) -> dict[str, int]:
        """Counts for run.json."""
        return {
            "relabelled": self.relabelled,
            "unreadable": self.unreadable,
            "without_effect": len(self.elsewhere),
        }


def save_corrections(path: str | Path, corrections: Iterable[CropCorrection]) -> Path:
    """Write a `corrections.csv`, whole or not at all; a folder gets one inside.

    Columns: file, x0, y0, x1, y1 (empty for a whole picture), before, after, who, when.

    Returns:
        The file.

    Raises:
        OSError: It cannot be written; an earlier one stays as it was.

    Example:
        >>> import tempfile
        >>> one = CropCorrection("smalltest/a.png", None, "3.1", "3.2", "Anna", "2026-11-29")
        >>> read_corrections(save_corrections(tempfile.mkdtemp(), [one])) == [one]
        True
    """
    file = Path(path) / FILE if Path(path).is_dir() else Path(path)
    rows = []
    for one in corrections:
        told = asdict(one)
        box = told.pop("box") or ("",) * len(BOX_COLUMNS)
        rows.append(told | dict(zip(BOX_COLUMNS, box, strict=True)))
    columns = ["file", *BOX_COLUMNS, "before", "after", "who", "when"]
    with whole_file(file) as temporary:
        write_csv(temporary, rows, columns)
    return file


def read_corrections(path: str | Path) -> list[CropCorrection]:
    """Read what `save_corrections` wrote; of a folder, its `corrections.csv`, none if it has none.

    The columns file and after are enough; an empty cell of `before` fits any label.

    Raises:
        InputError: The file is damaged, a cell is empty, or a crop is corrected twice.
    """
    file = Path(path) / FILE if Path(path).is_dir() else Path(path)
    if Path(path).is_dir() and not file.is_file():
        return []
    found: dict[_Key, CropCorrection] = {}
    for line, cells in csv_rows(file, ("file", "after")):
        row = {name: without_apostrophe(cell) for name, cell in cells.items()}
        if not row["file"] or not row["after"]:
            raise InputError(
                _("{file}, line {line}: an empty cell").format(file=file, line=line),
                _("give the file, and its class code or 'unreadable'"),
            )
        box = _box([row.get(name, "") for name in BOX_COLUMNS], file, line)
        facts = {name: row.get(name, "") for name in ("before", "after", "who", "when")}
        one = CropCorrection(row["file"], box, **facts)
        key = (os.path.normpath(one.file), box)
        if key in found:
            raise InputError(
                _("{file}, line {line}: {crop} is corrected a second time").format(
                    file=file, line=line, crop=one.file
                ),
                _("keep one of the lines"),
            )
        found[key] = one
    return list(found.values())


def corrections_home(root: str | Path, crops: str | Path | None = None) -> Path:
    """The folder whose `corrections.csv` counts: the data folder, else that of the crops."""
    if Path(root).is_dir() or crops is None:
        return Path(root)
    return Path(crops) if Path(crops).is_dir() else Path(crops).parent


def apply_corrections(
    tables: Sequence[CropTable | None],
    home: Path,
    corrections: Sequence[CropCorrection],
    catalogue: CodeBook,
) -> tuple[list[CropTable | None], Applied]:
    """Correct the labels of some tables of crops, and leave out what nobody can read.

    Args:
        tables: Such as training and test crops; None stays None.
        home: The folder that the corrections' files start from.
        corrections: See `read_corrections`.
        catalogue: Knows the labels.

    Returns:
        The tables, and what was done to them.

    Example:
        >>> from types import SimpleNamespace
        >>> catalogue = SimpleNamespace(label_of={"3.1": 0, "3.2": 1, UNREADABLE: -1}.get)
        >>> table = CropTable((Path("d/a.png"), Path("d/b.png")), np.array([0, 0]), None,
        ...                   ("3.1", "3.1"))
        >>> mended = [CropCorrection("a.png", None, "3.1", "3.2"),
        ...           CropCorrection("b.png", None, "3.1", UNREADABLE)]
        >>> [found], applied = apply_corrections([table], Path("d"), mended, catalogue)
        >>> found.class_names, applied.relabelled, applied.unreadable
        (('3.2',), 1, 1)
    """
    if not corrections:
        return list(tables), Applied()
    wanted = {
        (os.path.abspath(home / one.file), _rounded(one.box)): one  # noqa: PTH100
        for one in corrections
    }
    names = {os.path.basename(path) for path, _box in wanted}  # noqa: PTH119
    relabelled, unreadable, fitting = 0, 0, set()
    found: list[CropTable | None] = []
    for table in tables:
        if table is None:
            found.append(None)
            continue
        changes: dict[int, str] = {}
        for row, path in enumerate(table.paths):
            if path.name not in names:
                continue
            key = (os.path.abspath(path), _row_box(table, row))  # noqa: PTH100
            one = wanted.get(key)
            if one is None or one.before not in ("", table.class_names[row]):
                continue
            fitting.add(key)
            changes[row] = one.after
        found.append(_changed(table, changes, catalogue))
        unreadable += sum(after == UNREADABLE for after in changes.values())
        relabelled += sum(after != UNREADABLE for after in changes.values())
    elsewhere = tuple(one.file for key, one in wanted.items() if key not in fitting)
    return found, Applied(relabelled, unreadable, elsewhere)


def _changed(table: CropTable, changes: Mapping[int, str], catalogue: CodeBook) -> CropTable:
    """A table with other classes in some rows, and without the unreadable ones."""
    if not changes:
        return table
    labels, names = table.labels.copy(), list(table.class_names)
    kept = np.ones(len(table), bool)
    lost = {LEFT_OUT: 0, UNKNOWN: 0}
    for row, after in changes.items():
        label = catalogue.label_of(after)
        if after == UNREADABLE or label < 0:
            kept[row] = False
            lost[LEFT_OUT if after == UNREADABLE else UNKNOWN] += 1
        else:
            labels[row], names[row] = label, after
    more = tuple((reason, count) for reason, count in lost.items() if count)
    changed = replace(
        table, labels=labels, class_names=tuple(names), left_out=table.left_out + more
    )
    return changed.filter(kept)


def _row_box(table: CropTable, row: int) -> Box | None:
    if table.boxes is None or math.isnan(table.boxes[row, 0]):
        return None
    return _rounded(tuple(table.boxes[row].tolist()))


def _rounded(box: Box | tuple[float, ...] | None) -> Box | None:
    """A box as a CSV holds it: to a hundredth of a pixel."""
    if box is None:
        return None
    x0, y0, x1, y1 = (round(side, 2) + 0.0 for side in box)
    return x0, y0, x1, y1


def _box(cells: Sequence[str], file: Path, line: int) -> Box | None:
    if not any(cells):
        return None
    try:
        x0, y0, x1, y1 = map(float, cells)
    except ValueError:
        raise InputError(
            _("{file}, line {line}: the box is {cells}").format(
                file=file, line=line, cells=", ".join(cells)
            ),
            _("give four numbers, or none for the whole picture"),
        ) from None
    return _rounded((x0, y0, x1, y1))
