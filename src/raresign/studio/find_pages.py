"""The page "Find": many crops that nobody labelled, and the best candidates of a sign."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

import raresign
from raresign.language.spoken import _, later
from raresign.studio.action import Action
from raresign.studio.found_decisions import DECIDED, decide, decided_words, decisions
from raresign.studio.found_pictures import found_picture
from raresign.studio.page import Page, done, html
from raresign.studio.searching import SOURCE, Search, model_signs
from raresign.studio.teaching import (
    TAUGHT,
    confirmed_crops,
    confirmed_csv,
    taught_words,
    teach,
    untaught_crops,
    unteach,
)
from raresign.studio.workplace import Workplace

_SHOWN = 24
_SIGNS = 60
_FOLDERS = 20
_SIDE = 192
_DAY = "private, max-age=86400"
_Asked = Annotated[dict[str, Any], Body()]
_ORDERS = {"best": later("likeliest first"), "informative": later("hardest first")}


def _routes(here: Workplace) -> APIRouter:
    router = APIRouter()
    search = Search(here)
    here.endings.append(search.close)
    here.know(DECIDED, decided_words)
    here.know(SOURCE, _source_words)
    here.know(TAUGHT, taught_words, lambda action: unteach(here, action))

    @router.get("/find")
    def find_page(request: Request) -> HTMLResponse:
        search.wake()
        code = request.query_params.get("code", "")
        values: dict[str, Any] = {
            "source": search.source,
            "progress": search.progress,
            "sign": None,
        }
        if search.source and here.is_loaded:
            values["sign"] = _sign(here, code)
        values["signs"] = model_signs(here.recogniser, "", _SIGNS) if here.is_loaded else []
        order = request.query_params.get("order", "best")
        return html(
            request,
            "find.html.j2",
            **values,
            orders=_ORDERS,
            order=order if order in _ORDERS else "best",
            change="change" in request.query_params,
        )

    @router.get("/find/progress")
    def progress(request: Request) -> HTMLResponse:
        search.wake()
        return html(request, "find_progress.html.j2", progress=search.progress)

    @router.get("/find/folders")
    def folders(request: Request) -> HTMLResponse:
        typed = request.query_params.get("folder", "")
        return html(request, "find_folders.html.j2", folders=_folders_like(typed))

    @router.get("/find/signs")
    def signs(request: Request) -> HTMLResponse:
        asked = request.query_params
        found = model_signs(here.recogniser, asked.get("text", ""), _SIGNS)
        return html(request, "find_signs.html.j2", signs=found, choose="choose" in asked)

    @router.post("/find/source")
    def source(request: Request, asked: _Asked) -> JSONResponse:
        folder, boxes = (str(asked.get(name) or "")[:4000] for name in ("folder", "boxes"))
        action = search.choose(here.who(request), folder, boxes)
        search.changed()
        return JSONResponse(done(request, action))

    @router.post("/find/pause")
    def pause(request: Request) -> JSONResponse:
        search.pause()
        return JSONResponse({})

    @router.post("/find/again")
    def again(request: Request) -> JSONResponse:
        search.again()
        return JSONResponse({})

    @router.get("/find/candidates")
    def candidates(request: Request) -> HTMLResponse:
        asked = request.query_params
        return html(request, "find_candidates.html.j2", **_candidates(search, here, asked))

    @router.get("/find/crop/{row}")
    def crop(request: Request, row: int) -> Response:
        index = search.index
        found = index.crops([row]) if index is not None else []
        shown = found and found_picture(found[0].path, found[0].box, found[0].digest, _SIDE)
        if not shown:
            return Response(status_code=404)
        return Response(shown, media_type="image/webp", headers={"Cache-Control": _DAY})

    @router.post("/find/decide")
    def decided(request: Request, asked: _Asked) -> JSONResponse:
        try:
            rows = [int(row) for row in asked["rows"]][:1000]
            code, answer = str(asked["code"]), str(asked["answer"])
        except (KeyError, TypeError, ValueError):
            rows = []
        if not rows:
            raise raresign.InputError(_("this crop is gone"), _("load the page again"))
        who = here.who(request)
        return JSONResponse(done(request, decide(here, search.index, who, code, rows, answer)))

    @router.post("/find/teach")
    def taught(request: Request, asked: _Asked) -> JSONResponse:
        action = teach(here, here.who(request), str(asked.get("code", "")))
        return JSONResponse(done(request, action))

    @router.get("/find/confirmed.csv")
    def confirmed(request: Request) -> Response:
        text = confirmed_csv(confirmed_crops(here))
        name = f"{here.name}-found.csv".encode("ascii", "replace").decode()
        head = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(text, media_type="text/csv; charset=utf-8", headers=head)

    return router


def _candidates(search: Search, here: Workplace, asked: Any) -> dict[str, Any]:
    """What the list of candidates shows."""
    order: Literal["best", "informative"] = (
        "informative" if asked.get("order") == "informative" else "best"
    )
    sign = _sign(here, asked.get("code", ""))
    values: dict[str, Any] = {
        "sign": sign,
        "candidates": None,
        "yes": 0,
        "no": 0,
        "new": 0,
        "order": order,
    }
    ranking = search.ranking(sign["code"]) if sign else None
    if sign is None or ranking is None:
        return values | {"progress": search.progress}
    said = decisions(here, sign["code"], ranking.index)
    found = ranking.best(_SHOWN, order, said.confirmed, said.rejected)
    return values | {
        "candidates": [
            {
                "row": one.crop.row,
                "rows": [one.crop.row, *one.others],
                "name": Path(one.crop.path).name,
                "path": one.crop.path,
                "digest": one.crop.digest[:8],
                "score": one.score,
                "count": one.count,
            }
            for one in found
        ],
        "yes": len(said.confirmed),
        "no": said.denied,
        "new": len(untaught_crops(here, sign["code"])),
        "progress": search.progress,
    }


def _sign(here: Workplace, code: str) -> dict[str, str] | None:
    catalogue = here.recogniser.catalogue
    label = catalogue.label_of(code) if code else -1
    if label < 0:
        return None
    return {"code": code, "name": raresign.spoken_name(code, catalogue[label].title)}


def _folders_like(typed: str) -> list[str]:
    """Folders on this machine whose paths begin with what was typed."""
    place = Path(typed or "~").expanduser()
    home = place if typed.endswith(("/", "\\")) or not typed else place.parent
    start = "" if home == place else place.name.lower()
    try:
        found = sorted(
            str(one)
            for one in home.iterdir()
            if one.name.lower().startswith(start) and not one.name.startswith(".") and one.is_dir()
        )
    except (OSError, ValueError):
        return []
    return found[:_FOLDERS]


def _source_words(action: Action) -> str:
    folder = (action.after or {}).get("folder")
    return (
        _("{folder} is looked through").format(folder=folder)
        if folder
        else _("no folder is chosen")
    )


FIND = Page("/find", later("Find"), _routes)
