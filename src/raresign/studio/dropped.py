"""Pictures that people dropped on the page "Name", with what the model says of them: the tables."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from raresign.studio.pictures import Box
from raresign.studio.store import Store

_SCHEMA = """
CREATE TABLE IF NOT EXISTS drops (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL, who TEXT NOT NULL, title TEXT NOT NULL,
    problem TEXT, hidden INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS boxfiles (
    id INTEGER PRIMARY KEY, drop_id INTEGER NOT NULL REFERENCES drops (id),
    name TEXT NOT NULL, picture TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS crops (
    id INTEGER PRIMARY KEY,
    drop_id INTEGER NOT NULL REFERENCES drops (id),
    frame INTEGER REFERENCES crops (id),
    name TEXT NOT NULL,
    picture TEXT NOT NULL,
    width INTEGER, height INTEGER,
    box TEXT, cut TEXT, mark TEXT,
    model TEXT,
    look TEXT NOT NULL DEFAULT 'waiting',
    code TEXT, probability REAL, answer TEXT,
    shown INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX IF NOT EXISTS crops_by_drop ON crops (drop_id, look);
CREATE INDEX IF NOT EXISTS crops_by_frame ON crops (frame);
CREATE INDEX IF NOT EXISTS crops_by_model ON crops (shown, model);
CREATE INDEX IF NOT EXISTS crops_listed ON crops (shown, look, drop_id, name, code, probability);
CREATE INDEX IF NOT EXISTS crops_by_probability ON crops (shown, probability, id);
CREATE INDEX IF NOT EXISTS crops_by_name ON crops (shown, name, id);
CREATE INDEX IF NOT EXISTS crops_by_sign
    ON crops (shown, code IS NULL, code, probability DESC, id);
"""
LOOKS = ("sure", "check", "unknown", "none", "error", "frame", "waiting")
"""What a row looks like to a person: named surely; named, not surely; an unknown sign; no sign; not
readable; a whole frame without boxes; not answered yet."""
FRAMED = "framed"
"""Of a frame whose signs have rows of their own: it is not shown among them."""
_OUTDATED = (
    "shown = 1 AND model IS NULL",
    "shown = 1 AND model > '' AND model < :version",
    "shown = 1 AND model > :version",
)
"""Rows that wait for their first answer, then those that another model has answered; frames have
the model ''."""


@dataclass(frozen=True)
class Dropped:
    """One crop, or one whole frame.

    Args:
        id: Its number.
        drop: The number of the drop that it came with.
        frame: The row of the frame that it was cut from; None of a picture of its own.
        name: Of the file, as it was dropped.
        picture: Of the kept file, see `PictureFolder`.
        size: Width and height of that file; None of what is no picture.
        box: Of the sign in the file; None of a whole picture.
        cut: The box with its margin, which the model reads.
        mark: id, track and detected, as a file of detections said them.
        look: One of `LOOKS`, or `FRAMED`.
        answer: `FileAnswer.as_dict`; None where it waits.
    """

    id: int
    drop: int
    frame: int | None
    name: str
    picture: str
    size: tuple[int, int] | None
    box: Box | None
    cut: Box | None
    mark: Mapping[str, Any]
    look: str
    answer: dict[str, Any] | None


class DroppedCrops:
    """The tables of the page "Name".

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> store = Store(Path(tempfile.mkdtemp()) / "studio.sqlite")
        >>> crops = DroppedCrops(store)
        >>> drop = crops.begin("ann", "street")
        >>> crops.add(drop, [("a.png", "1f", (30, 30)), ("b.png", "2e", None)])
        >>> [crops.row(number).look for number in (1, 2)]
        ['waiting', 'error']
        >>> store.close()
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        store.make(_SCHEMA)

    def begin(self, who: str, title: str) -> int:
        """A new drop; its number."""
        at = datetime.now(timezone.utc).isoformat(timespec="seconds")
        with self._store.writing() as data:
            made = data.execute(
                "INSERT INTO drops (at, who, title) VALUES (?, ?, ?)", (at, who, title)
            )
        return int(made.lastrowid or 0)

    def add(
        self,
        drop: int,
        pictures: Iterable[tuple[str, str, tuple[int, int] | None]],
        frames: Collection[str] = (),
    ) -> None:
        """More pictures of a drop: (name, kept file, size); those of `frames` are whole frames."""
        rows = []
        for name, picture, size in pictures:
            look = "error" if size is None else "frame" if picture in frames else "waiting"
            answer = json.dumps({"unreadable": True}) if size is None else None
            model = "" if look != "waiting" else None
            width, height = size or (None, None)
            rows.append((drop, name, picture, width, height, look, answer, model))
        columns = "drop_id, name, picture, width, height, look, answer, model, shown"
        shown = "(SELECT NOT hidden FROM drops WHERE id = ?1)"  # it may be taken off meanwhile
        values = f"?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, {shown}"
        with self._store.writing() as data:
            data.executemany(f"INSERT INTO crops ({columns}) VALUES ({values})", rows)

    def add_boxes_file(self, drop: int, name: str, picture: str) -> None:
        """A file that says where signs are in the frames of a drop."""
        with self._store.writing() as data:
            data.execute(
                "INSERT INTO boxfiles (drop_id, name, picture) VALUES (?, ?, ?)",
                (drop, name, picture),
            )

    def boxes_files(self, drop: int) -> list[tuple[str, str]]:
        """(name, kept file) of these."""
        with self._store.reading() as data:
            rows = data.execute("SELECT name, picture FROM boxfiles WHERE drop_id = ?", (drop,))
            return [(name, picture) for name, picture in rows]

    def mark_drop(self, drop: int, problem: str) -> None:
        """Note what went wrong with a drop; "" for nothing."""
        with self._store.writing() as data:
            data.execute("UPDATE drops SET problem = ? WHERE id = ?", (problem or None, drop))

    def hide_drop(self, drop: int, hidden: bool) -> None:
        """Take a drop off the page, or show it again; its files stay."""
        with self._store.writing() as data:
            data.execute("UPDATE drops SET hidden = ? WHERE id = ?", (hidden, drop))
            data.execute(
                f"UPDATE crops SET shown = ? AND look != '{FRAMED}' WHERE drop_id = ?",
                (not hidden, drop),
            )

    def drops(self) -> list[dict[str, Any]]:
        """The drops that are shown, newest first: id, title, at, who, problem, count."""
        with self._store.reading() as data:
            rows = data.execute(
                "SELECT d.id, d.title, d.at, d.who, d.problem, "
                f"(SELECT COUNT(*) FROM crops WHERE drop_id = d.id AND look != '{FRAMED}') "
                "FROM drops d WHERE NOT d.hidden ORDER BY d.id DESC"
            ).fetchall()
        names = ("id", "title", "at", "who", "problem", "count")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def set_boxes(
        self,
        frame: int,
        boxes: Sequence[tuple[Box, Box, Mapping[str, Any]]],
    ) -> None:
        """Say which signs a frame shows: (box, box with margin, marks); earlier ones go."""
        one = self.row(frame)
        if one is None:
            return
        width, height = one.size or (None, None)
        rows = [
            (one.drop, frame, one.name, one.picture, width, height, *map(json.dumps, each))
            for each in boxes
        ]
        columns = "drop_id, frame, name, picture, width, height, box, cut, mark"
        with self._store.writing() as data:
            data.execute("DELETE FROM crops WHERE frame = ?", (frame,))
            data.executemany(
                f"INSERT INTO crops ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
            )
            data.execute(
                "UPDATE crops SET look = ?, shown = ?, model = '', answer = NULL, code = NULL, "
                "probability = NULL WHERE id = ?",
                (FRAMED if rows else "frame", not rows, frame),
            )

    def boxes_of(self, frame: int) -> list[Box]:
        """The boxes of a frame."""
        with self._store.reading() as data:
            rows = data.execute("SELECT box FROM crops WHERE frame = ? ORDER BY id", (frame,))
            return [tuple(json.loads(box)) for (box,) in rows]

    def take_as_sign(self, number: int) -> None:
        """Answer a picture that looks like a frame as one sign, cut out."""
        with self._store.writing() as data:
            data.execute(
                "UPDATE crops SET look = 'waiting', model = NULL WHERE id = ? AND look = 'frame'",
                (number,),
            )

    def outdated(self, version: str, most: int) -> list[Dropped]:
        """Rows that this version of the model has not answered, those without any answer first."""
        found: list[Dropped] = []
        with self._store.reading() as data:
            for where in _OUTDATED:
                given = {"version": version, "most": most - len(found)}
                rows = data.execute(f"{SELECT} WHERE {where} ORDER BY id LIMIT :most", given)
                found += map(dropped_of, rows)
        return found

    def waiting(self, version: str) -> int:
        """How many there are of these."""
        with self._store.reading() as data:
            counts = (
                data.execute(f"SELECT COUNT(*) FROM crops WHERE {where}", {"version": version})
                for where in _OUTDATED
            )
            return sum(int(found.fetchone()[0]) for found in counts)

    def answered(self, version: str, answers: Sequence[tuple[int, str, Any]]) -> None:
        """Note answers: (id, look, `FileAnswer`)."""
        rows = []
        for number, look, answer in answers:
            best = answer.answers[0] if answer.answers else None
            rows.append(
                (
                    version,
                    look,
                    best.code if best else None,
                    best.probability if best else None,
                    json.dumps(answer.as_dict()),
                    number,
                )
            )
        with self._store.writing() as data:
            data.executemany(
                "UPDATE crops SET model = ?, look = ?, code = ?, probability = ?, answer = ? "
                "WHERE id = ?",
                rows,
            )

    def row(self, number: int) -> Dropped | None:
        """One row."""
        with self._store.reading() as data:
            row = data.execute(f"{SELECT} WHERE id = ?", (number,)).fetchone()
        return None if row is None else dropped_of(row)


_COLUMNS = "id, drop_id, frame, name, picture, width, height, box, cut, mark, look, answer"
SELECT = f"SELECT {_COLUMNS} FROM crops"
"""How rows are read, for `dropped_of`."""


def dropped_of(row: sqlite3.Row | tuple[Any, ...]) -> Dropped:
    """A row that `SELECT` finds."""
    number, drop, frame, name, picture, width, height, box, cut, mark, look, answer = row
    return Dropped(
        number,
        drop,
        frame,
        name,
        picture,
        None if width is None else (width, height),
        None if box is None else tuple(json.loads(box)),
        None if cut is None else tuple(json.loads(cut)),
        {} if mark is None else json.loads(mark),
        look,
        None if answer is None else json.loads(answer),
    )
