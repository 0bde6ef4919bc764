"""Counts what a reader leaves out, by reason, and tells it: nothing goes without a word."""

from __future__ import annotations

import warnings
from pathlib import Path

from raresign.crops.layouts.labelling import first_names
from raresign.language.spoken import _


class LeftOut:
    """What is left out of one source, by reason.

    Example:
        >>> left = LeftOut()
        >>> left.add("no box", "annotation 7")
        >>> left.add("no box", "annotation 9")
        >>> left.counts()
        (('no box', 2),)
        >>> left.summary()
        'no box: 2 (annotation 7, annotation 9)'
    """

    def __init__(self) -> None:
        self._places: dict[str, list[str]] = {}
        self._quiet: set[str] = set()
        self._notes: list[str] = []

    def add(self, reason: str, place: object) -> None:
        """Count one sign (or file) at `place`: an id, a line, a file, with the value if any."""
        self._places.setdefault(reason, []).append(str(place))

    def count(self, reason: str, place: object) -> None:
        """Count one that was told already."""
        self.add(reason, place)
        self._quiet.add(reason)

    def note(self, text: str) -> None:
        """Something to tell that leaves nothing out."""
        self._notes.append(text)

    def take(self, other: LeftOut) -> None:
        """Count what another has counted and told."""
        for reason, places in other._places.items():
            self._places.setdefault(reason, []).extend(places)
            self._quiet.add(reason)

    def join(self, other: LeftOut) -> None:
        """Count what another has counted and not told yet."""
        for reason, places in other._places.items():
            self._places.setdefault(reason, []).extend(places)

    def counts(self) -> tuple[tuple[str, int], ...]:
        """Reasons and how many each."""
        return tuple((reason, len(places)) for reason, places in self._places.items())

    def summary(self) -> str:
        """All reasons in one line, with the first places of each."""
        return "; ".join(
            f"{_(reason)}: {len(places)} ({first_names(places)})"
            for reason, places in self._places.items()
        )

    def tell(self, source: str | Path) -> None:
        """One warning a reason."""
        for note in self._notes:
            warnings.warn(f"{source}: {note}", stacklevel=3)
        for reason, places in self._places.items():
            if reason not in self._quiet:
                text = _("{source}: {n} left out, {reason}: {first}").format(
                    source=source, n=len(places), reason=_(reason), first=first_names(places)
                )
                warnings.warn(text, stacklevel=3)
