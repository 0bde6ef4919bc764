"""The page "Find"."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from raresign.language.spoken import later
from raresign.studio.page import Page, html
from raresign.studio.workplace import Workplace


def _routes(here: Workplace) -> APIRouter:
    router = APIRouter()

    @router.get("/find")
    def find_page(request: Request) -> HTMLResponse:
        return html(request, "find.html.j2")

    return router


FIND = Page("/find", later("Find"), _routes)
