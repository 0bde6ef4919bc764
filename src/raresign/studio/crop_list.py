"""Which dropped crops are listed, in which order, and how many there are of each look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from raresign.studio.dropped import SELECT, Dropped, dropped_of
from raresign.studio.store import Store

ORDERS = {
    "dropped": "id",
    "newest": "id DESC",
    "unsure": "probability, id",
    "sure": "probability DESC, id DESC",
    "name": "name, id",
    "sign": "code IS NULL, code, probability DESC, id",
}
_LISTED = "crops INDEXED BY crops_listed"
"""An index that holds all that a filter asks for: the answers, of a kilobyte each, stay unread."""


@dataclass(frozen=True)
class Filter:
    """Which rows are shown.

    Args:
        looks: See `LOOKS`; none shows all.
        text: Part of a file's name; with `codes`, either suffices.
        codes: Class codes.
        drop: Number of a drop.
    """

    looks: tuple[str, ...] = ()
    text: str = ""
    codes: tuple[str, ...] = ()
    drop: int | None = None

    def condition(self) -> tuple[str, list[Any]]:
        """A condition of SQL and its values."""
        parts = ["shown = 1"]
        values: list[Any] = []
        if self.looks:
            parts.append(f"look IN ({', '.join('?' * len(self.looks))})")
            values += self.looks
        if self.drop is not None:
            parts.append("drop_id = ?")
            values.append(self.drop)
        if self.text:
            some = []
            if self.codes:
                some.append(f"code IN ({', '.join('?' * len(self.codes))})")
                values += self.codes
            some.append("name LIKE ? ESCAPE '\\'")
            escaped = self.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            values.append(f"%{escaped}%")
            parts.append(f"({' OR '.join(some)})")
        return " AND ".join(parts), values


class CropList:
    """Reads the rows of `DroppedCrops`, 100,000 of them within a tenth of a second.

    Args:
        store: In which `DroppedCrops` has made its tables.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from raresign.studio.dropped import DroppedCrops
        >>> store = Store(Path(tempfile.mkdtemp()) / "studio.sqlite")
        >>> crops, listed = DroppedCrops(store), CropList(store)
        >>> drop = crops.begin("ann", "street")
        >>> crops.add(drop, [("a.png", "1f", (30, 30)), ("b.png", "2e", None)])
        >>> [row.name for row in listed.rows(Filter(text="A"), "name", 10)]
        ['a.png']
        >>> listed.counts(Filter())
        {'error': 1, 'waiting': 1}
        >>> store.close()
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def rows(
        self, some: Filter, order: str, most: int, skip: int = 0, many: bool = False
    ) -> list[Dropped]:
        """Rows of a filter in one of `ORDERS`.

        Args:
            some: The filter.
            order: The order.
            most: So many at most.
            skip: So many that come first are left out.
            many: Whether many crops are like that, so that the first are soon met in their order;
                with few, the names of all are looked through.
        """
        where, values = some.condition()
        by = ORDERS.get(order, ORDERS["dropped"])
        place = "crops" if many or not some.text else _LISTED
        if many and by.startswith("id"):
            place = "crops NOT INDEXED"  # as they lie there
        within = f"{place} WHERE {where}"
        with self._store.reading() as data:
            rows = data.execute(
                f"{SELECT} WHERE id IN "
                f"(SELECT id FROM {within} ORDER BY {by} LIMIT ? OFFSET ?) ORDER BY {by}",
                (*values, most, skip),
            )
            return [dropped_of(row) for row in rows]

    def every(self, some: Filter) -> Iterator[Dropped]:
        """All rows of a filter in the order that they were dropped, some at a time."""
        last = 0
        where, values = some.condition()
        while True:
            with self._store.reading() as data:
                rows = data.execute(
                    f"{SELECT} WHERE id > ? AND {where} ORDER BY id LIMIT 1000", (last, *values)
                ).fetchall()
            if not rows:
                return
            yield from map(dropped_of, rows)
            last = rows[-1][0]

    def counts(self, some: Filter) -> dict[str, int]:
        """Look -> how many rows of a filter have it."""
        where, values = some.condition()
        select = f"SELECT look, COUNT(*) FROM {_LISTED} WHERE {where}"
        with self._store.reading() as data:
            return dict(data.execute(f"{select} GROUP BY look ORDER BY look", values).fetchall())
