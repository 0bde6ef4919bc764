"""What the templates of Review and Compare are given: crops, names, and the curve of a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

import raresign
from raresign.language.spoken import _
from raresign.report.plot import Curve, draw_plot, share_axis
from raresign.studio.reviewing import Reviewing, State
from raresign.studio.workplace import Workplace

A_PAGE = 60
"""Crops of a page."""


@dataclass(frozen=True)
class Picture:
    """A crop as the macros of the report show it: where it is, its file, the probability."""

    uri: str | None
    name: str
    probability: float


@dataclass(frozen=True)
class Card:
    """A crop that may be corrected.

    Args:
        picture: It.
        seen: What the run says of it, corrections included.
        was: Class code that the data give it.
        correction: Class code or "unreadable"; None for none.
    """

    picture: Picture
    seen: raresign.SeenCrop
    was: str
    correction: str | None


@dataclass(frozen=True)
class Grid:
    """One page of crops.

    Args:
        cards: The crops.
        all: How many there are on all pages.
        start: Number of the first one.
        before, after: Where the pages beside this one start; None at the ends.
    """

    cards: list[Card]
    all: int
    start: int
    before: int | None
    after: int | None


class IconAddresses:
    """Class code -> address of its icon, for macros that ask `icons.get(code)`."""

    def get(self, code: str, default: str | None = None) -> str | None:
        """The address."""
        return f"/icon/{quote(code, safe='')}"


def named_values(reviewing: Reviewing, here: Workplace) -> dict[str, Any]:
    """What the macros of the report need of the signs: names, types and icons by class code."""
    return {
        "name_of": reviewing.names(),
        "type_of": {sign.code: sign.type for sign in here.recogniser.catalogue.classes},
        "icons": IconAddresses(),
        "unreadable": raresign.UNREADABLE,
    }


def crop_cards(state: State, reviewing: Reviewing, rows: Sequence[int]) -> list[Card]:
    """Crops of the test by their rows."""
    cards = []
    for row in rows:
        seen = state.run.crop(row)
        correction = reviewing.shown(row) if seen.corrected else None
        picture = Picture(
            f"/review/crop/{row}?m={state.mark}", PurePath(seen.path).name, seen.confidence
        )
        cards.append(Card(picture, seen, state.plain.crop(row).code, correction))
    return cards


def grid_of(state: State, reviewing: Reviewing, rows: Sequence[int], start: int) -> Grid:
    """One page of many rows."""
    first = max(0, min(start, len(rows) - 1)) // A_PAGE * A_PAGE
    return Grid(
        crop_cards(state, reviewing, rows[first : first + A_PAGE]),
        len(rows),
        first,
        first - A_PAGE if first else None,
        first + A_PAGE if first + A_PAGE < len(rows) else None,
    )


def threshold_chart(believed: Any) -> Markup:
    """How often answers are right over their probability, with the interval; "" for none."""
    if believed is None:
        return Markup()
    across = share_axis(_("probability of the answer"))
    up = share_axis(_("answers that are right"))
    levels = believed.levels.tolist()
    share, low, high = (part.tolist() for part in believed.shares)
    mark = [(believed.threshold, 0.0), (believed.threshold, 1.0)]
    curves = [
        Curve(list(zip(levels, low, strict=True)), "curve-raw"),
        Curve(list(zip(levels, high, strict=True)), "curve-raw"),
        Curve(list(zip(levels, share, strict=True)), "curve-freq"),
        Curve(mark, "curve-rare"),
    ]
    return Markup(draw_plot(_("How often answers are right"), across, up, curves, height=320))
