"""The run that is reviewed in a studio, with what people have corrected of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import raresign
from raresign.language.spoken import _, current_language
from raresign.studio.action import Action
from raresign.studio.review_pictures import crop_bytes
from raresign.studio.store import OutdatedError
from raresign.studio.workplace import Workplace

KIND = "correction"
"""Of actions: the label of a test crop."""
_PICTURES = 2048
_MOST_ACTIONS = 1_000_000

CropKey = tuple[str, int]


def subject_of(key: CropKey) -> str:
    """What the store calls a crop: its path, and its number where a frame holds several.

    Example:
        >>> subject_of(("a.png", 0)), key_of(subject_of(("frame.jpg", 2)))
        ('a.png', ('frame.jpg', 2))
    """
    path, number = key
    return f"{path}\t{number}" if number else path


def key_of(subject: str) -> CropKey:
    """The crop that the store calls so."""
    path, tab, number = subject.rpartition("\t")
    return (path, int(number)) if tab and number.isdigit() else (subject, 0)


@dataclass(frozen=True)
class State:
    """A run at one moment.

    Args:
        plain: As it was evaluated.
        run: With the corrections.
        mark: Changes with the evaluation, for addresses of pictures.
        picture: A crop by its row as WebP, the last ones kept; None where its file is gone.
    """

    plain: raresign.ReviewedRun
    run: raresign.ReviewedRun
    mark: int
    picture: Callable[[int], bytes | None]


class Reviewing:
    """Keeps the run that a studio shows open, and its corrections applied.

    Args:
        here: The studio.
    """

    def __init__(self, here: Workplace) -> None:
        self._here = here
        self._lock = threading.Lock()
        self._plain: tuple[int, raresign.ReviewedRun] | None = None
        self._state: tuple[int, int, State] | None = None
        self._names: dict[tuple[str, int], dict[str, str]] = {}
        self._picture: Callable[[int], bytes | None] = lambda row: None
        here.know(KIND, self.told)

    def now(self) -> State:
        """The run as it is now.

        Raises:
            InputError: It has no evaluation.
        """
        with self._lock:
            mark, plain = self._opened()
            last = self._last_action()
            if self._state is None or self._state[:2] != (mark, last):
                values = self._here.store.values(KIND)
                corrections = {key_of(subject): str(one["is"]) for subject, one in values.items()}
                run = plain.with_corrections(corrections) if corrections else plain
                self._state = (mark, last, State(plain, run, mark, self._picture))
            return self._state[2]

    def correct(self, who: str, row: int, after: str, shown: str | None) -> Action:
        """Give a test crop another label.

        Args:
            who: Who does it.
            row: Of the crop in the test.
            after: Class code, or "unreadable"; the label of the data takes the correction away.
            shown: The correction that the page showed; None for none.

        Raises:
            InputError: No such crop or class.
            OutdatedError: Somebody has corrected the crop meanwhile.
        """
        state = self.now()
        known = self._here.recogniser.catalogue
        if after != raresign.UNREADABLE and known.label_of(after) < 0:
            raise raresign.InputError(
                _("the model has no class '{code}'").format(code=after), _("choose one of the list")
            )
        key = state.plain.key(row)
        subject, box = subject_of(key), state.plain.box(row)
        with self._here.store.writing():  # nobody else decides between look and act
            before = self._here.store.value(KIND, subject)
            if (before["is"] if before else None) != shown:
                raise OutdatedError(
                    _("somebody has corrected this crop meanwhile"),
                    _("load the page again, then decide"),
                )
            was = before["was"] if before else state.plain.crop(row).code
            value = None if after == was else {"is": after, "was": was, "box": box}
            return self._here.store.act(who, KIND, subject, value)

    def shown(self, row: int) -> str | None:
        """The correction of a crop; None for none."""
        found = self._here.store.value(KIND, subject_of(self.now().plain.key(row)))
        return str(found["is"]) if found else None

    def told(self, action: Action) -> str:
        """What a correction did, in the language spoken."""
        path, _number = key_of(action.subject)
        if action.after is None:
            return _("{file}: the correction is taken away").format(file=path)
        if action.after["is"] == raresign.UNREADABLE:
            return _("{file}: marked unreadable").format(file=path)
        return _("{file}: is {sign}").format(file=path, sign=self.titled(str(action.after["is"])))

    def titled(self, code: str) -> str:
        """A class code with its name."""
        return f"{code} {self.names().get(code, '')}".strip()

    def names(self) -> dict[str, str]:
        """Class code -> name in the language spoken."""
        catalogue = self._here.recogniser.catalogue
        key = current_language(), id(catalogue)
        if key not in self._names:
            self._names[key] = {
                sign.code: raresign.spoken_name(sign.code, sign.name) for sign in catalogue.classes
            }
        return self._names[key]

    def corrections(self) -> list[raresign.CropCorrection]:
        """Every correction as `corrections.csv` holds it, by file."""
        latest: dict[str, Action] = {}
        for action in self._here.store.actions(_MOST_ACTIONS, KIND):  # newest first
            latest.setdefault(action.subject, action)
        return [
            raresign.CropCorrection(
                key_of(subject)[0],
                tuple(one["box"]) if one["box"] else None,
                one["was"],
                one["is"],
                latest[subject].who,
                latest[subject].at,
            )
            for subject, one in sorted(self._here.store.values(KIND).items())
        ]

    def as_csv(self) -> bytes:
        """`corrections.csv` with the corrections of this studio."""
        with TemporaryDirectory() as folder:
            return raresign.save_corrections(folder, self.corrections()).read_bytes()

    def save(self) -> tuple[Path, int]:
        """Write `corrections.csv` into the data folder, those of others in it kept.

        Returns:
            The file, and how many corrections of this studio are in it.

        Raises:
            InputError: The folder cannot be written to.
        """
        state = self.now()
        home = raresign.corrections_home(state.plain.root, state.plain.crops_place)
        own = self.corrections()
        mine = {(one.file, one.box) for one in own}
        subjects = {key_of(one.subject)[0] for one in self._here.store.actions(_MOST_ACTIONS, KIND)}
        try:
            others = [
                one
                for one in raresign.read_corrections(home)
                if (one.file, one.box) not in mine and one.file not in subjects
            ]
            file = raresign.save_corrections(home, [*others, *own])
        except OSError as error:
            raise raresign.InputError(
                _("{place} cannot be written to: {why}").format(place=home, why=error.strerror),
                _("take the file with “Download” and put it there"),
            ) from error
        return file, len(own)

    def _opened(self) -> tuple[int, raresign.ReviewedRun]:
        file = Path(self._here.run) / "evaluation" / "predictions.parquet"
        if not self._here.can_change or not file.is_file():
            raise NotEvaluatedError(
                _("This model was not measured on test crops yet."),
                _("Run `raresign evaluate {run} DATA`, then load this page again.").format(
                    run=self._here.run if self._here.can_change else "RUN"
                ),
            )
        mark = file.stat().st_mtime_ns
        if self._plain is None or self._plain[0] != mark:
            plain = raresign.ReviewedRun.open(self._here.run)
            self._plain = mark, plain
            self._picture = lru_cache(_PICTURES)(partial(crop_bytes, plain))
        return self._plain

    def _last_action(self) -> int:
        with self._here.store.reading() as data:
            row = data.execute("SELECT MAX(id) FROM actions WHERE kind = ?", (KIND,)).fetchone()
        return int(row[0] or 0)


class NotEvaluatedError(raresign.InputError):
    """There is nothing to review yet."""
