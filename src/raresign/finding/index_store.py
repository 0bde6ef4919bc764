"""The folder of an index: a table of crops in SQLite, and beside it the file of embeddings."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from raresign.errors import InputError
from raresign.finding.pieces import Piece
from raresign.finding.vectors import Floats, Rows, VectorFile, packed
from raresign.language.spoken import _

VERSION = "1"
WAITING, EMBEDDED, UNREADABLE, GONE = range(4)
"""What has become of a crop."""
CLAIMS = "claims-"
"""How the names of files begin that go by the numbers of rows; they go when rows do."""
_FILES, _VECTORS = "crops.sqlite", "embeddings.bin"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS crops (
    id INTEGER PRIMARY KEY,
    path NOT NULL,
    part TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime INTEGER NOT NULL,
    track TEXT NOT NULL,
    state INTEGER NOT NULL,
    scan INTEGER NOT NULL,
    row INTEGER UNIQUE,
    error TEXT,
    digest TEXT,
    look INTEGER,
    UNIQUE (path, part)
);
CREATE INDEX IF NOT EXISTS crops_waiting ON crops (path, part) WHERE state = 0;
"""
_NOTE = f"""
INSERT INTO crops (path, part, size, mtime, track, state, scan) VALUES (?, ?, ?, ?, ?, {WAITING}, ?)
ON CONFLICT (path, part) DO UPDATE SET
    scan = excluded.scan,
    track = excluded.track,
    state = CASE
        WHEN size <> excluded.size OR mtime <> excluded.mtime THEN {WAITING}
        WHEN state = {GONE} THEN CASE WHEN row IS NULL THEN {WAITING} ELSE {EMBEDDED} END
        ELSE state END,
    size = excluded.size,
    mtime = excluded.mtime
"""
_WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class Embedded:
    """A crop that was read: its number in the table, what its file holds, and how it looks."""

    id: int
    digest: str
    look: int


