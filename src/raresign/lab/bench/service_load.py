"""The service under load: requests a second and their times, beside the model asked directly."""

from __future__ import annotations

import asyncio
import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from raresign.errors import InputError
from raresign.lab.bench.crop_pictures import picture_bytes
from raresign.models.built_in_files import BUILT_IN
from raresign.runs.loading import load

CLIENTS = (1, 8, 64)
SECONDS = {True: 2.0, False: 10.0}
"""Of each measurement: quick, or not."""
_TOGETHER = 64
_BROKEN = b"\x89PNG\r\n\x1a\nbroken"
_MARK = b"raresign-bench"
_START_SECONDS = 120.0


def bench_service(quick: bool, data: Path | None, run: str | Path | None) -> dict[str, Any]:
    """Load on the loopback: each client sends a request, waits for the answer, sends the next.

    The clients run in this process, on the same cores as the service. One picture in a hundred is
    broken.

    Args:
        quick: 2 seconds a measurement instead of 10.
        data: A folder of crops; drawn signs unless given.
        run: A run, a bundle or "built-in".

    Returns:
        `serve.direct_per_second`, pictures that the model answers in this process, 64 files at a
        time, and `serve.direct_alone_per_second`, one at a time. By number N of clients
        `serve.N.per_second`, `.of_direct` (its share of 64 at a time), `.p50_ms`, `.p99_ms`, each
        request with one picture; `serve.1x64.` is one client whose requests have 64 pictures.
        `serve.1.of_alone` is the share of one at a time. `serve.lost`: requests without an answer;
        `serve.wrong`: pictures with that of another.

    Raises:
        InputError: No model, or no crop.
    """
    seconds = SECONDS[quick]
    pictures = picture_bytes(data)
    model = run or BUILT_IN
    direct = load(model)
    wanted = [one.answer for one in direct.answer(pictures)]
    batch = [pictures[k % len(pictures)] for k in range(_TOGETHER)]
    together = _rate(lambda: direct.answer(batch), _TOGETHER, seconds)
    alone = _rate(lambda: direct.answer(batch[0]), 1, seconds)
    figures: dict[str, Any] = {
        "serve.direct_per_second": together,
        "serve.direct_alone_per_second": alone,
    }
    single = [_Asked(_request([one]), [said]) for one, said in zip(pictures, wanted, strict=True)]
    single.append(_Asked(_request([_BROKEN]), [None]))
    said = [wanted[k % len(pictures)] for k in range(_TOGETHER)]
    many = [_Asked(_request(batch), said)] * 2
    lost = wrong = 0
    with _served(model) as port:
        asyncio.run(_load(port, single, 4, 0.25 * seconds))
        measured = [(f"serve.{one}", single, one) for one in CLIENTS]
        for name, asked, clients in [*measured, (f"serve.1x{_TOGETHER}", many, 1)]:
            begun = time.perf_counter()
            times, gone, other = asyncio.run(_load(port, asked, clients, seconds))
            each = len(asked[0].wanted)
            rate = each * len(times) / (time.perf_counter() - begun)
            lost, wrong = lost + gone, wrong + other
            figures |= {
                f"{name}.per_second": rate,
                f"{name}.of_direct": rate / together,
                f"{name}.p50_ms": 1000 * statistics.median(times),
                f"{name}.p99_ms": 1000 * sorted(times)[int(0.99 * len(times))],
            }
    figures["serve.1.of_alone"] = figures["serve.1.per_second"] / alone
    return {**figures, "serve.lost": lost, "serve.wrong": wrong}


@dataclass(frozen=True)
class _Asked:
    """A request, and the answers that its pictures must get."""

    request: bytes
    wanted: list[str | None]


def _rate(ask: Callable[[], object], pictures: int, seconds: float) -> float:
    """Pictures a second of a call that answers some."""
    counted, begun = 0, time.perf_counter()
    while (passed := time.perf_counter() - begun) < seconds:
        ask()
        counted += pictures
    return counted / passed


def _request(pictures: Sequence[bytes]) -> bytes:
    """A request of HTTP for some pictures."""
    part = b'Content-Disposition: form-data; name="picture"; filename="a.png"\r\n\r\n'
    parts = b"".join(b"--%b\r\n%b%b\r\n" % (_MARK, part, one) for one in pictures)
    body = b"%b--%b--\r\n" % (parts, _MARK)
    head = (
        "POST /v1/classify HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: multipart/form-data; boundary={_MARK.decode()}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@contextmanager
def _served(model: str | Path) -> Iterator[int]:
    """A service in a process of its own, ready to answer; its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "raresign", "serve", str(model), "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + _START_SECONDS
            while process.poll() is None and time.monotonic() < until:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.1)
            else:
                raise InputError(f"{model} cannot be served", f"try raresign serve {model}")
            yield port
        finally:
            process.terminate()


async def _load(
    port: int, asked: Sequence[_Asked], clients: int, seconds: float
) -> tuple[list[float], int, int]:
    """Seconds of each answer, how many were lost, and how many pictures got another's.

    The last request is sent once in a hundred times, the others in turn.
    """
    until = time.perf_counter() + seconds
    times: list[float] = []
    lost = wrong = 0
    rare = len(asked) - 1

    async def client(first: int) -> None:
        nonlocal lost, wrong
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        number = first
        while time.perf_counter() < until:
            sent = asked[rare if number % 100 == 99 else number % rare]
            begun = time.perf_counter()
            try:
                writer.write(sent.request)
                status, body = await asyncio.wait_for(_answer(reader), 60)
            except (OSError, EOFError, asyncio.TimeoutError):
                lost += 1
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            else:
                times.append(time.perf_counter() - begun)
                told = [one["answer"] for one in body["answers"]] if status == 200 else []
                pairs = zip_longest(told, sent.wanted, fillvalue="")
                wrong += sum(said != want for said, want in pairs)
            number += clients
        writer.close()

    await asyncio.gather(*(client(first) for first in range(clients)))
    return times, lost, wrong


async def _answer(reader: asyncio.StreamReader) -> tuple[int, Any]:
    """Status and JSON of one answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = int(head.partition("content-length:")[2].partition("\r\n")[0])
    return int(head.split(" ", 2)[1]), json.loads(await reader.readexactly(length))
