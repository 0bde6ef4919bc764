"""The service under load: requests a second and their times, beside the model asked directly."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
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
_ROUNDS = 4
_TOGETHER = 64
_BROKEN = b"\x89PNG\r\n\x1a\nbroken"
_MARK = b"raresign-bench"
_START_SECONDS = 120.0


def bench_service(quick: bool, data: Path | None, run: str | Path | None) -> dict[str, Any]:
    """Load on the loopback: each client sends a request, waits for the answer, sends the next.

    The clients run in this process, on the same cores as the service. One picture in a hundred is
    broken. All measurements take turns, so that what else runs on the machine troubles all alike.

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

        Processor time a picture, in ms, for machines whose clients are elsewhere:
        `serve.direct_cpu_ms`, `serve.direct_alone_cpu_ms`, `serve.N.server_cpu_ms`,
        `.client_cpu_ms`, and `.server_over_direct`, the service's over 64 at a time in one process;
        `serve.1.server_over_alone` over one at a time. Those of the service are left out where the
        system has no `/proc`.

    Raises:
        InputError: No model, or no crop.
    """
    seconds = SECONDS[quick] / _ROUNDS
    pictures = picture_bytes(data)
    model = run or BUILT_IN
    direct = load(model)
    wanted = [one.answer for one in direct.answer(pictures)]
    batch = [pictures[k % len(pictures)] for k in range(_TOGETHER)]
    single = [_Asked(_request([one]), [said]) for one, said in zip(pictures, wanted, strict=True)]
    single.append(_Asked(_request([_BROKEN]), [None]))
    said = [wanted[k % len(pictures)] for k in range(_TOGETHER)]
    many = [_Asked(_request(batch), said)] * 2
    loads = {f"serve.{one}": (single, one) for one in CLIENTS}
    loads[f"serve.1x{_TOGETHER}"] = (many, 1)
    together, alone, found = _Found(), _Found(), {name: _Found() for name in loads}
    with _served(model) as (port, process):
        asyncio.run(_load(port, single, 4, seconds, _Found()))
        for _ in range(_ROUNDS):
            _measure_direct(lambda: direct.answer(batch), _TOGETHER, seconds, together)
            _measure_direct(lambda: direct.answer(batch[0]), 1, seconds, alone)
            for name, (asked, clients) in loads.items():
                _measure_load(port, process, asked, clients, seconds, found[name])
    figures: dict[str, Any] = {
        "serve.direct_per_second": together.rate,
        "serve.direct_alone_per_second": alone.rate,
        "serve.direct_cpu_ms": together.own_ms,
        "serve.direct_alone_cpu_ms": alone.own_ms,
    }
    for name, one in found.items():
        figures |= {
            f"{name}.per_second": one.rate,
            f"{name}.of_direct": one.rate / together.rate,
            f"{name}.p50_ms": 1000 * statistics.median(one.times),
            f"{name}.p99_ms": 1000 * sorted(one.times)[int(0.99 * len(one.times))],
            f"{name}.client_cpu_ms": one.own_ms,
        }
        if one.served > 0:
            figures[f"{name}.server_cpu_ms"] = one.served_ms
            figures[f"{name}.server_over_direct"] = one.served_ms / together.own_ms
    figures["serve.1.of_alone"] = found["serve.1"].rate / alone.rate
    if found["serve.1"].served > 0:
        figures["serve.1.server_over_alone"] = found["serve.1"].served_ms / alone.own_ms
    lost, wrong = (sum(getattr(one, of) for one in found.values()) for of in ("lost", "wrong"))
    return {**figures, "serve.lost": lost, "serve.wrong": wrong}


@dataclass
class _Found:
    """What was measured of one kind of load, over all rounds; times are in seconds.

    Args:
        pictures: That were answered.
        passed: By the clock.
        own: Processor time of this process.
        served: That of the service; 0 where it cannot be told.
        times: From each request to its answer.
        lost: Requests without an answer.
        wrong: Pictures with another's.
    """

    pictures: int = 0
    passed: float = 0.0
    own: float = 0.0
    served: float = 0.0
    times: list[float] = field(default_factory=list)
    lost: int = 0
    wrong: int = 0

    @property
    def rate(self) -> float:
        """Pictures a second."""
        return self.pictures / self.passed

    @property
    def own_ms(self) -> float:
        """Processor time of this process, a picture."""
        return 1000 * self.own / max(1, self.pictures)

    @property
    def served_ms(self) -> float:
        """Processor time of the service, a picture."""
        return 1000 * self.served / max(1, self.pictures)


@dataclass(frozen=True)
class _Asked:
    """A request, and the answers that its pictures must get."""

    request: bytes
    wanted: list[str | None]


def _measure_direct(
    ask: Callable[[], object], pictures: int, seconds: float, found: _Found
) -> None:
    """Repeat a call that answers some pictures."""
    begun, used = time.perf_counter(), time.process_time()
    while (passed := time.perf_counter() - begun) < seconds:
        ask()
        found.pictures += pictures
    found.passed += passed
    found.own += time.process_time() - used


def _measure_load(
    port: int, process: int, asked: Sequence[_Asked], clients: int, seconds: float, found: _Found
) -> None:
    """Let some clients ask."""
    before, served = len(found.times), _processor_time(process)
    begun, used = time.perf_counter(), time.process_time()
    asyncio.run(_load(port, asked, clients, seconds, found))
    found.passed += time.perf_counter() - begun
    found.own += time.process_time() - used
    found.served += _processor_time(process) - served
    found.pictures += (len(found.times) - before) * len(asked[0].wanted)


def _processor_time(process: int) -> float:
    """Seconds of processor time that a process has used; 0 where there is no `/proc`."""
    try:
        told = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    user, system = told.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


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
def _served(model: str | Path) -> Iterator[tuple[int, int]]:
    """A service in a process of its own, ready to answer: its port and its process."""
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
            yield port, process.pid
        finally:
            process.terminate()


async def _load(
    port: int, asked: Sequence[_Asked], clients: int, seconds: float, found: _Found
) -> None:
    """Let some clients ask, and note times, losses and mix-ups.

    The last request is sent once in a hundred times, the others in turn.
    """
    until = time.perf_counter() + seconds
    rare = len(asked) - 1

    async def client(first: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        number = first
        while time.perf_counter() < until:
            sent = asked[rare if number % 100 == 99 else number % rare]
            begun = time.perf_counter()
            try:
                writer.write(sent.request)
                status, body = await asyncio.wait_for(_answer(reader), 60)
            except (OSError, EOFError, asyncio.TimeoutError):
                found.lost += 1
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            else:
                found.times.append(time.perf_counter() - begun)
                told = [one["answer"] for one in body["answers"]] if status == 200 else []
                pairs = zip_longest(told, sent.wanted, fillvalue="")
                found.wrong += sum(said != want for said, want in pairs)
            number += clients
        writer.close()

    await asyncio.gather(*(client(first) for first in range(clients)))


async def _answer(reader: asyncio.StreamReader) -> tuple[int, Any]:
    """Status and JSON of one answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = int(head.partition("content-length:")[2].partition("\r\n")[0])
    return int(head.split(" ", 2)[1]), json.loads(await reader.readexactly(length))
