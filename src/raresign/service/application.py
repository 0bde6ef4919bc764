"""The application: addresses, their description, and one form of all errors."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from pydantic_core import to_json

import raresign
from raresign.service import messages as told
from raresign.service.answering import Answering
from raresign.service.batching import Batcher
from raresign.service.bodies import FORM, JSON
from raresign.service.direct import Direct
from raresign.service.docs_page import docs_page
from raresign.service.figures import Figures
from raresign.service.guard import Guard
from raresign.service.keys import Keyring, read_keys
from raresign.service.refusal import Refused
from raresign.service.request_log import log_to_stderr, tell
from raresign.service.routes import Routes
from raresign.service.served_model import ServedModel
from raresign.service.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request

_Said = BaseModel | dict[str, Any] | None
_LOOK_SECONDS = 2.0
"""How often the disk is asked whether the model has changed."""
_REF = "#/components/schemas/{model}"
_ASKED = (told.ClassifyAsked, told.AnnotateAsked, told.ClassAsked, told.Problem)
_TEXTS = {
    400: "not HTTP as we read it",
    401: "a key is needed, or it is not known",
    403: "this key, or this origin, may not",
    404: "there is nothing here",
    405: "another method",
    408: "the request came too slowly",
    409: "the model cannot be changed now, or at all",
    413: "too large, or too many",
    415: "a body of another type",
    421: "another name of the host",
    422: "something in the request is wrong",
    429: "too much at the moment; Retry-After says when to try again",
    500: "a fault of the service",
    501: "the training extra is not installed",
    503: "not ready",
    504: "it took too long",
}
_GOOD = {200: "the answer", 202: "begun; Location says where to ask how far it is", 204: "done"}
_ALWAYS = (400, 401, 403, 421, 429, 500)
_BODY = (408, 413, 415, 422)
_PICTURES = {"type": "array", "items": {"type": "string", "format": "binary"}, "minItems": 1}
_PIXELS = {"type": "number", "minimum": -1e6, "maximum": 1e6}
_SHAPE = {"type": "array", "items": _PIXELS, "minItems": 4, "maxItems": 4}


def build_app(settings: Settings, model: ServedModel | None = None) -> FastAPI:
    """The service as an ASGI application.

    Args:
        settings: What it was told.
        model: What answers; loaded by the settings unless given.

    Raises:
        InputError: No model, or no readable file of keys.
        ModuleNotFoundError: The extra `raresign[serve]` is not installed.
    """
    from fastapi import FastAPI
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException

    keys = read_keys(settings.keys) if settings.keys else Keyring([])
    figures = Figures()
    batcher = Batcher(
        settings.window_ms / 1000, settings.most_together, settings.most_waiting, figures.batch
    )
    answering = Answering(settings, model or ServedModel(settings.model), batcher, figures)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        looking = asyncio.create_task(_look(answering.model))
        current = answering.model.current
        tell("ready", model=current.name, version=current.version)
        try:
            yield
        finally:
            looking.cancel()
            answering.model.jobs.close()
            await asyncio.to_thread(batcher.close)
            tell("stopped")

    app = FastAPI(
        title="raresign",
        version=raresign.__version__,
        description="Names traffic signs on crops and in frames.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=life,
    )
    routes = Routes(answering)
    _add_routes(app, routes, figures)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HTTPException, _unknown)
    app.add_exception_handler(RequestValidationError, _invalid)
    often = {
        ("POST", "/v1/classify"): _written(routes.classify),
        ("POST", "/v1/annotate"): _written(routes.annotate),
    }
    app.add_middleware(Direct, answers=often)
    app.add_middleware(Guard, settings=settings, keys=keys, figures=figures)
    return app


def app_of_environment() -> FastAPI:
    """The application of a worker process, which log and settings come to from outside."""
    log_to_stderr()
    return build_app(Settings.of_environment())


def _json(said: BaseModel | dict[str, Any]) -> bytes:
    """An answer as it is sent."""
    if isinstance(said, BaseModel):
        return said.model_dump_json().encode()
    return to_json(said, inf_nan_mode="null")


def _written(
    handler: Callable[[Request], Awaitable[dict[str, Any]]],
) -> Callable[[Request], Awaitable[bytes]]:
    """A handler that gives its answer as it is sent."""

    async def written(request: Request) -> bytes:
        return _json(await handler(request))

    return written


async def _look(model: ServedModel) -> None:
    """Load the model anew whenever it changes on the disk, until cancelled."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        await asyncio.to_thread(model.refresh)


