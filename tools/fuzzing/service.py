"""The HTTP service: bodies of other shapes, and what its own description allows or forbids."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuzzing.kind import Kind, Target, drawing

if TYPE_CHECKING:
    from fuzzing.attempts import Attempts

DESCRIBED = "service by its description"
"""The kind whose inputs are made by schemathesis."""
_HERE = "http://127.0.0.1:8000"
_HOST = {"Host": "127.0.0.1:8000"}
_KNOWN = (501, 503, 504)
"""Errors of the server that the description names."""
_FORM = "multipart/form-data; boundary=b"


def _model(folder: Path) -> Any:
    """A served run folder; classes are read and judged, and no torch is loaded for them."""
    from fuzzing.tiny_model import tiny_run
    from raresign.errors import InputError
    from raresign.service.served_model import ServedModel
    from raresign.signs.icons.icon_file import load_icon

    def add(run: str, icon: str, code: str, names: tuple[str, ...], say: Any) -> dict[str, Any]:
        load_icon(icon, 32)
        if len(code) % 7 == 3:
            raise InputError(f"'{code}' was added already", "take another code")
        facts = {"family": "f0", "recall": None, "low": None, "high": None, "confusions": {}}
        return {"code": code, "name": "".join(names), **facts}

    return ServedModel(str(tiny_run(folder)), add)


def _picture() -> bytes:
    from PIL import Image

    from fuzzing.pictures import png_of

    return png_of(Image.new("RGB", (20, 30), (90, 20, 20)))


def _requests() -> list[tuple[str, str, str, bytes]]:
    """Method, address, type of the body, body."""
    picture = _picture()
    coded = base64.b64encode(picture).decode()
    part = b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
    form = part % (b"picture", b'; filename="a.png"', picture)
    boxes = part % (b"boxes", b"", b"[[1, 2, 9, 9]]") + part % (b"top", b"", b"3")
    found: list[dict[str, Any]] = [{"id": "x", "shape": [1, 2, 9, 9]}]
    seen = part % (b"annotations", b"", json.dumps(found).encode())
    classify = {"pictures": [{"content": coded, "boxes": [[1, 2, 9, 9]]}], "top": 3}
    asked = {"code": "7.7", "name": "new", "icon": coded}
    told = "application/json"
    return [
        ("POST", "/v1/classify", told, json.dumps(classify).encode()),
        ("POST", "/v1/classify", _FORM, form + boxes + b"--b--\r\n"),
        (
            "POST",
            "/v1/annotate",
            told,
            json.dumps({"content": coded, "annotations": found}).encode(),
        ),
        ("POST", "/v1/annotate", _FORM, form + seen + b"--b--\r\n"),
        ("POST", "/v1/classes", told, json.dumps(asked).encode()),
        ("GET", "/v1/jobs/{}", "text/plain", b"0123456789abcdef"),
        ("GET", "/v1/model?code={}", "text/plain", b"2.5"),
        ("DELETE", "/v1/classes/{}", "text/plain", b"7.7"),
    ]


def _client(folder: Path) -> Any:
    from starlette.testclient import TestClient

    from raresign.service.application import build_app
    from raresign.service.settings import Settings

    client = TestClient(
        build_app(Settings(window_ms=0), _model(folder)),
        base_url=_HERE,
        raise_server_exceptions=False,
    )
    client.__enter__()  # for as long as the worker lives
    return client


def _bodies(folder: Path) -> Target:
    """One of our requests with another body; the first byte says which."""
    from urllib.parse import quote

    client, requests = _client(folder), _requests()

    def read(data: bytes) -> object:
        method, address, told, _ = requests[data[0] % len(requests)] if data else requests[0]
        body = data[1:]
        if "{}" in address:
            address, body = address.format(quote(body[:2000], safe="")), b""
        answer = client.request(method, address, content=body, headers={"content-type": told})
        _check(answer.status_code, answer.text)
        return answer.status_code < 400

    seeds = [bytes([number]) + request[3] for number, request in enumerate(requests)]
    return Target(seeds, read, (), ("json", "lines"), 1)


def _check(status: int, text: str) -> None:
    """Every error is of one form, none a fault of ours."""
    assert status < 500 or status in _KNOWN, f"{status}: {text}"
    if status >= 400:
        found = json.loads(text)
        assert set(found) == {"error", "hint"}, text
        assert found["error"], text


def _described(folder: Path) -> Target:
    """Gives the request that `by_description` holds ready; the input only tells of it."""
    held = Held(_client(folder).app)

    def read(data: bytes) -> object:
        return held.case is not None and held.give()

    HELD[:] = [held]
    return Target([b"{}"], read, ())


class Held:
    """A request of schemathesis that is about to be made.

    Args:
        app: The service.
    """

    def __init__(self, app: Any) -> None:
        self.app = app
        self.case: Any = None
        self.checks: list[Any] = []

    def give(self) -> bool:
        """Make it, and check the answer against the description; whether it was accepted."""
        answer = self.case.call(headers=_HOST)
        status = answer.status_code
        assert status < 500 or status in _KNOWN, f"{status}: {answer.text}"
        self.case.validate_response(answer, checks=self.checks)
        return bool(status < 400)


HELD: list[Held] = []


def by_description(attempts: Attempts, count: int, seed: int) -> None:
    """Requests that schemathesis makes of /openapi.json, right and wrong ones, at every address."""
    import schemathesis
    from hypothesis import given
    from hypothesis.errors import Unsatisfiable
    from schemathesis import GenerationMode
    from schemathesis.checks import load_all_checks, not_a_server_error
    from schemathesis.specs.openapi import checks

    load_all_checks()
    (held,) = HELD
    held.checks = [
        not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
    ]
    schema = schemathesis.openapi.from_asgi("/openapi.json", held.app, headers=_HOST)
    operations = [found.ok() for found in schema.get_all_operations()]
    each = max(1, round(count / (2 * len(operations))))
    for operation in operations:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @drawing(each, seed)
            @given(case=operation.as_strategy(mode))
            def give(case: Any) -> None:
                held.case = case
                told = {"method": case.method, "address": case.formatted_path}
                told |= {"query": case.query, "body": case.body, "type": case.media_type}
                attempts.one(json.dumps(told, default=repr).encode(), attempts.tally.inputs)

            with suppress(Unsatisfiable):  # what takes nothing cannot be asked wrongly
                give()


KINDS = [
    Kind("service, bodies", 500, _bodies),
    Kind(DESCRIBED, 120, _described),
]
