"""The page "Report": what report.html shows, by the same templates."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, TimeoutError
from contextvars import copy_context
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException

import raresign
from raresign.language.spoken import current_language, later
from raresign.studio.page import Page, html
from raresign.studio.workplace import Workplace

_FILES = ("run.json", "evaluation/predictions.parquet", "evaluation/framing.json")
_WAIT_SECONDS = 0.7


def _routes(here: Workplace) -> APIRouter:
    router = APIRouter()
    kept: dict[str, tuple[object, Future[dict[str, Any]]]] = {}
    pool = ThreadPoolExecutor(1, thread_name_prefix="report")
    here.endings.append(lambda: pool.shutdown(wait=True, cancel_futures=True))
    lock = threading.Lock()

    @router.get("/report")
    def report_page(request: Request) -> HTMLResponse:
        if not here.can_change:
            return html(request, "report_none.html.j2")
        run = Path(here.run)
        mark = tuple(_changed(run / name) for name in (*_FILES, "added"))
        with lock:
            known = kept.get(current_language())
            if known is None or known[0] != mark:
                job = pool.submit(copy_context().run, raresign.report_values, run)
                known = kept[current_language()] = mark, job
        try:
            values = known[1].result(_WAIT_SECONDS)
        except TimeoutError:  # hundreds of pictures are read
            return html(request, "report_waits.html.j2")
        return html(request, "report.html.j2", **values)

    @router.get("/report/file")
    def report_file(request: Request) -> Response:
        if not here.can_change:
            raise HTTPException(404)
        page = raresign.report_page(Path(here.run)).encode("utf-8", "replace")
        headers = {"Content-Disposition": 'attachment; filename="report.html"'}
        return Response(page, media_type="text/html", headers=headers)

    return router


def _changed(file: Path) -> int:
    return file.stat().st_mtime_ns if file.exists() else 0


REPORT = Page("/report", later("Report"), _routes)
