"""Columns of tables on the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len
from rich.markup import escape
from rich.table import Column

_WIDEST = 60


def code_column(codes: Iterable[str], head: str = "code") -> Column:
    """A column of class codes that is never cut: two long codes may differ in their ends only.

    Args:
        codes: All codes that the column will show; beyond 60 cells they go on in the next line.
        head: Its heading.

    Example:
        >>> code_column(["3.24.n40", "no_entry"]).min_width
        8
    """
    longest = max((cell_len(code) for code in codes), default=0)
    return Column(escape(head), overflow="fold", min_width=min(max(longest, len(head)), _WIDEST))
