"""Boxes of signs in whole frames, as a detector or a person gives them: `predict --boxes`."""

from __future__ import annotations

import gc
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from pathlib import Path

import numpy as np

from raresign.answers.answer import FileAnswer
from raresign.commands.detection_files import (
    ONE_PICTURE,
    Detected,
    kind_of_detections,
    read_detections,
    score_of,
)
from raresign.commands.layout_choice import choose_layout
from raresign.crops.crop_table import CropTable
from raresign.crops.layouts.annotated_crops import MARGIN, LayoutCrops, without_margin
from raresign.crops.layouts.annotation import Annotation, Annotations
from raresign.crops.layouts.box_check import checked_boxes
from raresign.crops.layouts.coco import from_coco
from raresign.crops.layouts.csv_file import csv_header, csv_rows
from raresign.crops.layouts.csv_layout import csv_annotations
from raresign.crops.layouts.frame_files import FrameFiles
from raresign.crops.layouts.labelling import WHOLE, Box
from raresign.crops.layouts.listing import files_under, path_ranks, pictures_under
from raresign.crops.layouts.recognise import recognised
from raresign.crops.layouts.text_files import read_json, read_text
from raresign.crops.layouts.yolo_labels import NoLabel, parse_label
from raresign.errors import InputError
from raresign.files import real_path
from raresign.language.spoken import _, later

_UNWIDENED = ("csv", "gtsrb")  # layouts whose boxes are cut as they are
_HINT = later(
    "give a COCO file or a detector's (.json), a CSV with file,x0,y0,x1,y1, or a folder of YOLO "
    "label files"
)
_SCORE = ("score", "confidence", "conf")
_TRACK = ("track", "track_id")


class AnyClass(dict[int, str]):
    """A code book that knows every name: what a detector calls a sign does not matter here."""

    def __missing__(self, number: int) -> str:
        return "sign"

    def label_of(self, code: str) -> int:
        """0, whatever the code."""
        return 0


@dataclass(frozen=True, slots=True)
class BoxedSign:
    """One sign in a frame.

    Args:
        path: The frame.
        box: x0, y0, x1, y1 as it was given, in pixels of the upright frame; `WHOLE` of a frame that
            is not there.
        margin: Each side is cut this share of the box's side further out.
        id, track, score: See `Detected`.
    """

    path: Path
    box: Box
    margin: float = 0.0
    id: str = ""
    track: str = ""
    score: float | None = None

    @property
    def cut(self) -> Box:
        """The box with its margin."""
        x0, y0, x1, y1 = self.box
        out_x, out_y = self.margin * (x1 - x0), self.margin * (y1 - y0)
        return x0 - out_x, y0 - out_y, x1 + out_x, y1 + out_y

    def marked(self, answer: FileAnswer) -> FileAnswer:
        """The answer for its crop, with what the source said of the sign."""
        box = None if math.isnan(self.box[0]) else self.box
        marks = self.id or None, self.track or None
        return replace(answer, box=box, id=marks[0], track=marks[1], detected=self.score)


def boxed_crops(boxes: str | Path, frames: Sequence[str | Path]) -> CropTable:
    """The signs that a file of boxes marks in whole frames.

    Args:
        boxes: COCO (`.json`), a CSV with a column of files and four of boxes, a folder of YOLO
            label files named like the frames, what a detector wrote (see `kind_of_detections`), or
            annotations in any layout of `raresign train` beside their frames. Classes are not read.
            Boxes of detectors are widened by 10 %, as those of frames are in training.
        frames: The folder that file names are relative to, the folder of `boxes` unless given; or
            the frames themselves, others are left out then.

    Returns:
        One row a box, frame by frame, all labels -1. A frame that a CSV or a detector names and
        that is not there is a row, too, whose answer is its error.

    Raises:
        InputError: The file is missing or of no such kind, or no box is left.
    """
    return table_of(boxed_signs(boxes, frames))


def table_of(signs: Sequence[BoxedSign]) -> CropTable:
    """One row a sign, all labels -1."""
    paths = tuple(sign.path for sign in signs)
    corners = np.array([sign.cut for sign in signs], np.float64).reshape(-1, 4)
    return CropTable(paths, np.full(len(signs), -1), corners, ("",) * len(signs))


def boxed_signs(boxes: str | Path, frames: Sequence[str | Path]) -> list[BoxedSign]:
    """The same signs with the boxes as they were given, tracks and confidences."""
    file, given = Path(boxes), [Path(frame) for frame in frames]
    if not file.exists():
        raise InputError(_("{file}: there is no such file").format(file=file), _(_HINT))
    folders = [path for path in given if path.is_dir()]
    home = file if file.is_dir() else file.parent
    base = folders[0] if folders else given[0].parent if given else home
    only = {real_path(path) for path in given if not path.is_dir()} if not folders else set()
    real = cache(real_path)
    alone = given[0] if len(given) == 1 and not folders else None
    with _without_collection():
        every = _read(file, base, given or [base], alone)
    signs = [
        sign
        for sign in every
        if not only or (real(sign.path) in only and not math.isnan(sign.box[0]))
    ]
    if not signs:
        raise InputError(
            _("{file} holds no box of the frames in {folder}").format(file=file, folder=base),
            _(_HINT),
        )
    ranks = path_ranks(sign.path for sign in signs)
    return sorted(signs, key=lambda sign: ranks[sign.path])


