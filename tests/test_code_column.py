"""Codes of tables are shown whole."""

from __future__ import annotations

import io

from rich.console import Console
from rich.table import Table

from raresign.cli.columns import code_column

LONG = ["regulatory--maximum-speed-limit-100--g1", "regulatory--maximum-speed-limit-110--g1"]


def test_long_codes_are_never_cut() -> None:
    for codes in (LONG, ["x" * 79 + "1", "x" * 79 + "2"]):
        table = Table(code_column(codes), *map(str, range(8)))
        for code in codes:
            table.add_row(code, *["some words here"] * 8)
        file = io.StringIO()
        Console(file=file, width=80).print(table)
        text = "".join(
            line[1 : line.index("│", 1)].strip()
            for line in file.getvalue().split("\n")
            if line.startswith("│")
        )
        assert all(code in text for code in codes)
