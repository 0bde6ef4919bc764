"""The service under load: requests a second and their times, beside the model asked directly."""

from __future__ import annotations

import asyncio
import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from raresign.errors import InputError
from raresign.lab.bench.crop_pictures import picture_bytes
from raresign.models.built_in_files import BUILT_IN
from raresign.runs.loading import load

CLIENTS = (1, 8, 64)
_BROKEN = b"\x89PNG\r\n\x1a\nbroken"
_MARK = b"raresign-bench"
_START_SECONDS = 120.0


def bench_service(quick: bool, data: Path | None, run: str | Path | None) -> dict[str, Any]:
    """Load on the loopback: each client sends one crop, waits for the answer, sends the next.

    The clients run in this process, on the same cores as the service. One picture in a hundred is
    broken.

    Args:
        quick: 2 seconds for each number of clients instead of 10.
        data: A folder of crops; drawn signs unless given.
        run: A run, a bundle or "built-in".

    Returns:
        `serve.direct_per_second`, the model asked in this process in batches of 64 picture files;
        by number N of clients `serve.N.per_second`, `.of_direct` (its share of that), `.p50_ms`,
        `.p99_ms`; `serve.lost`, requests without an answer, and `serve.wrong`, with that of
        another picture.

    Raises:
        InputError: No model, or no crop.
    """
    seconds = 2.0 if quick else 10.0
    pictures = picture_bytes(data)
    model = run or BUILT_IN
    direct = load(model)
    wanted = [one.answer for one in direct.answer(pictures)]
    figures: dict[str, Any] = {}
    batch = [pictures[k % len(pictures)] for k in range(64)]
    counted, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        counted += len(direct.answer(batch))
    figures["serve.direct_per_second"] = counted / (time.perf_counter() - begun)
    requests = [_request(picture) for picture in [*pictures, _BROKEN]]
    lost = wrong = 0
    with _served(model) as port:
        asyncio.run(_load(port, requests, wanted, 4, 0.5))
        for clients in CLIENTS:
            begun = time.perf_counter()
            times, gone, other = asyncio.run(_load(port, requests, wanted, clients, seconds))
            rate = len(times) / (time.perf_counter() - begun)
            lost, wrong = lost + gone, wrong + other
            name = f"serve.{clients}"
            figures |= {
                f"{name}.per_second": rate,
                f"{name}.of_direct": rate / figures["serve.direct_per_second"],
                f"{name}.p50_ms": 1000 * statistics.median(times),
                f"{name}.p99_ms": 1000 * sorted(times)[int(0.99 * len(times))],
            }
    return {**figures, "serve.lost": lost, "serve.wrong": wrong}


def _request(picture: bytes) -> bytes:
    """A request of HTTP for one picture."""
    part = b'Content-Disposition: form-data; name="picture"; filename="a.png"\r\n\r\n'
    body = b"--%b\r\n%b%b\r\n--%b--\r\n" % (_MARK, part, picture, _MARK)
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
    port: int, requests: Sequence[bytes], wanted: Sequence[str | None], clients: int, seconds: float
) -> tuple[list[float], int, int]:
    """Seconds of each answer, how many were lost, and how many were another picture's."""
    until = time.perf_counter() + seconds
    times: list[float] = []
    lost = wrong = 0
    broken = len(requests) - 1

    async def client(first: int) -> None:
        nonlocal lost, wrong
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        number = first
        while time.perf_counter() < until:
            picture = broken if number % 100 == 99 else number % broken
            begun = time.perf_counter()
            try:
                writer.write(requests[picture])
                status, body = await asyncio.wait_for(_answer(reader), 60)
            except (OSError, EOFError, asyncio.TimeoutError):
                lost += 1
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            else:
                times.append(time.perf_counter() - begun)
                said = body["answers"][0]["answer"] if status == 200 else status
                wrong += said != (None if picture == broken else wanted[picture])
            number += clients
        writer.close()

    await asyncio.gather(*(client(first) for first in range(clients)))
    return times, lost, wrong


async def _answer(reader: asyncio.StreamReader) -> tuple[int, Any]:
    """Status and JSON of one answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = int(head.partition("content-length:")[2].partition("\r\n")[0])
    return int(head.split(" ", 2)[1]), json.loads(await reader.readexactly(length))
