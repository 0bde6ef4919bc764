"""What every request passes before the guard of the service, and every answer on its way out."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl

from raresign.language.spoken import LANGUAGES, speaking
from raresign.service.guard import KEY
from raresign.service.refusal import Refused

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "style-src-attr 'unsafe-inline'",  # lengths of bars; styles of elements stay forbidden
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
_SAFE = ("GET", "HEAD")
TOKEN, TOKEN_HEADER = "token", "x-raresign-token"
"""What a page sends along with a change: a field of a form, or a header."""
LANGUAGE, KEY_COOKIE = "raresign-language", "raresign-key"
"""Cookies."""
_MOST_FORM = 100_000
_FORM_SECONDS = 10.0


class Door:
    """Middleware (ASGI) around the guard: language, key of a cookie, and headers of the answer.

    Args:
        app: What follows.
        language: "en" or "ru" for all; None goes by the browser.
        login: Makes the page that asks for a key, told whether one was given; None without keys.
    """

    def __init__(
        self, app: App, language: str | None, login: Callable[[bool], bytes] | None = None
    ) -> None:
        self._app, self._language, self._login = app, language, login

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        accept = headers.get(b"accept", "").encode("latin-1")
        cookies = _cookies(headers.get(b"cookie", ""))
        if KEY_COOKIE in cookies and b"x-api-key" not in headers:
            given = (b"x-api-key", cookies[KEY_COOKIE].encode("latin-1", "replace"))
            scope = {**scope, "headers": [*scope["headers"], given]}

        asks = False

        async def sent(message: Message) -> None:
            nonlocal asks
            if message["type"] == "http.response.start":
                asks = message["status"] == 401 and b"text/html" in accept and bool(self._login)
                message = {**message, "headers": [*message.get("headers", []), *_HEADERS]}
                if asks:
                    message["headers"] = [*_HEADERS, (b"content-type", b"text/html; charset=utf-8")]
            elif asks and self._login:
                message = {**message, "body": self._login(KEY_COOKIE in cookies)}
            await send(message)

        if self._login and (scope["method"], scope["path"]) == ("POST", "/login"):
            if _is_foreign(headers):
                await _FOREIGN.response()(scope, receive, sent)
                return
            try:
                form = await asyncio.wait_for(_body(receive), _FORM_SECONDS)
            except (TimeoutError, asyncio.TimeoutError):
                slow = Refused(408, "the key did not come in time", "send it again")
                await slow.response()(scope, receive, sent)
                return
            await _keep_key(form, sent)
            return
        chosen = self._language or cookies.get(LANGUAGE, "")
        if chosen not in LANGUAGES:
            chosen = asked_language(headers.get(b"accept-language", ""))
        with speaking(chosen):
            await self._app(scope, receive, sent)


class TokenCheck:
    """Middleware (ASGI) inside the guard: only our own pages may change anything.

    A change carries the token that stands in every page, in a header or in a small form; the guard
    has refused pages of other origins before.

    Args:
        app: What follows.
        token: The secret.
    """

    def __init__(self, app: App, token: str) -> None:
        self._app, self._token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http" or scope["method"] in _SAFE:
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if _is_foreign(headers):
            await _FOREIGN.response()(scope, receive, send)
            return
        given = headers.get(TOKEN_HEADER.encode(), "")
        kind = headers.get(b"content-type", "").partition(";")[0]
        if not given and kind == "application/x-www-form-urlencoded":
            body = await _body(receive)
            given = dict(parse_qsl(body.decode("latin-1"))).get(TOKEN, "")
            receive = _again(body, receive)
        if not hmac.compare_digest(given.encode("latin-1", "replace"), self._token.encode()):
            refused = Refused(403, "this page is out of date", "load it again")
            await refused.response()(scope, receive, send)
            return
        key = scope.get(KEY)
        if key is not None and not key.may_change:
            refused = Refused(403, "this key may only look", "raresign new-key FILE --may-change")
            await refused.response()(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _is_foreign(headers: Mapping[bytes, str]) -> bool:
    """Whether a page of another origin asks."""
    return headers.get(b"sec-fetch-site", "same-origin") not in ("same-origin", "none")


_FOREIGN = Refused(403, "pages of other origins may not ask", "ask from the studio")


async def _keep_key(body: bytes, send: Send) -> None:
    """Let a browser keep the key of a form; whether it is known is asked when it is used."""
    key = dict(parse_qsl(body.decode("latin-1"))).get("key", "").strip()
    safe = "".join(sign for sign in key if sign.isalnum() or sign in "_-")[:200]
    cookie = f"{KEY_COOKIE}={safe}; Path=/; HttpOnly; SameSite=Strict; Max-Age=2592000"
    kept = [(b"location", b"/"), (b"set-cookie", cookie.encode("latin-1", "replace"))]
    await send({"type": "http.response.start", "status": 303, "headers": kept})
    await send({"type": "http.response.body", "body": b""})


async def _body(receive: Receive) -> bytes:
    """The start of a body, which is whole unless it is too long for a form without files."""
    body, more = b"", True
    while more and len(body) < _MOST_FORM:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _again(body: bytes, receive: Receive) -> Receive:
    told = False

    async def received() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return received


def _cookies(header: str) -> dict[str, str]:
    found: SimpleCookie = SimpleCookie()
    try:
        found.load(header)
    except CookieError:
        return {}
    return {name: one.value for name, one in found.items()}


def asked_language(header: str) -> str:
    """The language that a browser asks for in Accept-Language; English where it asks for others.

    Example:
        >>> asked_language("ru-RU,ru;q=0.9,en;q=0.8"), asked_language("de, en;q=0.5, ru;q=0.7")
        ('ru', 'ru')
        >>> asked_language("fr"), asked_language("en;q=x")
        ('en', 'en')
    """
    best, found = 0.0, "en"
    for part in header.split(",")[:20]:
        name, _, weight = part.partition(";")
        name = name.strip().lower().partition("-")[0]
        try:
            share = float(weight.strip().removeprefix("q=") or 1.0)
        except ValueError:
            continue
        if name in LANGUAGES and share > best:
            best, found = share, name
    return found
