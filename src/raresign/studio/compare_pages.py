"""The page "Compare": what changed from one model to another, class by class, with the crops."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

import raresign
from raresign.language.spoken import _, later
from raresign.studio.comparing import Comparing
from raresign.studio.page import Page, html
from raresign.studio.review_parts import Picture, named_values
from raresign.studio.reviewing import NotEvaluatedError, Reviewing
from raresign.studio.workplace import Workplace

_MOST_CROPS = 60
_MOST_ROWS = 300
_VERDICTS = {
    "worse": later("worse"),
    "better": later("better"),
    "perhaps worse": later("perhaps worse"),
    "perhaps better": later("perhaps better"),
    "": "",
}


def _routes(here: Workplace) -> APIRouter:
    router = APIRouter()
    reviewing = Reviewing(here)
    comparing = Comparing(here, reviewing)

    def page(request: Request, template: str, old: str, new: str, code: str = "") -> HTMLResponse:
        """A page of the comparison, of the wait for it, or of what to do first."""
        values: dict[str, Any] = {"choices": comparing.choices(), "old": old, "new": new}
        values |= {"code": code, "verdicts": _VERDICTS, "changes": None, "waiting": []}
        try:
            reviewing.now()
        except NotEvaluatedError as error:
            return html(request, "compare_none.html.j2", error=error)
        values |= named_values(reviewing, here)
        if old and new:
            values["waiting"] = comparing.asking([old, new])
            if not values["waiting"]:
                values["changes"] = comparing.changes(old, new)
        if code and values["changes"] is not None:
            values["parts"] = _parts(reviewing, values["changes"], code)
        return html(request, template, most=_MOST_ROWS, **values)

    @router.get("/compare")
    def compare(request: Request, old: str = "", new: str = "") -> HTMLResponse:
        return page(request, "compare.html.j2", old, new)

    @router.get("/compare/class")
    def of_class(request: Request, old: str, new: str, code: str) -> HTMLResponse:
        return page(request, "compare_class.html.j2", old, new, code)

    return router


def _parts(
    reviewing: Reviewing, changes: raresign.AnswerChanges, code: str
) -> list[tuple[str, int, list[dict[str, Any]]]]:
    """(title, how many, the first crops) of what was lost, won and wrong in another way."""
    state = reviewing.now()
    seen: dict[str, int] = {}
    places = []  # how often each path stood before, as the run knows its crops
    for path in changes.old.paths:
        places.append(seen.get(path, 0))
        seen[path] = places[-1] + 1
    found = []
    for title, rows in (
        (_("Lost: only the first named them"), changes.lost(code)),
        (_("Won: only the second names them"), changes.won(code)),
        (_("Wrong in both, and called otherwise"), changes.otherwise_wrong(code)),
    ):
        cards = []
        for row in rows.tolist()[:_MOST_CROPS]:
            path = changes.old.paths[row]
            place = state.plain.row_of((path, places[row]))
            uri = None if place is None else f"/review/crop/{place}?m={state.mark}"
            sure = float(changes.new.confidence[row])
            cards.append(
                {
                    "picture": Picture(uri, PurePath(path).name, sure),
                    "old": changes.old.codes[int(changes.old.predicted[row])],
                    "new": changes.new.codes[int(changes.new.predicted[row])],
                    "old_sure": float(changes.old.confidence[row]),
                    "new_sure": sure,
                }
            )
        found.append((title, len(rows), cards))
    return found


COMPARE = Page("/compare", later("Compare"), _routes)
