"""A short way to the addresses that are asked often: past the routing of the library.

FastAPI finds the route of a request, reads what its handler asks for and watches over both in a
dozen layers. Our handlers read their requests themselves, so they need none of it, and a request of
one crop feels it. FastAPI describes the same routes, and answers all other addresses, and other
methods.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from raresign.service.refusal import Refused

if TYPE_CHECKING:
    from starlette.requests import Request

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True)
class Place:
    """A route as the log and the counts name it.

    Args:
        path: Its address.
    """

    path: str


class Direct:
    """Middleware (ASGI) that answers some addresses itself, in JSON with status 200.

    Args:
        app: Answers all others.
        answers: By method and path, what gives the JSON of a request's answer.
    """

    def __init__(
        self, app: App, answers: dict[tuple[str, str], Callable[[Request], Awaitable[bytes]]]
    ) -> None:
        from starlette.requests import Request

        self._app, self._answers, self._request = app, answers, Request
        self._places = {path: Place(path) for _, path in answers}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        answer = None
        if scope["type"] == "http":
            answer = self._answers.get((scope["method"], scope["path"]))
        if answer is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = self._places[scope["path"]]
        try:
            body = await answer(self._request(scope, receive, send))
        except Refused as refused:
            await refused.response()(scope, receive, send)
            return
        length = str(len(body)).encode()
        headers = [(b"content-length", length), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
