"""The one result type of every reader: where each crop lies and what it shows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from raresign.errors import InputError
from raresign.records import frame_of, to_arrow_columns

BOX_COLUMNS = ("x0", "y0", "x1", "y1")


class CodeBook(Protocol):
    """What a reader needs from a catalogue: the label of a class code."""

    def label_of(self, code: str) -> int:
        """The label of the class `code`, -1 if the catalogue does not have it."""
        ...


@dataclass(frozen=True, eq=False)
class CropTable:
    """Crops that are still in files: N rows of path, label, box and class name.

    Args:
        paths: N picture files. A path may stand in several rows (a frame with several signs).
        labels: (N,) int64, -1 = unknown.
        boxes: (N, 4) float64 x0, y0, x1, y1 in pixels of the upright picture (EXIF applied),
            x1 and y1 exclusive; a row of NaN = the whole picture. None = whole pictures only.
            A box may reach over the border: decoding clips it.
        class_names: N names as they stood in the source, "" where there was none.
        left_out: Reasons why signs of the source are not in the table, and how many each.

    Raises:
        InputError: The lengths differ, a label is below -1, or a box is empty, infinite or
            NaN in some of its numbers only.

    Example:
        >>> table = CropTable((Path("a.png"), Path("b.png")), np.array([0, -1]), None, ("1.1", ""))
        >>> len(table)
        2
        >>> table.filter(table.labels >= 0).class_names
        ('1.1',)
    """

    paths: tuple[Path, ...]
    labels: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.float64] | None
    class_names: tuple[str, ...]
    left_out: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        count = len(self.paths)
        labels = np.asarray(self.labels)
        if labels.shape != (count,) or (count and labels.dtype.kind not in "iu"):
            raise InputError(
                f"labels of shape {labels.shape} and type {labels.dtype} for {count} paths",
                "give one whole number a path",
            )
        if count and labels.min() < -1:
            raise InputError(f"label {labels.min()} is below -1", "use -1 for an unknown class")
        if len(self.class_names) != count:
            raise InputError(f"{len(self.class_names)} class names for {count} paths")
        object.__setattr__(self, "labels", labels.astype(np.int64, copy=False))
        if self.boxes is not None:
            object.__setattr__(self, "boxes", _checked_boxes(self.boxes, self.paths))

    def __len__(self) -> int:
        return len(self.paths)

    def to_arrow(self) -> Any:
        """An Arrow table: path, class, label and, of boxed crops, x0, y0, x1, y1."""
        columns = {
            "path": [str(path) for path in self.paths],
            "class": list(self.class_names),
            "label": self.labels,
        }
        if self.boxes is not None:
            columns |= dict(zip(BOX_COLUMNS, self.boxes.T, strict=True))
        return to_arrow_columns(columns)

    def to_pandas(self) -> Any:
        """The same as a pandas DataFrame; InputError where pandas is not installed."""
        return frame_of(self.to_arrow())

    def filter(self, mask: npt.NDArray[np.bool_]) -> CropTable:
        """The rows where `mask` ((N,) bool) is true, in their order.

        Raises:
            InputError: The mask is not (N,) bool.
        """
        mask = np.asarray(mask)
        if mask.shape != (len(self),) or mask.dtype != np.bool_:
            raise InputError(
                f"a mask of shape {mask.shape} and type {mask.dtype} for {len(self)} rows",
                "give one True or False a row",
            )
        rows = np.flatnonzero(mask).tolist()
        return CropTable(
            tuple(self.paths[row] for row in rows),
            self.labels[mask],
            None if self.boxes is None else self.boxes[mask],
            tuple(self.class_names[row] for row in rows),
            self.left_out,
        )


def _checked_boxes(
    boxes: npt.NDArray[np.float64], paths: tuple[Path, ...]
) -> npt.NDArray[np.float64]:
    """`boxes` as float64, or an InputError that names the first wrong one."""
    boxes = np.asarray(boxes, np.float64)
    if boxes.shape != (len(paths), 4):
        raise InputError(f"boxes of shape {boxes.shape} for {len(paths)} paths", "give (N, 4)")
    whole = np.isnan(boxes).all(axis=1)
    sound = np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    wrong = np.flatnonzero(~(whole | sound))
    if len(wrong):
        row = int(wrong[0])
        raise InputError(
            f"box {boxes[row].tolist()} of {paths[row]} is empty or not finite",
            "give x0 < x1 and y0 < y1, or four NaN for the whole picture",
        )
    return boxes
