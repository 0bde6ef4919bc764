"""The pile of crops that the page "Find" looks through: indexed in the background, then ranked."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import raresign
from raresign.language.spoken import _
from raresign.studio.action import Action
from raresign.studio.workplace import Workplace

if TYPE_CHECKING:
    from raresign.finding.claims import Claims
    from raresign.finding.class_ranking import ClassRanking
    from raresign.finding.crop_index import CropIndex, IndexCounts
    from raresign.runtime.recogniser import Recogniser

SOURCE = "pile"
"""Kind of the action that says which crops are looked through."""
_KEPT = 4  # rankings that are held, of 12 bytes a crop each


@dataclass(frozen=True)
class Progress:
    """How far the pile is.

    Args:
        state: "none" without a pile, "loading" the model, "listing" files, "embedding", "comparing"
            with all classes, "paused", "failed", "ready".
        counts: What the index holds; None before it is known.
        share: Of the work of the state, in [0, 1]; None if unknown.
        problem: Why it failed.
    """

    state: str
    counts: IndexCounts | None = None
    share: float | None = None
    problem: str = ""


class Search:
    """Keeps the index of one pile up to date in a thread of its own, and ranks it.

    Args:
        here: Gives the model and the store.
    """

    def __init__(self, here: Workplace) -> None:
        self._here = here
        self._lock = threading.RLock()
        self._claiming = threading.Lock()
        self._thread: threading.Thread | None = None
        self._halt = threading.Event()
        self._progress = Progress("none")
        self._index: CropIndex | None = None
        self._claims: Claims | None = None
        self._rankings: dict[str, ClassRanking] = {}
        self._looked: tuple[Any, ...] | None = None

    @property
    def source(self) -> dict[str, str] | None:
        """The folder that is looked through, and the file of boxes, "" without; None if none."""
        found: dict[str, str] | None = self._here.store.value(SOURCE, SOURCE)
        return found

    @property
    def progress(self) -> Progress:
        """How far the pile is."""
        return self._progress if self.source else Progress("none")

    def choose(self, who: str, folder: str, boxes: str) -> Action:
        """Look through another folder.

        Raises:
            InputError: There is no such folder or file.
        """
        place = Path(folder).expanduser()
        if not folder.strip() or not place.is_dir():
            raise raresign.InputError(
                _("there is no folder {folder}").format(folder=folder or "?"),
                _("give the whole path of a folder on this machine"),
            )
        if boxes.strip() and not Path(boxes).expanduser().exists():
            raise raresign.InputError(
                _("there is no file {file}").format(file=boxes), _("leave it empty for cut crops")
            )
        known = str(Path(boxes).expanduser().resolve()) if boxes.strip() else ""
        given = {"folder": str(place.resolve()), "boxes": known}
        return self._here.store.act(who, SOURCE, SOURCE, given)

    def wake(self) -> None:
        """Bring the index up to date, unless that is done or was paused."""
        with self._lock:
            source = self.source
            if source is None or (self._thread is not None and self._thread.is_alive()):
                return
            key = tuple(source.items())
            if self._looked == key and self._progress.state in ("ready", "paused", "failed"):
                return
            if self._looked != key:
                self._forget()
            self._looked = key
            self._start(source)

    def again(self) -> None:
        """Go on after a pause, or look at the folder again."""
        with self._lock:
            if self.source is not None and (self._thread is None or not self._thread.is_alive()):
                self._start(self.source)

    def pause(self) -> None:
        """Stop after the crops that are being read now."""
        self._halt.set()
        thread = self._thread
        if thread is not None:
            thread.join(30)

    close = pause

    def changed(self) -> None:
        """Another folder was chosen, or taken back."""
        self.pause()
        self.wake()

    def _forget(self) -> None:
        self._index = self._claims = None
        self._rankings = {}
        self._progress = Progress("loading")

    def _start(self, source: Mapping[str, str]) -> None:
        self._halt = threading.Event()
        self._progress = Progress("loading", self._progress.counts)
        self._thread = threading.Thread(
            target=self._work, args=(dict(source), self._halt), name="find", daemon=True
        )
        self._thread.start()

    def _work(self, source: dict[str, str], halt: threading.Event) -> None:
        try:
            given: Any = source["folder"]
            tracks = None
            if source["boxes"]:
                signs = raresign.boxed_signs(source["boxes"], [source["folder"]])
                given = raresign.boxed_crops(source["boxes"], [source["folder"]])
                tracks = [sign.track for sign in signs]
            model = self._here.recogniser
            index = raresign.CropIndex(raresign.index_place(given, model), model)
            with self._lock:
                self._index = index
                self._claims = raresign.Claims(model.head, index.place)
                self._rankings = {}

            def told(counts: IndexCounts) -> None:
                if counts.listed:
                    self._progress = Progress("listing", counts)
                    return
                every = counts.embedded + counts.broken + counts.waiting
                share = (counts.embedded + counts.broken) / every if every else None
                self._progress = Progress("embedding", counts, share)

            counts = index.update(given, tracks, progress=told, stopped=halt.is_set)
            if halt.is_set():
                self._progress = Progress("paused", counts)
                return
            self._compare(index, counts)
            self._progress = Progress("ready", counts)
        except (raresign.InputError, OSError) as error:
            self._progress = Progress("failed", problem=str(error))

    def _compare(self, index: CropIndex, counts: IndexCounts) -> None:
        """Work out who claims the crops, so that choosing a class is quick."""

        def told(done: int, every: int) -> None:
            self._progress = Progress("comparing", counts, done / every)

        claims = self._claims
        if claims is not None:
            with self._claiming:
                claims.extend(index.rows()[0], told)

    @property
    def index(self) -> CropIndex | None:
        """The index, with the classes that the model has now; None before it is there."""
        with self._lock:
            index = self._index
            if index is None:
                return None
            model = self._here.recogniser
            if model is not index.model:
                place = raresign.index_place(self._source_given(), model)
                if place != index.place:  # another encoder: embedded anew
                    self._forget()
                    self._start(self.source or {})
                    return None
                self._index = index = raresign.CropIndex(place, model)
                self._claims = raresign.Claims(model.head, place)
                self._rankings = {}
            return index

    def _source_given(self) -> Any:
        source = self.source or {"folder": "", "boxes": ""}
        if source["boxes"]:
            return raresign.boxed_crops(source["boxes"], [source["folder"]])
        return source["folder"]

    def ranking(self, code: str) -> ClassRanking | None:
        """The pile ranked for a class; None before there is an index.

        While crops are indexed it is that of the crops so far, renewed now and then.

        Raises:
            InputError: The model has no such class.
        """
        if self._progress.state in ("loading", "comparing"):
            return None
        with self._lock:
            index = self.index
            if index is None:
                return None
            known = self._rankings.pop(code, None)
            if known is None or self._is_old(known, index):
                with self._claiming:
                    known = raresign.ClassRanking(index, code, self._claims)
            self._rankings[code] = known
            while len(self._rankings) > _KEPT:
                del self._rankings[next(iter(self._rankings))]
            return known

    def _is_old(self, ranking: ClassRanking, index: CropIndex) -> bool:
        counts = index.counts()
        return int(ranking.alive.sum()) != counts.embedded


def model_signs(recogniser: Recogniser, text: str, most: int) -> list[dict[str, str]]:
    """Classes whose code or name holds a text, for a list of icons."""
    wanted = text.strip().lower()
    found = []
    for sign in recogniser.catalogue.classes:
        name = raresign.spoken_name(sign.code, sign.title)
        if wanted in f"{sign.code} {name} {sign.title}".lower():
            found.append({"code": sign.code, "name": name})
            if len(found) == most:
                break
    return found
