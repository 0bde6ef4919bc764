"""HTTP for clients that send a byte a minute: a request's head must come in time.

uvicorn bounds how long an idle connection is kept, but not how long a head may take; `Guard` bounds
bodies. `Hurried` is uvicorn's own class for h11 with a clock; it is made when it is asked for, as
the extra `raresign[serve]` may be missing.
"""

from __future__ import annotations

from functools import cache
from typing import Any

SECONDS = 10.0
"""For the head of a request, from the first byte, or from the connection on."""
PROTOCOL = f"{__name__}:Hurried"
"""How uvicorn is told of it."""


def __getattr__(name: str) -> Any:
    if name == "Hurried":
        return _hurried()
    raise AttributeError(name)


@cache
def _hurried() -> type:
    import h11
    from uvicorn.protocols.http.h11_impl import H11Protocol

    def start(self: Any) -> None:
        if vars(self).get("_clock") is None:
            vars(self)["_clock"] = self.loop.call_later(SECONDS, stop, self)

    def stop(self: Any) -> None:
        vars(self)["_clock"] = None
        if _in_head(self) and not self.transport.is_closing():
            self.transport.close()

    def _in_head(self: Any) -> bool:
        return bool(self.conn.their_state is h11.IDLE)

    def connection_made(self: Any, transport: Any) -> None:
        H11Protocol.connection_made(self, transport)
        start(self)

    def data_received(self: Any, data: bytes) -> None:
        H11Protocol.data_received(self, data)
        if _in_head(self) and self.conn.trailing_data[0]:
            start(self)
        elif (clock := vars(self).get("_clock")) is not None:
            clock.cancel()
            vars(self)["_clock"] = None

    def connection_lost(self: Any, error: Exception | None) -> None:
        if (clock := vars(self).get("_clock")) is not None:
            clock.cancel()
        H11Protocol.connection_lost(self, error)

    methods = (connection_made, data_received, connection_lost)
    return type("Hurried", (H11Protocol,), {one.__name__: one for one in methods})
