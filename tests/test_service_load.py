"""The service over real connections: overload, slow and broken clients, two workers, the end."""

from __future__ import annotations

import http.client
import json
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

import raresign
from raresign.lab.bench import service_load
from raresign.service import hurried
from raresign.service.application import build_app
from raresign.service.served_model import ServedModel
from raresign.service.settings import Settings
from test_service import CODES, base64_of, file_of

uvicorn = pytest.importorskip("uvicorn")
_BROKEN = b"\x89PNG\r\n\x1a\nbroken"
_JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def pictures() -> list[bytes]:
    return [*(file_of(code, 40) for code in CODES), _BROKEN]


@pytest.fixture(scope="module")
def wanted(pictures: list[bytes]) -> list[str | None]:
    """What the model says when it is asked directly."""
    found = [one.answer for one in raresign.load().answer(pictures)]
    assert len({*found}) > 4, "signs that cannot be told apart show no mix-up"
    assert found[-1] is None
    return found


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A service with room for six crops, behind the HTTP that `raresign serve` has."""
    settings = Settings(most_waiting=6, most_crops=6, read_seconds=1.5)
    app = build_app(settings, ServedModel("built-in"))
    options: dict[str, Any] = {"ws": "none", "log_config": None, "access_log": False}
    server = uvicorn.Server(uvicorn.Config(app, http=hurried.PROTOCOL, loop="asyncio", **options))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield int(listening.getsockname()[1])
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive(), "the service does not end"


def body_of(pictures: list[bytes]) -> bytes:
    content = [{"content": base64_of(one)} for one in pictures]
    return json.dumps({"pictures": content}).encode()


def ask(port: int, body: bytes, path: str = "/v1/classify") -> tuple[int, Any, Any]:
    """Status, headers and JSON of a request over a connection of its own."""
    calling = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        calling.request("POST" if body else "GET", path, body or None, _JSON)
        answer = calling.getresponse()
        return answer.status, answer.headers, json.loads(answer.read())
    finally:
        calling.close()


def test_overload_loses_and_mixes_nothing(
    port: int, pictures: list[bytes], wanted: list[str | None]
) -> None:
    refused = []

    def client(number: int) -> None:
        chance = random.Random(number)
        for _ in range(3):
            sent = chance.sample(range(len(pictures)), 3)
            body = body_of([pictures[place] for place in sent])
            until = time.monotonic() + 60
            while (answer := ask(port, body))[0] == 429:
                assert answer[1]["Retry-After"] == "1"
                assert time.monotonic() < until
                refused.append(number)
                time.sleep(chance.uniform(0.05, 0.2))
            assert answer[0] == 200, answer[2]
            assert [one["answer"] for one in answer[2]["answers"]] == [wanted[k] for k in sent]
            errors = [one["error"] is not None for one in answer[2]["answers"]]
            assert errors == [pictures[place] is _BROKEN for place in sent]

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(client, range(12)))
    assert refused, "nothing was too much"


def is_cut_off(connection: socket.socket) -> bool:
    try:
        return connection.recv(100) == b""
    except ConnectionError:
        return True


def test_slow_clients_are_cut_off_and_hold_up_nobody(
    port: int, pictures: list[bytes], wanted: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hurried, "SECONDS", 1.0)
    head = b"POST /v1/classify HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
    with_body = head + b"1\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    slow = [socket.create_connection(("127.0.0.1", port), 20) for _ in range(21)]
    silent, by_body = slow[0], slow[1]
    by_body.sendall(with_body)
    for one in slow[2:]:
        one.sendall(head)
    begun = time.monotonic()
    status, _, told = ask(port, body_of(pictures[:1]))
    assert (status, told["answers"][0]["answer"]) == (200, wanted[0])
    for _ in range(3):  # a byte now and then does not help
        time.sleep(0.1)
        for one in slow[2:]:
            with suppress(ConnectionError):
                one.sendall(b"a")
    assert all(is_cut_off(one) for one in (silent, *slow[2:]))
    assert by_body.recv(100).startswith(b"HTTP/1.1 408")
    assert time.monotonic() - begun < 15
    for one in slow:
        one.close()


@contextmanager
def serving(
    *arguments: object,
) -> Iterator[tuple[subprocess.Popen[str], int, list[dict[str, Any]]]]:
    """`raresign serve` in a process: it, its port, and its log as it grows."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "raresign", "serve", *map(str, arguments), "--port", str(port)]
    log: list[dict[str, Any]] = []

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("{"):
                log.append(json.loads(line))

    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        reader = threading.Thread(target=read)
        reader.start()
        try:
            yield process, port, log
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
            reader.join(10)


def until_told(log: list[dict[str, Any]], event: str, times: int, process: Any) -> None:
    until = time.monotonic() + 120
    while sum(one["event"] == event for one in list(log)) < times:
        assert time.monotonic() < until, log
        assert process.poll() is None, log
        time.sleep(0.02)


def test_two_workers_answer_change_and_end_together(
    finished_run: Path, data_folder: Path, tmp_path: Path
) -> None:
    first, second = (tmp_path / name for name in ("first.raresign", "second.raresign"))
    raresign.export(finished_run, first)
    raresign.export("built-in", second)
    served = Path(shutil.copy(first, tmp_path / "served.raresign"))
    crop = next((data_folder / "smalltest").glob("*.png")).read_bytes()
    models = [ServedModel(str(one)).current.version for one in (first, second)]
    one, many = body_of([crop]), body_of([crop] * 64)
    with serving(served, "--workers", 2) as (process, port, log):
        until_told(log, "ready", 2, process)
        assert {ask(port, one)[2]["model"] for _ in range(6)} == {f"served/{models[0]}"}
        status, _, told = ask(port, b'{"code": "x", "icon": "aaaa"}', "/v1/classes")
        assert status == 409
        assert "2 workers" in told["error"]
        assert "add-class" in told["hint"]
        second.replace(served)
        until_told(log, "model loaded", 2, process)
        assert {ask(port, one)[2]["model"] for _ in range(6)} == {f"served/{models[1]}"}
        with ThreadPoolExecutor(6) as pool:
            coming = [pool.submit(ask, port, many) for _ in range(6)]
            while not any(each.done() for each in coming):
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            answers = [each.result() for each in coming]
        assert [len(told["answers"]) for _, _, told in answers] == [64] * 6
        assert process.wait(30) == 0
    assert sum(one["event"] == "stopped" for one in log) == 2


def test_the_benchmark_counts_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_load, "CLIENTS", (1, 3))
    monkeypatch.setattr(service_load, "SECONDS", {True: 0.4})
    figures = service_load.bench_service(True, None, None)
    assert (figures["serve.lost"], figures["serve.wrong"]) == (0, 0)
    for name in ("serve.1", "serve.3", "serve.1x64"):
        assert figures[f"{name}.per_second"] > 0
        assert figures[f"{name}.p50_ms"] <= figures[f"{name}.p99_ms"]
        share = figures[f"{name}.per_second"] / figures["serve.direct_per_second"]
        assert figures[f"{name}.of_direct"] == pytest.approx(share)