class IndexStore:
    """The only reader and writer of the folder of an index.

    The table is the truth: how many rows of the file of embeddings count stands in it, and is
    changed in one transaction with the crops that they belong to, after they are on the disk. So a
    process may be killed at any moment.

    Args:
        place: The folder, made if missing.
        encoder: Names the encoder; see `encoder_digest`.
        width: E.
        rebuild: Start anew where the folder holds an index of another encoder.

    Raises:
        InputError: The index is that of another encoder, is damaged, or cannot be written.
    """

    def __init__(self, place: Path, encoder: str, width: int, rebuild: bool = False) -> None:
        self.place = place
        self._local = threading.local()
        try:
            place.mkdir(parents=True, exist_ok=True)
            with self.writing() as data:
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    data.execute(statement)
                known = dict(data.execute("SELECT name, value FROM facts"))
                wanted = {"version": VERSION, "encoder": encoder, "width": width}
                if known and any(known.get(name) != value for name, value in wanted.items()):
                    if not rebuild:
                        raise InputError(
                            _("the index in {place} was made with another model").format(
                                place=place
                            ),
                            _("make it anew with --rebuild, or give another folder with --index"),
                        )
                    self._forget_claims()
                    data.execute("DELETE FROM crops")
                    data.execute("DELETE FROM facts")
                    known = {}
                if not known:
                    facts = {**wanted, "rows": 0, "scan": 0}
                    data.executemany("INSERT INTO facts VALUES (?, ?)", facts.items())
            self.vectors = VectorFile(place / _VECTORS, width)
            self._trust_whole_rows()
        except (OSError, sqlite3.Error) as error:
            raise InputError(
                _("the index in {place} cannot be used: {why}").format(place=place, why=error),
                _("remove that folder, or give another with --index"),
            ) from error

    def _trust_whole_rows(self) -> None:
        """Let crops wait again whose rows are not in the file."""
        whole = len(self.vectors)
        if self.fact("rows") > whole:
            self._forget_claims()
            with self.writing() as data:
                data.execute(
                    f"UPDATE crops SET row = NULL, digest = NULL, state = {WAITING} WHERE row >= ?",
                    (whole,),
                )
                data.execute("UPDATE facts SET value = ? WHERE name = 'rows'", (whole,))

    def _forget_claims(self) -> None:
        for file in self.place.glob(f"{CLAIMS}*"):
            file.unlink(missing_ok=True)

    def fact(self, name: str) -> int:
        """A number that is kept under a name."""
        found = self._data.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return int(found[0])

    def begin_scan(self) -> int:
        """The number of a new look at the source."""
        with self.writing() as data:
            data.execute("UPDATE facts SET value = value + 1 WHERE name = 'scan'")
        return self.fact("scan")

    def note(self, scan: int, pieces: Sequence[Piece]) -> None:
        """Note crops that are there now; what is new or was changed waits to be embedded."""
        rows = [(_kept(p.path), p.part, p.size, p.mtime, p.track, scan) for p in pieces]
        with self.writing() as data:
            data.executemany(_NOTE, rows)

    def end_scan(self, scan: int) -> None:
        """Mark what this look at the source did not find as gone; its rows stay, and return."""
        with self.writing() as data:
            data.execute(f"UPDATE crops SET state = {GONE} WHERE scan <> ?", (scan,))

    def waiting(self, most: int) -> list[tuple[int, Piece]]:
        """The next crops to embed, those of one picture together."""
        found = self._data.execute(
            "SELECT id, path, part, size, mtime, track FROM crops "
            f"WHERE state = {WAITING} ORDER BY path, part LIMIT ?",
            (most,),
        )
        return [(row[0], Piece(_path(row[1]), *row[2:])) for row in found]

    def embedded(self, crops: Sequence[Embedded], embeddings: Floats) -> None:
        """Keep embeddings, (n, E), of n crops that waited.

        A crop whose file was touched but holds what it held keeps its row.
        """
        count = self.fact("rows")
        known = {one.id: self._row_of(one) for one in crops}
        new = [k for k, one in enumerate(crops) if known[one.id] is None]
        if new:
            self.vectors.write(count, packed(embeddings[new]))
        fresh = iter(range(count, count + len(new)))
        with self.writing() as data:
            for one in crops:
                kept = known[one.id]
                data.execute(
                    f"UPDATE crops SET state = {EMBEDDED}, row = ?, digest = ?, look = ?, "
                    "error = NULL WHERE id = ?",
                    (next(fresh) if kept is None else kept, one.digest, one.look, one.id),
                )
            data.execute("UPDATE facts SET value = ? WHERE name = 'rows'", (count + len(new),))

    def _row_of(self, one: Embedded) -> int | None:
        """The row that a crop has already; None unless its file holds what it held."""
        row, digest = self._data.execute(
            "SELECT row, digest FROM crops WHERE id = ?", (one.id,)
        ).fetchone()
        return row if digest == one.digest else None

    def refused(self, reasons: Sequence[tuple[int, str]]) -> None:
        """Keep why crops that waited cannot be read."""
        rows = [(reason, number) for number, reason in reasons]
        with self.writing() as data:
            data.executemany(
                f"UPDATE crops SET state = {UNREADABLE}, row = NULL, digest = NULL, error = ? "
                "WHERE id = ?",
                rows,
            )

    def states(self) -> dict[int, int]:
        """State -> how many crops."""
        return dict(self._data.execute("SELECT state, count(*) FROM crops GROUP BY state"))

    def reasons(self) -> dict[str, int]:
        """Why crops cannot be read -> how many, the most frequent first."""
        found = self._data.execute(
            f"SELECT error, count(*) FROM crops WHERE state = {UNREADABLE} "
            "GROUP BY error ORDER BY 2 DESC, 1"
        )
        return dict(found)

    def rows(self) -> tuple[Rows, np.ndarray]:
        """All rows that count, memory-mapped, and (N,) bool, which are of crops there now."""
        with self.reading() as data:
            count = self.fact("rows")
            alive = np.zeros(count, bool)
            found = data.execute(f"SELECT row FROM crops WHERE state = {EMBEDDED}")
            alive[np.fromiter((row[0] for row in found), np.int64)] = True
        return self.vectors.read(count), alive

    def crops(self, rows: Sequence[int]) -> dict[int, tuple[Piece, str, int]]:
        """Row -> what its crop is: where it lies, the digest of its content, how it looks."""
        found: dict[int, tuple[Piece, str, int]] = {}
        for first in range(0, len(rows), 500):
            some = [int(row) for row in rows[first : first + 500]]
            marks = ",".join("?" * len(some))
            for row, path, *rest, digest, look in self._data.execute(
                "SELECT row, path, part, size, mtime, track, digest, look FROM crops "
                f"WHERE row IN ({marks})",
                some,
            ):
                found[row] = Piece(_path(path), *rest), digest, look
        return found

    def row_of(self, path: str, part: str) -> int | None:
        """The row of a crop that is there; None if there is none."""
        found = self._data.execute(
            f"SELECT row FROM crops WHERE path = ? AND part = ? AND state = {EMBEDDED}",
            (_kept(path), part),
        ).fetchone()
        return None if found is None else int(found[0])

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is kept, or nothing."""
        yield from self._transaction("BEGIN IMMEDIATE")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One view of the table, whoever writes meanwhile."""
        yield from self._transaction("BEGIN")

    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        data = self._data
        data.execute(begin)
        try:
            yield data
        except BaseException:
            data.execute("ROLLBACK")
            raise
        data.execute("COMMIT")

    @property
    def _data(self) -> sqlite3.Connection:
        """The connection of this thread."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = sqlite3.connect(self.place / _FILES, _WAIT_SECONDS, isolation_level=None)
            found.execute("PRAGMA journal_mode = WAL")
            found.execute("PRAGMA synchronous = FULL")
            self._local.connection = found
        return found


def _kept(path: str) -> str | bytes:
    """A path as SQLite keeps it: text, or bytes where its name is no text."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return path


def _path(kept: str | bytes) -> str:
    return os.fsdecode(kept) if isinstance(kept, bytes) else kept
