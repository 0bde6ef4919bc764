"""Names dropped crops in the background, and again whenever the model has changed."""

from __future__ import annotations

import logging
import tempfile
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

import raresign
from raresign.language.spoken import _
from raresign.service.request_log import tell
from raresign.studio.crop_list import CropList, Filter
from raresign.studio.dropped import Dropped, DroppedCrops
from raresign.studio.pictures import Box, PictureFolder

if TYPE_CHECKING:
    from raresign.runtime.recogniser import Recogniser
    from raresign.studio.workplace import Workplace

TOP = 5
_TOGETHER = 64
_LOOK_SECONDS = 1.0


class Naming:
    """A thread that answers what waits.

    Args:
        here: The studio.
        crops: What was dropped.
        pictures: Their files.
    """

    def __init__(self, here: Workplace, crops: DroppedCrops, pictures: PictureFolder) -> None:
        self._here, self._crops, self._pictures = here, crops, pictures
        self._wake, self._end = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._frames: deque[int] = deque()
        self._done = ""
        self.frames_left = 0
        """Drops whose file of boxes is not read yet."""

    def wake(self, drop: int | None = None) -> None:
        """There is something to do; of a drop, its file of boxes."""
        if drop is not None:
            self._frames.append(drop)
            self.frames_left += 1
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="naming", daemon=True)
                self._thread.start()
        self._wake.set()

    def close(self) -> None:
        """Stop after what is being answered."""
        self._end.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(30)

    def _work(self) -> None:
        while not self._end.is_set():
            try:
                more = self._step()
            except raresign.InputError:  # no model now; the page tells of it
                more = False
            except Exception:  # whatever it is, later crops must be answered
                tell("naming failed", logging.ERROR, fault=True)
                more = False
            if not more and self._wake.wait(_LOOK_SECONDS):
                self._wake.clear()
                self._done = ""

    def _step(self) -> bool:
        """Do a little; whether there may be more."""
        if self._frames:
            drop = self._frames.popleft()
            try:
                self._read_boxes(drop)
            finally:
                self.frames_left -= 1
            return True
        loaded = self._here.model.current
        if loaded.version == self._done:  # the last version that left nothing to do
            return False
        rows = self._crops.outdated(loaded.version, _TOGETHER)
        if not rows:
            self._done = loaded.version
            return False
        answers = self._answers(loaded.recogniser, rows)
        noted = [(row.id, look_of(one), one) for row, one in zip(rows, answers, strict=True)]
        self._crops.answered(loaded.version, noted)
        return True

    def _answers(self, recogniser: Recogniser, rows: Sequence[Dropped]) -> list[Any]:
        read: dict[int, np.ndarray | str] = {}
        by_picture: dict[str, list[Dropped]] = {}
        for row in rows:
            by_picture.setdefault(row.picture, []).append(row)
        for picture, some in by_picture.items():
            for cut in (True, False):
                each = [row for row in some if (row.cut is not None) is cut]
                if each:
                    boxes = [row.cut for row in each] if cut else None
                    found = read_crops(recogniser, self._pictures.file(picture), boxes)
                    pairs = zip(each, found if cut else found * len(each), strict=True)
                    read |= {row.id: crop for row, crop in pairs}
        told = recogniser.answer_read([read[row.id] for row in rows], TOP)
        return [
            replace(one, path=row.name, box=row.box, **row.mark)
            for row, one in zip(rows, told, strict=True)
        ]

    def _read_boxes(self, drop: int) -> None:
        """Find the signs of a drop's frames in its files of boxes."""
        files = self._crops.boxes_files(drop)
        rows = [
            row for row in CropList(self._here.store).every(Filter(drop=drop)) if row.frame is None
        ]
        with tempfile.TemporaryDirectory(prefix="raresign-") as folder:
            frames, boxes = Path(folder) / "frames", Path(folder) / "boxes"
            boxes.mkdir()
            known = {}
            for row in rows:
                place = frames / safe_name(row.name)
                place.parent.mkdir(parents=True, exist_ok=True)
                if not place.exists():
                    place.symlink_to(self._pictures.file(row.picture).resolve())
                    known[place] = row.id
            for name, picture in files:
                (boxes / PurePosixPath(safe_name(name)).name).symlink_to(
                    self._pictures.file(picture).resolve()
                )
            given = boxes if len(files) > 1 else next(boxes.iterdir())
            try:
                found = signs_of(given, frames, known)
            except (raresign.InputError, OSError) as error:
                self._crops.mark_drop(drop, str(error).replace(f"{folder}/", ""))
                return
        for frame, signs in found.items():
            self._crops.set_boxes(frame, signs)
        if not found:
            self._crops.mark_drop(drop, _("no box is in a frame that was dropped with it"))


