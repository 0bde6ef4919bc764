"""One thing that somebody did on a page of a studio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Action:
    """One thing that somebody did.

    Args:
        id: Its number; later actions have larger ones.
        at: When, ISO 8601 in UTC.
        who: Name of a key, or of the user of this machine.
        kind: What was given a value, such as "label" or "class".
        subject: Of which thing, such as the name of a crop.
        before, after: The values, plain ones of JSON; None where there is none.
        undoes: The action that it took back.
        undone_by: The action that took it back.
    """

    id: int
    at: str
    who: str
    kind: str
    subject: str
    before: Any
    after: Any
    undoes: int | None = None
    undone_by: int | None = None
