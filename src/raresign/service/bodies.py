"""Reads the bodies of requests: JSON with base64, or a form with files."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from raresign.service.refusal import Refused

if TYPE_CHECKING:
    from starlette.requests import Request

_Asked = TypeVar("_Asked", bound=BaseModel)
_THREADED = 1 << 16
"""Bodies from this length on are parsed in a thread, so that other requests go on."""
_MOST_FIELD = 4_000_000
JSON, FORM = "application/json", "multipart/form-data"


def kind_of(request: Request) -> str:
    """`JSON` or `FORM`.

    Raises:
        Refused: The body is something else.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (JSON, FORM):
        raise Refused(415, f"a body of the type {kind[:100] or '?'}", f"send {JSON} or {FORM}")
    return kind


async def read_json(request: Request, wanted: type[_Asked]) -> _Asked:
    """A body in JSON.

    Raises:
        Refused: It is of another form; the first fault is told.
    """
    body = await request.body()
    if len(body) < _THREADED:
        return checked(wanted, body)
    return await asyncio.to_thread(checked, wanted, body)


async def read_form(
    request: Request, most_files: int, most_bytes: int, wanted: type[_Asked], file: str
) -> tuple[list[bytes], _Asked]:
    """A form: its files, and its other fields, each a text or JSON.

    Args:
        request: Its body is kept in memory; nothing is written to the disk.
        most_files: Further ones are refused.
        most_bytes: Of the whole.
        wanted: What the other fields make up.
        file: The name of the fields with files.

    Raises:
        Refused: It is no such form.
    """
    from starlette.datastructures import UploadFile
    from starlette.formparsers import MultiPartException, MultiPartParser

    limits = {"max_files": most_files, "max_fields": 16, "max_part_size": _MOST_FIELD}
    parser = MultiPartParser(request.headers, request.stream(), **limits)
    vars(parser)["spool_max_size"] = most_bytes + 1
    hint = f"send pictures as files in the field {file}"
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise Refused(422, f"no readable form: {error.message}", hint) from error
    except (KeyError, ValueError, AssertionError, UnicodeError) as error:
        raise Refused(422, "no readable form", hint) from error
    files: list[bytes] = []
    fields: dict[str, Any] = {}
    length = 0
    try:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                if name != file:
                    raise Refused(422, f"a file in the field {name[:100]}", hint)
                files.append(await value.read())
            elif name in fields:
                raise Refused(422, f"the field {name[:100]} stands twice", "send it once")
            else:
                length += len(value)
                fields[name] = _plain(value)
    finally:
        await form.close()
    if not files:
        raise Refused(422, "the form has no file", hint)
    if length < _THREADED:
        return files, checked(wanted, fields)
    return files, await asyncio.to_thread(checked, wanted, fields)


def checked(wanted: type[_Asked], given: bytes | dict[str, Any]) -> _Asked:
    """Values of a type.

    Raises:
        Refused: They are of another form; the first fault is told.
    """
    try:
        if isinstance(given, bytes):
            return wanted.model_validate_json(given)
        return wanted.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part)[:100] for part in first["loc"])
        problem = f"{where}: {first['msg']}" if where else first["msg"]
        raise Refused(422, problem[:500], "see /docs for the form of a request") from error


def _plain(value: str) -> Any:
    """The value of a field of a form: JSON where it is, else the text."""
    if not value.lstrip().startswith(("[", "{")) and not value.strip().isdigit():
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
