"""The journal of a file of answers: each is safe as soon as it is known, and a run can go on."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from raresign.answers.answer import FileAnswer
from raresign.commands.answers_file import answer_columns, check_answers_file, write_answers
from raresign.errors import InputError
from raresign.language.spoken import _, later
from raresign.locks import hold_lock
from raresign.storage.published import check_writable, forget_place, publish, staged

_FLUSHED = 64
"""Answers that a killed run may lose."""
_FORM = 2
_WORDS = {
    "raresign": later("another version of raresign"),
    "model": later("another model"),
    "files": later("other files"),
    "top": "--top",
    "accept": "--accept",
    "boxes": later("other boxes"),
    "aliases": "--aliases",
    "allowed": later("other classes were allowed"),
    "thresholds": "--thresholds",
}
"""Setting -> what has changed, in words."""


class AnswersJournal:
    """Answers that come one by one, and in the end the file that is made of them.

    They are written to `FILE.part` as JSON lines, whatever the form of FILE; when the block ends
    FILE is made of it, whole, and the journal removed. A run that is stopped leaves it, and
    `resume` goes on behind its last whole line. No answer stays in memory.

    Args:
        path: FILE, with an ending of `save_answers`; a URL of one is sent when it is whole, and
            the journal is in the cache meanwhile.
        settings: What the answers depend on, as plain values; a journal of others is refused.
        resume: Go on with the journal that is there, if one is.

    Raises:
        InputError: Another ending; a journal is there and `resume` was not asked for; or it was
            made with other settings.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "answers.csv"
        >>> with AnswersJournal(file) as journal:
        ...     journal.add(FileAnswer("a.png", (), "the file is empty"))
        >>> journal.count, file.exists(), journal.part.exists()
        (1, True, False)
    """

    def __init__(
        self, path: str | Path, settings: Mapping[str, Any] | None = None, resume: bool = False
    ) -> None:
        check_answers_file(path)
        check_writable(path)
        self.given = path
        self.path = staged(path)
        self.part = self.path.with_name(f"{self.path.name}.part")
        self.earlier = 0
        """How many answers a stopped run has left."""
        self.count = 0
        self._head = json.loads(json.dumps({"raresign": _FORM, **(settings or {})}))
        self._columns: dict[str, None] = {}
        self._goes_on = resume and self.part.exists()
        if self._goes_on and self._is_unbegun():
            self._goes_on = False
            self.part.unlink()
        elif self._goes_on:
            self._check_head()
        elif self.part.exists():
            raise InputError(
                _("{part} of a stopped run is there").format(part=self.part),
                _("go on with --resume, or remove it"),
            )
        self._file: BinaryIO | None = None

    def __enter__(self) -> AnswersJournal:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self._goes_on:
            end = 0
            for answer, place in self._lines():
                self.earlier += 1
                self._note(answer)
                end = place
            file: BinaryIO = self._alone(self.part.open("r+b"))
            file.truncate(end or len(self._first_line()))
            file.seek(0, io.SEEK_END)
        else:
            file = self._alone(self.part.open("xb"))
            file.write(self._first_line())
            file.flush()
        self._file = file
        return self

    def _alone(self, file: BinaryIO) -> BinaryIO:
        """Hold the lock of the journal, which ends with the process."""
        if hold_lock(file) is False:
            file.close()
            raise InputError(
                _("another process writes {part}").format(part=self.part),
                _("wait until it is done, or give another --out"),
            )
        return file

    def answers(self) -> Iterator[FileAnswer]:
        """All answers that the journal holds, one by one."""
        if self._file is not None:
            self._file.flush()
        return (answer for answer, _end in self._lines())

    def add(self, answer: FileAnswer) -> None:
        """One more answer."""
        if self._file is None:
            raise InputError("the journal is not open", "with AnswersJournal(FILE) as journal: ...")
        self._note(answer)
        self._file.write(json.dumps(answer.as_dict()).encode() + b"\n")
        if self.count % _FLUSHED == 0:
            self._file.flush()

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        if kind is None:
            write_answers(self.path, self.answers(), list(self._columns))
            publish(self.given)
        if kind is None or (issubclass(kind, InputError) and not self._goes_on):
            self.part.unlink()
            forget_place(self.given)

    def _note(self, answer: FileAnswer) -> None:
        self.count += 1
        self._columns |= dict.fromkeys(answer_columns(answer))

    def _first_line(self) -> bytes:
        return json.dumps(self._head).encode() + b"\n"

    def _is_unbegun(self) -> bool:
        """Whether a process was killed before the first line of the journal was whole."""
        with self.part.open("rb") as file:
            found = file.read(len(self._first_line()))
        return len(found) < len(self._first_line()) and self._first_line().startswith(found)

    def _check_head(self) -> None:
        with self.part.open("rb") as file:
            line = file.readline(1 << 24)
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        if not isinstance(found, dict) or "raresign" not in found:
            raise InputError(
                _("{part} is no journal of answers").format(part=self.part), _("remove it")
            )
        if found != self._head:
            other = [
                name for name in {**found, **self._head} if found.get(name) != self._head.get(name)
            ]
            raise InputError(
                _("{part} was written with other settings: {names}").format(
                    part=self.part, names=", ".join(_(_WORDS.get(name, name)) for name in other)
                ),
                _("give the same as then, or remove it and begin anew"),
            )

    def _lines(self) -> Iterator[tuple[FileAnswer, int]]:
        """Each whole answer, and where its line ends; what was being written is left out."""
        with self.part.open("rb") as file:
            end = len(file.readline())
            for line in file:
                end += len(line)
                try:
                    if not line.endswith(b"\n"):
                        return
                    answer = FileAnswer.from_dict(json.loads(line))
                except (ValueError, KeyError, TypeError):  # the disk lost it with the power
                    return
                yield answer, end
