"""Two models compared on the test crops of the run; slow ones are asked in the background."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

import raresign
from raresign.language.spoken import _
from raresign.studio.reviewing import Reviewing, State, key_of
from raresign.studio.workplace import Workplace

BUILT_IN = "built-in"
_KEPT = 4
_MOST_CHOICES = 200


@dataclass
class Asking:
    """A model that is being asked about the test crops."""

    done: int = 0
    every: int = 1
    error: str = ""
    found: tuple[raresign.CalledCrops, object] | None = None
    thread: threading.Thread | None = field(default=None, repr=False)


class Comparing:
    """Keeps the last comparisons.

    Args:
        here: The studio.
        reviewing: Its run.
    """

    def __init__(self, here: Workplace, reviewing: Reviewing) -> None:
        self._here, self._reviewing = here, reviewing
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[object, ...], raresign.AnswerChanges] = OrderedDict()
        self._asked: OrderedDict[tuple[str, int], Asking] = OrderedDict()
        self._ended = False
        here.endings.append(self._end)

    def choices(self) -> list[str]:
        """What can be compared: the run, runs and bundles beside it, the built-in model."""
        own = Path(self._here.run).resolve()
        beside = own.parent
        runs = [file.parent.parent for file in beside.glob("*/evaluation/predictions.parquet")]
        bundles = [*beside.glob("*.raresign"), *own.glob("*.raresign")]
        others = sorted(path.name for path in runs if path != own)
        files = sorted(str(path.relative_to(beside)) for path in bundles)
        return [own.name, *others, *files, BUILT_IN][:_MOST_CHOICES]

    def asking(self, names: list[str]) -> list[tuple[str, Asking]]:
        """The models among these that are still being asked, or could not be; starts with it."""
        state = self._reviewing.now()
        found = []
        for name in names:
            if self._is_run(name):
                continue
            one = self._ask(name, state)
            if one.found is None:
                found.append((name, one))
        return found

    def changes(self, old: str, new: str) -> raresign.AnswerChanges:
        """What changed from one model to another; both must have been asked.

        Raises:
            InputError: A model is none of the choices, or the crops differ.
        """
        state = self._reviewing.now()
        key = (old, new, self._mark(old), self._mark(new), id(state))
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        titles = {
            sign.code: f"{sign.code} {sign.name}".strip()
            for sign in self._here.recogniser.catalogue.classes
        }
        found = raresign.answer_changes(
            *self._same_rows(self._called(old, state), self._called(new, state), state), titles
        )
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found

    def _path(self, name: str) -> str:
        if name not in self.choices():
            raise raresign.InputError(
                _("there is no model “{name}” beside this run").format(name=name[:100]),
                _("choose one of the list"),
            )
        return name if name == BUILT_IN else str(Path(self._here.run).resolve().parent / name)

    def _is_run(self, name: str) -> bool:
        return (Path(self._path(name)) / "evaluation" / "predictions.parquet").is_file()

    def _mark(self, name: str) -> int:
        path = Path(self._path(name))
        file = path / "evaluation" / "predictions.parquet" if path.is_dir() else path
        return file.stat().st_mtime_ns if file.is_file() else 0

    def _called(self, name: str, state: State) -> tuple[raresign.CalledCrops, object]:
        """What a model called which of the run's crops: all, for a run of its own."""
        if not self._is_run(name):
            found = self._ask(name, state).found
            if found is None:
                raise raresign.InputError(_("still asking"), _("wait a moment"))
            return found
        path = self._path(name)
        if Path(path) == Path(self._here.run).resolve():
            return state.run.crops, None
        values = self._here.store.values("correction")
        corrections = {key_of(subject): one["is"] for subject, one in values.items()}
        return raresign.ReviewedRun.open(path).with_corrections(corrections).crops, None

    def _same_rows(
        self,
        old: tuple[raresign.CalledCrops, object],
        new: tuple[raresign.CalledCrops, object],
        state: State,
    ) -> tuple[raresign.CalledCrops, raresign.CalledCrops]:
        """Both on the crops that a model which was asked could read."""
        (one, of_one), (two, of_two) = old, new
        if of_one is None and of_two is not None and len(one) == len(state.run.crops):
            one = one.rows(of_two)  # type: ignore[arg-type]
        if of_two is None and of_one is not None and len(two) == len(state.run.crops):
            two = two.rows(of_one)  # type: ignore[arg-type]
        return one, two

    def _ask(self, name: str, state: State) -> Asking:
        key = (name, id(state.plain) ^ self._mark(name))
        with self._lock:
            if key not in self._asked:
                one = Asking()
                one.thread = threading.Thread(
                    target=self._run, args=(one, self._path(name), state), daemon=True
                )
                self._asked[key] = one
                while len(self._asked) > _KEPT:
                    self._asked.popitem(last=False)
                one.thread.start()
            return self._asked[key]

    def _run(self, one: Asking, path: str, state: State) -> None:
        def told(done: int, every: int) -> None:
            if self._ended:
                raise InterruptedError
            one.done, one.every = done, every

        try:
            one.found = raresign.answer_test(raresign.load(path), state.run, told)
        except InterruptedError:
            return
        except Exception as error:  # a page tells of it, whatever it is
            one.error = str(error)[:500] or type(error).__name__

    def _end(self) -> None:
        self._ended = True
        for one in list(self._asked.values()):
            if one.thread is not None:
                one.thread.join(5)
