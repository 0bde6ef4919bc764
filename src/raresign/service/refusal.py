"""What a service does not do, as one form: a status and {"error", "hint"}."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.responses import Response


class Refused(Exception):  # noqa: N818 (it is an answer, not a fault of code)
    """A request that is answered with an error.

    Args:
        status: Of HTTP.
        error: What is wrong.
        hint: What to do about it.
        headers: To send with it.
    """

    def __init__(
        self, status: int, error: str, hint: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.hint = hint
        self.headers = {**(headers or {})}

    def response(self) -> Response:
        """The answer in JSON."""
        from starlette.responses import JSONResponse

        content = {"error": self.error, "hint": self.hint}
        return JSONResponse(content, self.status, self.headers)


def too_many(what: str, seconds: int = 1) -> Refused:
    """429: come again in some seconds."""
    headers = {"Retry-After": str(seconds)}
    return Refused(429, f"too many {what} at the moment", "try again", headers)
