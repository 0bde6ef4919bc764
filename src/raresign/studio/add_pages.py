"""The page "Add a sign"."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from raresign.language.spoken import later
from raresign.studio.page import Page, html
from raresign.studio.workplace import Workplace


def _routes(here: Workplace) -> APIRouter:
    router = APIRouter()

    @router.get("/add")
    def add_page(request: Request) -> HTMLResponse:
        return html(request, "add.html.j2")

    return router


ADD = Page("/add", later("Add a sign"), _routes)