@contextmanager
def _without_collection() -> Iterator[None]:
    """No garbage collection: what is read holds no cycles, and the search for some took a third."""
    paused = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if paused:
            gc.enable()


def _read(file: Path, base: Path, frames: Sequence[Path], alone: Path | None) -> list[BoxedSign]:
    """All signs that a file or folder marks, and the frames that are not there."""
    finder = FrameFiles(base, file if file.is_dir() else file.parent)
    if file.suffix.lower() in (".csv", ".tsv"):
        return _checked([_of_csv(file, finder)], file, 0.0)
    jsons = files_under(file, (".json",)) if file.is_dir() else [file]
    if file.is_dir() and _holds_labels_alone(file):
        return _checked([_of_labels(file, frames)], file, 0.0)
    if jsons and jsons[0].suffix.lower() == ".json":
        first = read_json(jsons[0])
        kind = kind_of_detections(first)
        if kind is not None and (kind in ONE_PICTURE or not file.is_dir()):
            parts = []
            for number, one in enumerate(jsons):
                content = read_json(one) if number else first
                if kind_of_detections(content) == kind:
                    parts.append(read_detections(one, content, kind, finder, base, alone))
            return _checked(_of_one_source(parts, file), file, MARGIN)
    layout_name, place = recognised(file)[:2]
    if layout_name == "coco":
        found = [from_coco(place, base, AnyClass(), margin=0.0)]
    else:
        layout = choose_layout(file, "auto", file)
        signs = layout.read(AnyClass())
        signs = signs if layout.name in _UNWIDENED else _as_drawn(signs)
        found = [table for table in (signs.training, signs.test) if table is not None]
    return [
        BoxedSign(path, (box[0], box[1], box[2], box[3]))
        for table in found
        if table.boxes is not None
        for path, box in zip(table.paths, table.boxes.tolist(), strict=True)
        if not math.isnan(box[0])
    ]


def _of_one_source(parts: list[Annotations], source: Path) -> list[Annotations]:
    """Files of one detector, judged together: a file of one picture is too little to judge by."""
    if len(parts) < 2:
        return parts
    whole = Annotations(source, parts[0].form, parts[0].unit)
    for part in parts:
        whole.rows += part.rows
        whole.left.join(part.left)
    return [whole]


def _checked(parts: Sequence[Annotations], source: Path, margin: float) -> list[BoxedSign]:
    """The sound boxes of some files of one kind, and a row a frame that is not there."""
    signs: list[BoxedSign] = []
    reasons: list[str] = []
    for part in parts:
        frames = dict.fromkeys(row.path for row in part.rows)
        gone = {path: None for path in frames if not path.is_file()}
        part.rows = [row for row in part.rows if row.path not in gone]
        for row, box in checked_boxes(part, strict=False):
            if box is WHOLE:
                continue
            if isinstance(row, Detected):
                signs.append(BoxedSign(row.path, box, margin, row.id, row.track, row.score))
            else:
                signs.append(BoxedSign(row.path, box, margin))
        signs += [BoxedSign(path, WHOLE) for path in gone]
        part.left.tell(part.source)
        reasons += filter(None, [part.left.summary()])
    if not signs:
        why = "; ".join(reasons) or _("it holds no sign")
        raise InputError(
            _("{source}: there is no usable sign ({why})").format(source=source, why=why),
            _("mend what is named there"),
        )
    return signs


def _of_csv(file: Path, frames: FrameFiles) -> Annotations:
    """The boxes of a CSV, with its columns of tracks and confidences."""
    part = csv_annotations(file, frames, with_class=False)
    rows = csv_rows(file, ())
    names = {_plain(column): column for column in dict.fromkeys(csv_header(file))}
    ids, tracks, scores = (
        [names[name] for name in wanted if name in names] for wanted in (("id",), _TRACK, _SCORE)
    )

    def marked() -> Iterator[Annotation]:
        line, cells = 0, dict[str, str]()

        def cell(columns: Sequence[str]) -> str:
            return next((cells[column] for column in columns if cells[column]), "")

        for row in part.rows:
            wanted = int(row.where.removeprefix("line "))
            while line < wanted:
                line, cells = next(rows)
            own = (row.path, row.name, row.numbers, row.where, row.stated, row.split, row.area)
            yield Detected(*own, cell(ids), cell(tracks), score_of(cell(scores)))

    part.rows = list(marked())
    return part


def _plain(column: str) -> str:
    return column.strip().lower().replace(" ", "_")


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
                    cells = line.replace(",", " ").replace(";", " ").split()
                    score = score_of(cells[5]) if len(cells) == 6 else None
                    given.rows.append(Detected(frame, name, box, where, score=score))
            except NoLabel as error:
                given.left.add(f"no YOLO label: {error}", f"{where}: {line.strip()[:60]}")
    return given
