"""The page "What was done", taking back and doing again."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from raresign.language.spoken import LANGUAGES
from raresign.studio.action import Action
from raresign.studio.door import LANGUAGE
from raresign.studio.page import html
from raresign.studio.workplace import Workplace

_SHOWN = 200
_YEAR_SECONDS = 31_536_000


def routes(here: Workplace) -> APIRouter:
    """Addresses that belong to no page of the navigation."""
    router = APIRouter()

    @router.get("/history")
    def history(request: Request) -> HTMLResponse:
        rows = [_row(here, action) for action in here.store.actions(_SHOWN)]
        return html(request, "history.html.j2", rows=rows, most=_SHOWN)

    @router.post("/undo/{number}")
    def undo(request: Request, number: int) -> JSONResponse:
        action = here.undo(number, here.who(request))
        back = here.took_back(action)
        offered = {"action": None, "again": action.id} if back else {"action": action.id}
        return JSONResponse({"done": here.told(action), "undoes": action.undoes, **offered})

    @router.get("/language/{name}")
    def language(request: Request, name: str, back: str = "/") -> RedirectResponse:
        same = back.startswith("/") and not back.startswith(("//", "/\\"))
        answer = RedirectResponse(back if same else "/", 303)
        if name in LANGUAGES:
            answer.set_cookie(LANGUAGE, name, _YEAR_SECONDS, httponly=True, samesite="lax")
        return answer

    return router


def _row(here: Workplace, action: Action) -> dict[str, object]:
    at = datetime.fromisoformat(action.at).astimezone()
    return {
        "number": action.id,
        "at": f"{at:%Y-%m-%d %H:%M:%S}",
        "who": action.who,
        "told": here.told(action),
        "took_back": here.took_back(action),
        "undone": action.undone_by is not None,
    }