def signs_of(
    boxes: Path, frames: Path, known: dict[Path, int]
) -> dict[int, list[tuple[Box, Box, dict[str, Any]]]]:
    """Number of a frame -> its signs as `DroppedCrops.set_boxes` takes them.

    Raises:
        InputError: See `raresign.boxed_signs`.
    """
    found: dict[int, list[tuple[Box, Box, dict[str, Any]]]] = {}
    for sign in raresign.boxed_signs(boxes, [frames]):
        number = known.get(sign.path)
        if number is not None and sign.box[0] == sign.box[0]:  # not that of a frame that is gone
            mark = {"id": sign.id or None, "track": sign.track or None, "detected": sign.score}
            found.setdefault(number, []).append((sign.box, sign.cut, mark))
    return found


def safe_name(name: str) -> str:
    """A relative path without steps upwards, for a file of this name.

    Example:
        >>> safe_name("a/../b.png"), safe_name("/etc/passwd"), safe_name("..")
        ('a/b.png', 'etc/passwd', 'picture')
    """
    parts = PurePosixPath(name.replace("\\", "/").replace("\0", "")).parts
    kept = [part[:120] for part in parts if part not in ("/", "..", ".")]
    return "/".join(kept) or "picture"


def read_crops(
    recogniser: Recogniser, file: Path, boxes: Sequence[Box | None] | None
) -> list[np.ndarray | str]:
    """`Recogniser.read` of a kept file, which may be gone."""
    count = 1 if boxes is None else len(boxes)
    try:
        content = file.read_bytes()
    except OSError as error:
        return [str(error.strerror or error)] * count
    wanted = None if boxes is None else [[*box] for box in boxes if box is not None]
    return recogniser.read(content, wanted)


def look_of(answer: Any) -> str:
    """One of `LOOKS` for an answer."""
    if answer.error is not None:
        return "error"
    if answer.level == "class":
        return "check" if answer.check_me else "sure"
    return "none" if answer.level == "none" else "unknown"


def nearest(recogniser: Recogniser, crop: np.ndarray, most: int = 5) -> list[dict[str, Any]]:
    """The prototypes that a crop is most like, one a class and source: code, source, cosine.

    Args:
        recogniser: Has an index of prototypes, perhaps an empty one.
        crop: (3, S, S) uint8, see `Recogniser.read`.
        most: So many.
    """
    index = recogniser.head.index
    if not len(index):
        return []
    embedding = recogniser.encoder.embed(crop[None])[0]
    unit = embedding / max(float(np.linalg.norm(embedding)), 1e-12)
    cosines = index.embeddings @ unit
    names = ("synthetic", "icon", "real")
    found: dict[tuple[int, int], float] = {}
    for row in np.argsort(-cosines, kind="stable").tolist():
        key = int(index.labels[row]), int(index.sources[row])
        found.setdefault(key, float(cosines[row]))
        if len(found) == most:
            break
    return [
        {
            "code": recogniser.catalogue[label].code,
            "name": recogniser.catalogue[label].title,
            "source": names[source],
            "cosine": cosine,
        }
        for (label, source), cosine in found.items()
    ]