def _add_routes(app: FastAPI, routes: Routes, figures: Figures) -> None:
    """Give every handler its address and its description."""
    from starlette.responses import HTMLResponse, JSONResponse, Response

    def add(
        method: str,
        path: str,
        handler: Callable[..., Awaitable[_Said]],
        answer: type[BaseModel] | None,
        errors: tuple[int, ...] = (),
        body: dict[str, Any] | None = None,
        status: int = 200,
    ) -> None:
        async def answered(*args: Any, **given: Any) -> Response:
            said = await handler(*args, **given)
            if said is None:
                return Response(None, status)
            where = None
            if status == 202 and isinstance(said, told.JobTold):
                where = {"Location": f"/v1/jobs/{said.id}"}
            return Response(_json(said), status, where, JSON)

        vars(answered)["__signature__"] = _signature(handler)
        answered.__doc__ = handler.__doc__
        stated = {*errors, *_ALWAYS, *(_BODY if body else ())}
        app.add_api_route(
            path,
            answered,
            methods=[method],
            name=handler.__name__,
            status_code=status,
            response_description=_GOOD[status],
            response_model=answer,
            responses={
                code: {"model": told.Problem, "description": _TEXTS[code]}
                for code in sorted(stated)
            },
            openapi_extra={"requestBody": {"required": True, "content": body}} if body else None,
        )

    more = (503, 504)
    add("POST", "/v1/classify", routes.classify, told.Classified, more, _classify_body())
    add("POST", "/v1/annotate", routes.annotate, told.AnnotationsMade, more, _annotate_body())
    add("GET", "/v1/classes", routes.classes, told.Signs)
    changes = (409, 501)
    icon = {JSON: {"schema": {"$ref": _REF.format(model="ClassAsked")}}}
    add("POST", "/v1/classes", routes.add_class, told.JobTold, (*changes, 503), icon, 202)
    add("GET", "/v1/jobs/{job}", routes.job, told.JobTold, (404, 422))
    gone = (409, 404, 422)
    add("DELETE", "/v1/classes/{code}", routes.remove_class, None, gone, status=204)
    add("GET", "/v1/model", routes.model, told.ModelFacts, (422,))
    add("GET", "/healthz", routes.healthy, told.Health)
    add("GET", "/readyz", routes.ready, told.Health, (503,))

    async def metrics() -> Response:
        text = await asyncio.to_thread(figures.text)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    async def described() -> Response:
        return JSONResponse(_described(app))

    async def docs() -> Response:
        return HTMLResponse(docs_page(_described(app)), headers={"Content-Security-Policy": _CSP})

    for path, handler in (("/metrics", metrics), ("/openapi.json", described), ("/docs", docs)):
        vars(handler)["__signature__"] = inspect.Signature()
        app.add_api_route(path, handler, methods=["GET"], include_in_schema=False)


_CSP = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"


def _signature(handler: Callable[..., object]) -> inspect.Signature:
    """The parameters of a handler with the classes that FastAPI looks for."""
    from starlette.requests import Request

    kinds: dict[str, Any] = {"Request": Request, "str": str, "str | None": str | None}
    given = inspect.signature(handler).parameters.values()
    return inspect.Signature([one.replace(annotation=kinds[one.annotation]) for one in given])


def _described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI description; bodies that we read ourselves are added to it."""
    found: dict[str, Any] = app.openapi()
    _, ours = models_json_schema([(one, "validation") for one in _ASKED], ref_template=_REF)
    found.setdefault("components", {}).setdefault("schemas", {}).update(ours["$defs"])
    return found


def _classify_body() -> dict[str, Any]:
    form = {
        "type": "object",
        "properties": {
            "picture": _PICTURES,
            "boxes": {"type": "array", "items": _SHAPE, "description": "The same in each picture"},
            "top": {"type": "integer", "minimum": 1, "maximum": 50, "default": 5},
        },
        "required": ["picture"],
        "additionalProperties": False,
    }
    encoding = {"boxes": {"contentType": JSON}}
    asked = {"$ref": _REF.format(model="ClassifyAsked")}
    return {JSON: {"schema": asked}, FORM: {"schema": form, "encoding": encoding}}


def _annotate_body() -> dict[str, Any]:
    detection = {"$ref": _REF.format(model="Detection")}
    form = {
        "type": "object",
        "properties": {
            "picture": {"type": "string", "format": "binary"},
            "annotations": {"type": "array", "items": detection, "minItems": 1},
        },
        "required": ["picture", "annotations"],
        "additionalProperties": False,
    }
    asked = {"$ref": _REF.format(model="AnnotateAsked")}
    encoding = {"annotations": {"contentType": JSON}}
    return {JSON: {"schema": asked}, FORM: {"schema": form, "encoding": encoding}}


async def _refused(request: Request, refused: Any) -> Any:
    return refused.response()


async def _unknown(request: Request, error: Any) -> Any:
    """An address or a method that we have not, or a body that breaks off."""
    status, headers = error.status_code, error.headers
    hint = "GET /docs lists what there is" if status in (404, 405) else ""
    if status == 405:  # of two routes of one address the library names the first
        routes = [one for one in request.app.routes if one.matches(request.scope)[0].value]
        headers = {"Allow": ", ".join(sorted({name for one in routes for name in one.methods}))}
    return Refused(status, str(error.detail), hint, headers).response()


async def _invalid(request: Request, error: Any) -> Any:
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return Refused(422, f"{where}: {first['msg']}", "see /docs").response()
