"""The page "Review": what the run mistakes for what, its surest mistakes, its classes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, File, Request, UploadFile
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, Field

from raresign.language.spoken import _, later
from raresign.studio.page import Page, done, html
from raresign.studio.review_parts import crop_cards, grid_of, named_values, threshold_chart
from raresign.studio.review_pictures import variant_bytes
from raresign.studio.reviewing import NotEvaluatedError, Reviewing, State
from raresign.studio.sign_search import SignSearch
from raresign.studio.workplace import Workplace

_GROUPS, _PAIRS, _ALL_PAIRS = 12, 6, 120
_FAULTS_OF_A_CLASS = 12
_KEEP = "private, max-age=31536000, immutable"
_PRECISIONS = (0.8, 0.9, 0.95, 0.98, 0.99)


class Correction(BaseModel):
    """What a person says of a crop."""

    row: int = Field(ge=0)
    after: str = Field(min_length=1, max_length=200)
    shown: str | None = Field(max_length=200)


def _routes(here: Workplace) -> APIRouter:
    router = APIRouter()
    reviewing, search = Reviewing(here), SignSearch(here)

    def page(request: Request, tab: str, template: str, **values: Any) -> HTMLResponse:
        """A page with its tabs, or what to do first where the run was not measured."""
        try:
            state = reviewing.now()
        except NotEvaluatedError as error:
            return html(request, "review_none.html.j2", tab=tab, error=error)
        made = values.pop("make")(state) if "make" in values else {}
        shared = named_values(reviewing, here) | {
            "tab": tab,
            "recall": state.run.recall(),
            "mistakes": len(state.run.mistakes()),
            "corrected": len(here.store.values("correction")),
            "mark": state.mark,
        }
        return html(request, template, **shared, **values, **made)

    @router.get("/review")
    def confusions(request: Request, start: int = 0) -> HTMLResponse:
        def make(state: State) -> dict[str, Any]:
            groups = state.run.confusions.groups
            first = max(0, min(start, len(groups)))
            return {
                "groups": groups[first : first + _GROUPS],
                "most": _PAIRS,
                "later": first + _GROUPS if first + _GROUPS < len(groups) else None,
                "earlier": max(0, first - _GROUPS) if first else None,
            }

        return page(request, "confusions", "review.html.j2", make=make)

    @router.get("/review/family")
    def family(request: Request, true: str, called: str) -> HTMLResponse:
        def make(state: State) -> dict[str, Any]:
            groups = [one for one in state.run.confusions.groups if one.family == true]
            return {"group": next((one for one in groups if one.other == called), None)}

        values = {"own": true, "called": called, "most": _ALL_PAIRS}
        return page(request, "confusions", "review_family.html.j2", make=make, **values)

    @router.get("/review/pair")
    def pair(request: Request, code: str, called: str, start: int = 0) -> HTMLResponse:
        def make(state: State) -> dict[str, Any]:
            rows = state.run.confusions.rows(code, called).tolist()
            pairs = [one for group in state.run.confusions.groups for one in group.pairs]
            names = [(one.code, one.predicted_code) for one in pairs]
            place = names.index((code, called)) if (code, called) in names else None
            near = (None, None) if place is None else (place - 1, place + 1)
            before, after = (
                pairs[k] if k is not None and 0 <= k < len(pairs) else None for k in near
            )
            return {
                "grid": grid_of(state, reviewing, rows, start),
                "before": before,
                "after": after,
            }

        return page(
            request, "confusions", "review_pair.html.j2", make=make, code=code, called=called
        )

    @router.get("/review/mistakes")
    def mistakes(request: Request, start: int = 0, named: bool = False) -> HTMLResponse:
        def make(state: State) -> dict[str, Any]:
            rows = state.run.mistakes(named).tolist()
            return {"grid": grid_of(state, reviewing, rows, start)}

        return page(request, "mistakes", "review_mistakes.html.j2", make=make, named=named)

    @router.get("/review/classes")
    def classes(request: Request, q: str = "") -> HTMLResponse:
        found = search.by_words(q[:200])
        template = "review_found.html.j2" if "hx-request" in request.headers else None
        if template is not None:
            return html(request, template, **named_values(reviewing, here), found=found, q=q)
        return page(request, "classes", "review_classes.html.j2", found=found, q=q)

    @router.post("/review/look-up")
    def look_up(request: Request, icon: Annotated[UploadFile, File()]) -> HTMLResponse:
        found = search.by_icon(icon.file.read(), icon.filename or "")
        values = named_values(reviewing, here)
        return html(request, "review_found.html.j2", **values, found=found, q="")

    @router.get("/review/class")
    def class_page(
        request: Request, code: str, precision: float = 0.95, start: int = 0
    ) -> HTMLResponse:
        def make(state: State) -> dict[str, Any]:
            figures = state.run.figures(code, precision)
            label = here.recogniser.catalogue.label_of(code)
            return {
                "figures": figures,
                "chart": threshold_chart(figures.believed),
                "grid": grid_of(state, reviewing, state.run.rows_of_class(code).tolist(), start),
                "prototypes": here.recogniser.head.index.counts_of(label),
                "variants": len(here.recogniser.catalogue[label].icons),
                "precisions": sorted({*_PRECISIONS, round(precision, 3)}),
            }

        values = {"code": code, "precision": precision, "most": _FAULTS_OF_A_CLASS}
        return page(request, "classes", "review_class.html.j2", make=make, **values)

    @router.get("/review/corrections")
    def corrections(request: Request) -> HTMLResponse:
        def make(state: State) -> dict[str, Any]:
            return {"rows": reviewing.corrections(), "home": state.plain.root}

        return page(request, "corrections", "review_corrections.html.j2", make=make)

    @router.post("/review/corrections/save")
    def save(request: Request) -> JSONResponse:
        file, count = reviewing.save()
        told = _("{n} corrections are in {file}; the next training reads them")
        return JSONResponse({"done": told.format(n=count, file=file), "action": None})

    @router.get("/review/corrections.csv")
    def download(request: Request) -> Response:
        content = reviewing.as_csv()
        headers = {"Content-Disposition": 'attachment; filename="corrections.csv"'}
        return Response(content, media_type="text/csv; charset=utf-8", headers=headers)

    @router.post("/review/correct")
    def correct(request: Request, told: Correction) -> JSONResponse:
        action = reviewing.correct(here.who(request), told.row, told.after, told.shown)
        state = reviewing.now()
        card = crop_cards(state, reviewing, [told.row])[0]
        values = named_values(reviewing, here) | {"mark": state.mark, "card": card}
        part = html(request, "review_card.html.j2", **values)
        return JSONResponse(done(request, action, html=bytes(part.body).decode()))

    @router.get("/review/crop/{row}")
    def crop(request: Request, row: int) -> Response:
        state = reviewing.now()
        content = state.picture(row)
        if content is None:
            return Response(status_code=404)
        return Response(content, media_type="image/webp", headers={"Cache-Control": _KEEP})

    @router.get("/review/variant/{number}")
    def variant(request: Request, number: int, code: str) -> Response:
        content = variant_bytes(here.recogniser.catalogue, code, number)
        if content is None:
            return Response(status_code=404)
        return Response(content, media_type="image/webp")

    return router


REVIEW = Page("/review", later("Review"), _routes)
