"""Protocols of several countries side by side: the gain of each row in each, and a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raresign.evaluation.metrics import json_ready
from raresign.files import write_json
from raresign.lab.protocol.absent_table import AbsentTable
from raresign.lab.protocol.ideas import BASE, CEILING, REFERENCE
from raresign.lab.protocol.table import ProtocolRow, ProtocolTable
from raresign.lab.protocol.trial_framing import framing_markdown
from raresign.lab.protocol.verdict import Change, verdict_of


@dataclass(frozen=True)
class CountriesTable:
    """Protocols by the name of their data folder, all of the same rows."""

    tables: Mapping[str, ProtocolTable]

    def changes(self, title: str) -> list[Change]:
        """How a row differs from the base: rare and frequent recall of each country."""
        found = []
        for name, row in self._rows(title).items():
            rare = Change(f"{name}, rare", row.difference, row.low, row.high)
            frequent = row.frequent_difference, row.frequent_low, row.frequent_high
            found += [rare, Change(f"{name}, freq", *frequent)]
        return found

    def verdict(self, title: str) -> str:
        """Whether an idea is kept; "" for the rows that are no ideas."""
        return "" if title in (BASE, REFERENCE, CEILING) else verdict_of(self.changes(title))

    def as_dict(self) -> dict[str, Any]:
        """JSON: the verdicts, and what table.json holds of each country."""
        return {
            "verdicts": {title: self.verdict(title) for title in self._titles()},
            "tables": {name: json_ready(table) for name, table in self.tables.items()},
        }

    def write(self, folder: Path) -> None:
        """Write countries.json."""
        write_json(folder / "countries.json", self.as_dict())

    def markdown(self) -> str:
        """The gains, what framing costs, then the table of each country."""
        heads = [f"{name}: {group}" for name in self.tables for group in ("plays rare", "freq")]
        lines = [f"| row | {' | '.join(heads)} | verdict |", "|" + "---|" * (len(heads) + 2)]
        for title in self._titles():
            cells = [one.points() for one in self.changes(title)]
            if title == BASE:
                recalls = [r for row in self._rows(BASE).values() for r in (row.rare, row.frequent)]
                cells = [f"{100 * recall:.1f} %" for recall in recalls]
            lines.append(f"| {' | '.join([title, *cells, self.verdict(title)])} |")
        lines += ["", "Points against the base with 95 % intervals; of the base its recall."]
        framing = {name: table.framing for name, table in self.tables.items() if table.framing}
        if framing:
            lines += ["", framing_markdown(framing)]
        for name, table in self.tables.items():
            lines += ["", f"## {name}", "", table.markdown()]
        return "\n".join(lines)

    def _titles(self) -> list[str]:
        return [row.title for row in next(iter(self.tables.values())).rows]

    def _rows(self, title: str) -> dict[str, ProtocolRow]:
        return {
            name: next(row for row in table.rows if row.title == title)
            for name, table in self.tables.items()
        }


@dataclass(frozen=True)
class AbsentCountriesTable:
    """Protocols with absent classes, by the name of their data folder."""

    tables: Mapping[str, AbsentTable]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; None for NaN."""
        return {name: table.as_dict() for name, table in self.tables.items()}

    def write(self, folder: Path) -> None:
        """Write absent-countries.json."""
        write_json(
            folder / "absent-countries.json",
            {name: json_ready(table) for name, table in self.tables.items()},
        )

    def markdown(self) -> str:
        """The main figures side by side, then the tables of each country."""
        lines = [
            "| country | added signs recognised % | lost by earlier signs, points "
            "| AUROC near unknown % | no sign % | family right % | wrong among class answers % |",
            "|" + "---|" * 7,
        ]
        for name, table in self.tables.items():
            learned = table.scores[0]
            figures = (table.added, table.lost, learned.near, learned.far)
            cells = [one.percent() for one in (*figures, table.family, table.class_error)]
            lines.append(f"| {name} | {' | '.join(cells)} |")
        for name, table in self.tables.items():
            lines += ["", f"## {name}", "", table.markdown()]
        return "\n".join(lines)
