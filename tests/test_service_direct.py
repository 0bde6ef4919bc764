"""The short way of the service to its answers, beside the library's own way."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import Future
from typing import Any

import pytest

_MISSING = 'needs pip install "raresign[serve]" httpx2'
for _library in ("fastapi", "uvicorn", "python_multipart", "prometheus_client"):
    pytest.importorskip(_library, reason=_MISSING)
pytest.importorskip("starlette.testclient", reason=_MISSING)

from raresign.service import messages as told  # noqa: E402 - after what it needs
from raresign.service.application import build_app  # noqa: E402
from raresign.service.direct import Direct  # noqa: E402
from raresign.service.ending import ended  # noqa: E402
from raresign.service.served_model import ServedModel  # noqa: E402
from raresign.service.settings import Settings  # noqa: E402
from test_service import HERE, TestClient, base64_of, file_of  # noqa: E402


def test_both_ways_say_the_same() -> None:
    """Status, headers and bytes, of answers and of refusals."""
    model, sign = ServedModel("built-in"), file_of("2.5")
    coded = base64_of(sign)
    box = {"content": coded, "boxes": [[1, 2, 50, 52], [9, 9, 2, 2]]}
    seen = [{"id": 7, "shape": [1, 2, 50, 52]}, {"shape": [0, 0, 9, 9]}]
    requests: list[tuple[str, dict[str, Any]]] = [
        ("classify", {"files": [("picture", sign), ("picture", b"broken")], "data": {"top": "2"}}),
        ("classify", {"json": {"pictures": [box, {"content": coded}], "top": 50}}),
        ("classify", {"json": {"pictures": []}}),
        ("classify", {"json": {"pictures": [{"content": coded}] * 5}}),
        ("classify", {"content": b"x", "headers": {"Content-Type": "a/b"}}),
        ("classify?top=1", {"files": {"picture": sign}}),
        ("annotate", {"json": {"content": coded, "annotations": seen}}),
        ("annotate", {"files": {"picture": sign}, "data": {"annotations": json.dumps(seen)}}),
        ("annotate", {"json": {"content": coded}}),
        ("annotate/", {"json": {"content": coded}}),
    ]
    found: list[list[Any]] = []
    for short in (True, False):
        app = build_app(Settings(most_crops=4), model)
        if not short:
            app.user_middleware = [one for one in app.user_middleware if one.cls is not Direct]
        with TestClient(app, base_url=HERE) as client:
            answers = [client.post(f"/v1/{place}", **sent) for place, sent in requests]
            counts = client.get("/metrics").text
        found.append([(one.status_code, one.content, _headers(one)) for one in answers])
        found[-1].append(sorted(line for line in counts.splitlines() if "requests_total{" in line))
        for (place, _), answer in zip(requests, answers, strict=True):
            if answer.status_code == 200:
                kind = told.Classified if place.startswith("classify") else told.AnnotationsMade
                assert kind.model_validate_json(answer.content).model_dump_json() == answer.text
    assert found[0] == found[1]
    assert [status for status, *_ in found[0][:-1]] == [
        *(200, 200, 422, 413, 415, 200),
        *(200, 200, 422, 404),
    ]


def _headers(answer: Any) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "x-request-id"}


def test_an_end_that_does_not_come_is_not_waited_for() -> None:
    late: Future[int] = Future()
    assert asyncio.run(ended(late, 0.01)) is None
    assert late.cancelled(), "its place in the queue is not freed"


def test_who_is_cancelled_frees_the_place() -> None:
    async def cancel() -> Future[int]:
        coming: Future[int] = Future()
        task = asyncio.create_task(ended(coming, 60))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return coming

    assert asyncio.run(cancel()).cancelled()


def test_each_end_reaches_its_own_waiter() -> None:
    """Those of other threads, at once and one after the other, values and faults."""

    async def all_ends() -> list[int | BaseException | None]:
        coming: list[Future[int]] = [Future() for _ in range(200)]
        tasks = [asyncio.create_task(ended(one, 20)) for one in coming]

        def end(first: int) -> None:
            for number in range(first, len(coming), 2):
                if number % 7:
                    coming[number].set_result(number)
                else:
                    coming[number].set_exception(KeyError(number))

        await asyncio.gather(*(asyncio.to_thread(end, first) for first in range(2)))
        return await asyncio.gather(*tasks, return_exceptions=True)

    for number, said in enumerate(asyncio.run(all_ends())):
        assert said == number if number % 7 else isinstance(said, KeyError)
