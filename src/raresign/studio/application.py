"""The application of the studio: pages, what protects them, and how a page is added.

A page is one file, one template and a line in `pages.PAGES`:

- `studio/find_pages.py` makes `FIND = Page("/find", later("Find"), routes)`. `routes(here)` gets
  the `Workplace` and returns an `APIRouter` with all addresses of the page. Handlers are plain
  `def` (they run in threads) and begin with `request: Request`; import FastAPI at the top.
- `studio/templates/find.html.j2` extends `frame.html.j2` and fills the blocks `title`, `main`,
  `keys` (the list of keys) and `scripts`, with
  `<script defer src="{{ asset("find.js") }}"></script>` for a script of its own. Scripts are files
  in `static/`: no inline script runs, nor an `on...` attribute. htmx is on every page; `app.js`
  gives scripts `studio.send(address, body)`, `studio.say(text)` and `studio.keys({...})`.
- `html(request, "find.html.j2", rows=rows)` answers with the template, or with a part of a page for
  htmx. Templates see those of the report, too:
  `{% from "macros.html.j2" import bar with context %}`.
- Words: `_("...")` in Python and templates, a translation in `language/ru.po`.
- What people decide goes through
  `here.store.act(here.who(request), kind, subject, value, expected)`, and
  `here.know(kind, words, reverse)` in `routes` says how it is told and taken back. A handler that a
  script asks answers `done(request, action)`: the page says so and offers "Take back"; the page
  "What was done" lists all. Tables of your own: `here.store.make("CREATE TABLE IF NOT EXISTS ...")`
  in `routes`. Threads and processes end in `here.endings`.
- `raise InputError(problem, hint)` becomes a page, or a message at the bottom for htmx and scripts.
- `here.recogniser` is the model as it is now, `here.workshop.call(function, ...)` runs a function
  of a module where PyTorch is; `here.files` is a folder for pictures (see `PictureFolder`);
  `/icon/CODE` is the icon of a class. Small pieces of templates: `parts.html.j2`.

Only GET changes nothing; every other request carries the token of the page, which htmx and
`studio.send` do by themselves, and forms with
`<input type="hidden" name="token" value="{{ token }}">`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

import raresign
from raresign.language.spoken import _, current_language
from raresign.service.figures import Figures
from raresign.service.guard import Guard
from raresign.service.keys import Keyring, read_keys
from raresign.service.refusal import Refused
from raresign.service.settings import Settings
from raresign.studio import history_pages, icon_pages
from raresign.studio.assets import Assets
from raresign.studio.door import Door, TokenCheck
from raresign.studio.page import html, templates
from raresign.studio.pages import PAGES
from raresign.studio.store import Store
from raresign.studio.workplace import Workplace

_LOOK_SECONDS = 2.0
_MOST_BYTES = 64_000_000
_READ_SECONDS = 300.0
_YEAR = "public, max-age=31536000, immutable"


def create_studio(
    run: str | Path,
    state: str | Path | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 8010,
    keys: str | Path | None = None,
    hosts: tuple[str, ...] = (),
    language: str | None = None,
) -> FastAPI:
    """The studio of a run as an ASGI application; the model is loaded in the background.

    Args:
        run: A run folder; or a bundle or "built-in", to which no sign can be added.
        state: The SQLite file of what people do; `studio.sqlite` in the run folder unless given,
            of others in the working folder. Pictures lie in the folder `studio` beside it.
        host: Address that it listens on; beyond the loopback only with keys.
        port: TCP port.
        keys: File of `new_service_key`; people give a key once in their browser.
        hosts: Further names that requests may call it by.
        language: "en" or "ru"; None goes by the browser.

    Raises:
        InputError: No run, a state that cannot be written, an address beyond the loopback without
            keys, or no readable file of keys.

    Example:
        >>> import tempfile
        >>> from starlette.testclient import TestClient
        >>> app = create_studio("built-in", Path(tempfile.mkdtemp()) / "studio.sqlite")
        >>> client = TestClient(app, base_url="http://127.0.0.1")
        >>> client.get("/history").status_code, client.post("/undo/1").status_code
        (200, 403)
    """
    settings = Settings(
        str(run),
        host,
        port,
        keys="" if keys is None else str(keys),
        hosts=hosts,
        most_bytes=_MOST_BYTES,
        read_seconds=_READ_SECONDS,
    )
    _check_run(str(run))
    place = Path(state) if state else Path(run if Path(run).is_dir() else "") / "studio.sqlite"
    keyring = read_keys(settings.keys) if settings.keys else Keyring([])
    here = Workplace(str(run), Store(place), place.parent / "studio", language)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        looking = asyncio.create_task(_look(here))
        try:
            yield
        finally:
            looking.cancel()
            for end in here.endings:
                await asyncio.to_thread(end)
            here.workshop.close()
            here.store.close()

    app = FastAPI(
        title="raresign studio", docs_url=None, redoc_url=None, openapi_url=None, lifespan=life
    )
    app.state.workplace = here
    app.state.assets = Assets()
    app.state.templates = templates()
    app.state.pages = PAGES
    app.state.token = here.store.note("token", lambda: token_urlsafe(32))
    for page in PAGES:
        app.include_router(page.routes(here))
    app.include_router(history_pages.routes(here))
    app.include_router(icon_pages.routes(here))
    app.add_api_route("/static/{name:path}", _static, methods=["GET"])
    for kind, handler in (
        (raresign.InputError, _told),
        (Refused, _refused),
        (HTTPException, _missing),
        (RequestValidationError, _invalid),
    ):
        app.add_exception_handler(kind, handler)  # type: ignore[arg-type]
    app.add_middleware(TokenCheck, token=app.state.token)
    app.add_middleware(Guard, settings=settings, keys=keyring, figures=Figures())
    login = (lambda failed: _login(app, failed)) if len(keyring) else None
    app.add_middleware(Door, language=language, login=login)
    return app


def _check_run(run: str) -> None:
    """Refuse what is no model, before anything is loaded.

    Raises:
        InputError: It is none.
    """
    path = Path(run)
    if raresign.is_built_in(run) or path.is_file() or (path / "run.json").is_file():
        return
    raise raresign.InputError(
        _("{run} is no run folder").format(run=run),
        _("`raresign start {run}` makes one of the built-in model").format(run=run),
    )


async def _look(here: Workplace) -> None:
    """Load the model, then anew whenever it changes on the disk, until cancelled."""
    while True:
        with suppress(raresign.InputError, OSError):  # a page tells of it
            model = await asyncio.to_thread(lambda: here.model)
            await asyncio.to_thread(model.refresh)
        await asyncio.sleep(_LOOK_SECONDS)


def _static(request: Request, name: str) -> Response:
    found = request.app.state.assets.read(name)
    if found is None:
        raise HTTPException(404)
    content, kind = found
    return Response(content, media_type=kind, headers={"Cache-Control": _YEAR})


def _login(app: FastAPI, failed: bool) -> bytes:
    """The page that asks for a key."""
    template = app.state.templates.get_template("login.html.j2")
    state = app.state
    text: str = template.render(
        asset=state.assets.address, language=current_language(), failed=failed, here=state.workplace
    )
    return text.encode()


def _problem(request: Request, status: int, error: str, hint: str) -> Response:
    """An error as the one who asks can show it."""
    wants = request.headers.get("accept", "")
    if "hx-request" in request.headers or "text/html" not in wants:
        return JSONResponse({"error": error, "hint": hint}, status)
    return html(request, "problem.html.j2", status, error=error, hint=hint)


def _told(request: Request, error: raresign.InputError) -> Response:
    return _problem(request, 422, error.problem, error.hint)


def _refused(request: Request, refused: Refused) -> Response:
    return _problem(request, refused.status, refused.error, refused.hint)


def _missing(request: Request, error: HTTPException) -> Response:
    texts = {404: _("There is nothing here."), 405: _("This cannot be done here.")}
    told = texts.get(error.status_code, str(error.detail))
    return _problem(request, error.status_code, told, _("Choose one of the pages above."))


def _invalid(request: Request, error: RequestValidationError) -> Response:
    first: dict[str, Any] = error.errors()[0]
    where = ".".join(str(part)[:100] for part in first["loc"])
    return _problem(request, 422, f"{where}: {first['msg']}"[:500], _("Load the page again."))
