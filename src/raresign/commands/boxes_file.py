"""Boxes of signs in whole frames, as a detector or a person gives them: `predict --boxes`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from raresign.commands.layout_choice import choose_layout
from raresign.crops.crop_table import CropTable
from raresign.crops.layouts.annotated_crops import LayoutCrops, annotated_crops, without_margin
from raresign.crops.layouts.annotation import Annotation, Annotations
from raresign.crops.layouts.coco import from_coco
from raresign.crops.layouts.csv_layout import csv_annotations
from raresign.crops.layouts.frame_files import FrameFiles
from raresign.crops.layouts.labelling import WHOLE
from raresign.crops.layouts.listing import files_under, pictures_under
from raresign.crops.layouts.recognise import recognised
from raresign.crops.layouts.text_files import read_text
from raresign.crops.layouts.yolo_labels import NoLabel, parse_label
from raresign.errors import InputError

_UNWIDENED = ("csv", "gtsrb")  # layouts whose boxes are cut as they are
_HINT = "give a COCO file (.json), a CSV with file,x0,y0,x1,y1, or a folder of YOLO label files"


class AnyClass(dict[int, str]):
    """A code book that knows every name: what a detector calls a sign does not matter here."""

    def __missing__(self, number: int) -> str:
        return "sign"

    def label_of(self, code: str) -> int:
        """0, whatever the code."""
        return 0


def boxed_crops(boxes: str | Path, frames: Sequence[str | Path]) -> CropTable:
    """The signs that a file of boxes marks in whole frames.

    Args:
        boxes: COCO (`.json`), a CSV with a column of files and four of boxes, a folder of YOLO
            label files named like the frames, or annotations in any layout of `raresign train`
            beside their frames. Classes are not read.
        frames: The folder that file names are relative to, the folder of `boxes` unless given; or
            the frames themselves, others are left out then.

    Returns:
        One row a box, frame by frame, all labels -1. A frame that a CSV names and that is not there
        is a row, too, whose answer is its error.

    Raises:
        InputError: The file is missing or of no such kind, or no box is left.
    """
    file, given = Path(boxes), [Path(frame) for frame in frames]
    if not file.exists():
        raise InputError(f"{file}: there is no such file", _HINT)
    folders = [path for path in given if path.is_dir()]
    home = file if file.is_dir() else file.parent
    base = folders[0] if folders else given[0].parent if given else home
    found, gone = _read(file, base, given or [base])
    only = {path.resolve() for path in given if not path.is_dir()} if not folders else set()
    rows = [
        (path, tuple(box))
        for table in (found.training, found.test)
        if table is not None and table.boxes is not None
        for path, box in zip(table.paths, table.boxes.tolist(), strict=True)
        if not np.isnan(box).any() and (not only or path.resolve() in only)
    ]
    rows += [(path, WHOLE) for path in gone if not only]
    if not rows:
        raise InputError(f"{file} holds no box of the frames in {base}", _HINT)
    rows.sort(key=lambda row: row[0])
    paths = tuple(path for path, _ in rows)
    corners = np.array([box for _, box in rows], np.float64)
    return CropTable(paths, np.full(len(rows), -1), corners, ("",) * len(rows))


def _read(file: Path, base: Path, frames: Sequence[Path]) -> tuple[LayoutCrops, list[Path]]:
    """All signs that a file or folder marks, and the frames of a CSV that are not there."""
    gone: list[Path] = []
    if file.suffix.lower() in (".csv", ".tsv"):
        part = csv_annotations(file, FrameFiles(base, file.parent), with_class=False)
        gone = [row.path for row in part.rows if not row.path.is_file()]
        part.rows = [row for row in part.rows if row.path.is_file()]
    elif file.is_dir() and _holds_labels_alone(file):
        part = _of_labels(file, frames)
    elif recognised(file)[0] == "coco":
        coco = from_coco(recognised(file)[1], base, AnyClass(), margin=0.0)
        return LayoutCrops(coco), gone
    else:
        layout = choose_layout(file, "auto", file)
        signs = layout.read(AnyClass())
        return signs if layout.name in _UNWIDENED else _as_drawn(signs), gone
    return annotated_crops([part], file, AnyClass(), margin=0.0), gone


def _as_drawn(found: LayoutCrops) -> LayoutCrops:
    """The crops of frames without the margin that a layout widens them by, so that boxes stay."""
    parts = (found.training, found.test)
    used = [None if part is None else without_margin(part) for part in parts]
    return LayoutCrops(used[0] or found.training, used[1])


def _holds_labels_alone(folder: Path) -> bool:
    """Whether a folder holds texts of labels and no annotations of another kind."""
    return bool(files_under(folder, (".txt",))) and not files_under(
        folder, (".json", ".xml", ".csv", ".yaml", ".yml")
    )


def _of_labels(labels: Path, frames: Sequence[Path]) -> Annotations:
    """The boxes of YOLO label files: class cx cy width height, in shares of the frame.

    A sixth number, the certainty of a detector, may follow.
    """
    texts = {path.stem: path for path in files_under(labels, (".txt",))}
    given = Annotations(labels, "centre", "shares")
    pictures = chain.from_iterable(pictures_under(p) if p.is_dir() else [p] for p in frames)
    for frame in pictures:
        if (text := texts.get(frame.stem)) is None:
            continue
        for number, line in enumerate(read_text(text).splitlines(), 1):
            where = f"{text.name}, line {number}"
            try:
                if line.strip():
                    name, box = parse_label(line, AnyClass())
                    given.rows.append(Annotation(frame, name, box, where))
            except NoLabel as error:
                given.left.add(f"no YOLO label: {error}", f"{where}: {line.strip()[:60]}")
    return given
