"""What every request passes: names, keys, sizes and times, the log and the counts."""

from __future__ import annotations

import asyncio
import logging
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from raresign.service.attempts import Attempts
from raresign.service.figures import Figures
from raresign.service.keys import Key, Keyring
from raresign.service.refusal import Refused, too_many
from raresign.service.request_log import tell
from raresign.service.settings import LOOPBACK, Settings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OPEN = ("/healthz", "/readyz")
"""Answered without a key, and however much is under way."""
KEY = "raresign.key"
"""Where a scope holds the key that was given."""


class Guard:
    """Middleware (ASGI) around the whole application.

    - A request must call a service on the loopback by one of its names, and a page of another
      origin may not ask at all: so no web page reaches it through the browser of its user.
    - A key, where there are some: `Authorization: Bearer KEY` or `X-API-Key: KEY`. An address that
      many wrong ones come from waits.
    - A body larger or slower than the settings allow ends in 413 or 408.
    """

    def __init__(self, app: App, settings: Settings, keys: Keyring, figures: Figures) -> None:
        self._app, self._settings, self._keys, self._figures = app, settings, keys, figures
        self._under_way = 0
        self._attempts = Attempts()
        self._names = {*LOOPBACK, *settings.hosts}
        if settings.hosts or settings.on_loopback:
            self._names.add(settings.host)
        self._any_name = not settings.on_loopback and not settings.hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        told: dict[str, Any] = {"id": secrets.token_hex(8)}
        status, begun = 500, False

        async def sent(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                headers = [*message.get("headers", [])]
                headers.append((b"x-request-id", told["id"].encode()))
                headers.append((b"x-content-type-options", b"nosniff"))
                if not any(name == b"cache-control" for name, _ in headers):
                    headers.append((b"cache-control", b"no-store"))
                message = {**message, "headers": headers}
            await send(message)

        self._under_way += 1
        try:
            try:
                scope[KEY] = self._checked(scope)
            except Refused as refused:
                await refused.response()(scope, receive, sent)
            else:
                await self._app(scope, self._bounded(receive), sent)
        except Exception:
            tell("fault", logging.ERROR, fault=True, **told)
            if not begun:
                hint = f"the log of the service tells more of request {told['id']}"
                fault = Refused(500, "a fault of the service", hint)
                await fault.response()(scope, receive, sent)
        finally:
            self._under_way -= 1
            seconds = time.perf_counter() - started
            route = getattr(scope.get("route"), "path", "other")
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._figures.request(route, method, status, seconds)
            key = scope.get(KEY)
            shown: dict[str, Any] = {"method": method, "route": route, "status": status}
            shown |= {"ms": round(1000 * seconds, 1), "key": key.name if key else None}
            if scope["path"] not in OPEN:
                tell("request", **told, **shown)

    def _checked(self, scope: Scope) -> Key | None:
        """The key of a request that may go on.

        Raises:
            Refused: It may not.
        """
        headers = _headers(scope)
        host = headers.get("host", "")
        if not self._any_name and _name_of(host) not in self._names:
            hint = "call it by the address that it listens on; --allow-host NAME allows another"
            raise Refused(421, "this service is not called so", hint)
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2].lower() != host.lower():
            raise Refused(403, "pages of other origins may not ask", "ask from a program")
        if scope["path"] in OPEN:
            return None
        key = self._key(headers, scope) if len(self._keys) else None
        if self._under_way > self._settings.most_requests:
            raise too_many("requests")
        length = headers.get("content-length", "0")
        if not length.isdigit() or len(length) > 15:
            raise Refused(400, "Content-Length is no number", "send the length of the body")
        if int(length) > self._settings.most_bytes:
            raise self._too_large()
        return key

    def _key(self, headers: dict[str, str], scope: Scope) -> Key:
        """The key that was given.

        Raises:
            Refused: None, a wrong one, or any after many wrong ones.
        """
        given = headers.get("x-api-key", "")
        scheme, _, value = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            given = value.strip()
        key = self._keys.find(given)
        if given:
            address = str((scope.get("client") or ("",))[0])
            seconds = self._attempts.wait(address, given, key.name if key else None)
            if seconds:
                raise too_many("wrong keys", seconds)
        if key is None:
            hint = "send it as Authorization: Bearer KEY, or as X-API-Key"
            challenge = {"WWW-Authenticate": "Bearer"}
            error = "this key is not known" if given else "this needs a key"
            raise Refused(401, error, hint, challenge)
        return key

    def _bounded(self, receive: Receive) -> Receive:
        """The body of a request, within its size and time."""
        until = time.monotonic() + self._settings.read_seconds
        length, whole = 0, False

        async def received() -> Message:
            nonlocal length, whole
            if whole:  # what follows the body is the end of the connection, whenever that is
                return await receive()
            try:
                message = await _in_time(receive, until - time.monotonic())
            except (TimeoutError, asyncio.TimeoutError):
                hint = f"a request must have come whole in {self._settings.read_seconds:g} s"
                raise Refused(408, "the request came too slowly", hint, _CLOSE) from None
            length += len(message.get("body", b""))
            if length > self._settings.most_bytes:
                raise self._too_large()
            whole = not message.get("more_body", False)
            return message

        return received

    def _too_large(self) -> Refused:
        hint = f"send at most {self._settings.most_bytes / 1e6:g} MB"
        return Refused(413, "the request is too large", hint, _CLOSE)


async def _in_time(receive: Receive, seconds: float) -> Message:
    """A message; TimeoutError if it does not come within some seconds."""
    if seconds <= 0:
        raise TimeoutError
    if sys.version_info >= (3, 11):  # a task less than `wait_for`
        async with asyncio.timeout(seconds):
            return await receive()
    return await asyncio.wait_for(receive(), seconds)


_CLOSE = {"Connection": "close"}
_METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH")


def _headers(scope: Scope) -> dict[str, str]:
    """Headers by lower-case name; of one that stands twice the last."""
    return {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }


def _name_of(host: str) -> str:
    """The name in a Host header, without its port.

    Example:
        >>> _name_of("LocalHost:8000"), _name_of("[::1]:8000"), _name_of("127.0.0.1")
        ('localhost', '::1', '127.0.0.1')
    """
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()
