"""What people did on the pages of a studio: one SQLite file, to which actions are only added.

Each action gives one subject of one kind (the label of a crop, a class of the run) a new value and
keeps the one before. To undo is a new action that gives the old value back, so nothing is ever lost
and everybody can see who did what. An action is on the disk before the browser is told of it.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import raresign
from raresign.language.spoken import _
from raresign.studio.action import Action

_SCHEMA = """
CREATE TABLE IF NOT EXISTS actions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    undoes INTEGER UNIQUE REFERENCES actions (id)
);
CREATE INDEX IF NOT EXISTS actions_by_subject ON actions (kind, subject);
CREATE TABLE IF NOT EXISTS facts (
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    value TEXT NOT NULL,
    action INTEGER NOT NULL REFERENCES actions (id),
    PRIMARY KEY (kind, subject)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
_WAIT_SECONDS = 30.0
_SELECT = """
SELECT a.id, a.at, a.who, a.kind, a.subject, a.before, a.after, a.undoes, u.id
FROM actions a LEFT JOIN actions u ON u.undoes = a.id
"""
ANY: Any = object()
"""Of `Store.act`: whatever the value was before."""


class OutdatedError(raresign.InputError):
    """Somebody else was faster: the value is no longer what the page showed."""


class Store:
    """The SQLite file of a studio; safe for many threads and several processes.

    Other parts of the studio keep tables of their own in it: `make` and `writing`, `reading`.

    Args:
        path: Made where it is not there.

    Raises:
        InputError: The file cannot be written, or is no such file.

    Example:
        >>> import tempfile
        >>> store = Store(Path(tempfile.mkdtemp()) / "studio.sqlite")
        >>> first = store.act("ann", "label", "a.png", "2.5")
        >>> store.value("label", "a.png"), store.undo(first.id, "bob").after
        ('2.5', None)
        >>> [action.undone_by for action in store.actions()]
        [None, 2]
        >>> store.close()
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        try:
            self._connection().executescript(_SCHEMA)
        except sqlite3.Error as error:
            self.close()
            raise raresign.InputError(
                _("{path} cannot be used: {why}").format(path=self.path, why=error),
                _("give another place with --state"),
            ) from error

    def act(
        self,
        who: str,
        kind: str,
        subject: str,
        after: Any,
        expected: Any = ANY,
    ) -> Action:
        """Give a subject a value.

        Args:
            who: Who does it.
            kind: See `Action`.
            subject: See `Action`.
            after: The value; None for none.
            expected: What the page showed; another value by now is an error.

        Raises:
            OutdatedError: The value is not the expected one.
        """
        with self.writing() as data:
            before = _value(data, kind, subject)
            if expected is not ANY and before != expected:
                raise OutdatedError(
                    _("somebody has changed this meanwhile"), _("look at it again, then decide")
                )
            return _append(data, who, kind, subject, before, after)

    def undo(
        self, number: int, who: str, reverse: Callable[[Action], None] = lambda action: None
    ) -> Action:
        """Take an action back: the subject has the value again that it had before.

        What took an action back is an action, too; taking that back does the first one again.

        Args:
            number: Of the action.
            who: Who does it.
            reverse: Takes back what the action did outside of the store, before that is noted.

        Raises:
            OutdatedError: It was undone already, or its subject was changed later.
        """
        one = self.action(number)
        self._check_undoable(one)
        reverse(one)
        with self.writing() as data:
            self._check_undoable(one)
            return _append(data, who, one.kind, one.subject, one.after, one.before, one.id)

    def _check_undoable(self, one: Action) -> None:
        if self.action(one.id).undone_by is not None:
            raise OutdatedError(_("this was taken back already"), _("load the page again"))
        if one.id not in self._last(one.kind, one.subject):
            raise OutdatedError(
                _("{subject} was changed again later").format(subject=one.subject),
                _("take the later change back first"),
            )

    def _last(self, kind: str, subject: str) -> set[int]:
        """The last action on a subject, and the last one that was not taken back."""
        with self.reading() as data:
            rows = data.execute(
                "SELECT id, undoes FROM actions WHERE kind = ? AND subject = ? ORDER BY id DESC",
                (kind, subject),
            ).fetchall()
        before = 0
        for number, undoes in rows:
            if before and number >= before:
                continue
            if undoes is None:
                return {rows[0][0], number}
            before = undoes  # all from that one on has come to nothing
        return {rows[0][0]} if rows else set()

    def value(self, kind: str, subject: str) -> Any:
        """The value that a subject has; None for none."""
        with self.reading() as data:
            return _value(data, kind, subject)

    def values(self, kind: str) -> dict[str, Any]:
        """Subject -> value of all that have one."""
        with self.reading() as data:
            rows = data.execute("SELECT subject, value FROM facts WHERE kind = ?", (kind,))
            found = {subject: json.loads(value) for subject, value in rows}
        return {subject: value for subject, value in found.items() if value is not None}

    def action(self, number: int) -> Action:
        """One action.

        Raises:
            InputError: There is none with this number.
        """
        with self.reading() as data:
            row = data.execute(f"{_SELECT} WHERE a.id = ?", (number,)).fetchone()
        if row is None:
            raise raresign.InputError(
                _("there is no action {number}").format(number=number), _("load the page again")
            )
        return _action(row)

    def actions(self, most: int = 100, kind: str | None = None) -> list[Action]:
        """The last actions, newest first."""
        where, given = ("WHERE a.kind = ?", [kind]) if kind else ("", [])
        with self.reading() as data:
            rows = data.execute(f"{_SELECT} {where} ORDER BY a.id DESC LIMIT ?", (*given, most))
            return [_action(row) for row in rows]

    def note(self, name: str, default: Callable[[], str]) -> str:
        """A text that is kept under a name; made and kept where there is none yet."""
        with self.writing() as data:
            data.execute("INSERT OR IGNORE INTO notes VALUES (?, ?)", (name, default()))
            found = data.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
        return str(found[0])

    def make(self, schema: str) -> None:
        """Make further tables: `CREATE TABLE IF NOT EXISTS ...`."""
        self._connection().executescript(schema)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of what the block writes is kept, or nothing. It may be nested."""
        data = self._connection()
        if data.in_transaction:
            yield data
            return
        data.execute("BEGIN IMMEDIATE")
        try:
            yield data
        except BaseException:
            data.execute("ROLLBACK")
            raise
        data.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The file, to be read."""
        yield self._connection()

    def close(self) -> None:
        """Close the file in all threads; none may use it any more."""
        with self._lock:
            while self._open:
                with suppress(sqlite3.Error):
                    self._open.pop().close()

    def _connection(self) -> sqlite3.Connection:
        """The connection of this thread."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = sqlite3.connect(
                self.path, _WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
            with self._lock:
                self._open.append(found)
            found.execute("PRAGMA journal_mode = WAL")
            found.execute("PRAGMA synchronous = FULL")
            found.execute("PRAGMA foreign_keys = ON")
            self._local.connection = found
        return found


def _value(data: sqlite3.Connection, kind: str, subject: str) -> Any:
    row = data.execute(
        "SELECT value FROM facts WHERE kind = ? AND subject = ?", (kind, subject)
    ).fetchone()
    return None if row is None else json.loads(row[0])


def _append(
    data: sqlite3.Connection,
    who: str,
    kind: str,
    subject: str,
    before: Any,
    after: Any,
    undoes: int | None = None,
) -> Action:
    at = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    row = at, who, kind, subject, json.dumps(before), json.dumps(after), undoes
    columns = "at, who, kind, subject, before, after, undoes"
    made = data.execute(f"INSERT INTO actions ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    number = int(made.lastrowid or 0)
    data.execute(
        "INSERT OR REPLACE INTO facts VALUES (?, ?, ?, ?)",
        (kind, subject, json.dumps(after), number),
    )
    return Action(number, at, who, kind, subject, before, after, undoes)


def _action(row: tuple[Any, ...]) -> Action:
    number, at, who, kind, subject, before, after, undoes, undone_by = row
    return Action(
        number, at, who, kind, subject, json.loads(before), json.loads(after), undoes, undone_by
    )
