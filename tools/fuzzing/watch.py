"""Runs workers one after the other, looks after them, and adds up what they did."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from fuzzing.attempts import Board, Tally
from fuzzing.kind import Kind
from fuzzing.service import DESCRIBED
from fuzzing.worker import Share, work

MOST_SECONDS = 10.0
"""For one input."""
MOST_BYTES = 2 << 30
"""Of memory beyond what a worker has when it begins."""
_START_SECONDS = 300.0
_MOST_RESTARTS = 20
_HERE = Path(__file__).parents[1]


@dataclass
class Row:
    """What was done with one kind.

    Attributes:
        routes: Inputs by how they were made.
        peak: Bytes of memory beyond the start, measured.
        hangs, deaths: Inputs that took more than `MOST_SECONDS`, or ended the process.
        notes: What could not be done.
    """

    name: str
    inputs: int = 0
    refused: int = 0
    accepted: int = 0
    faults: int = 0
    hangs: int = 0
    deaths: int = 0
    slowest: float = 0.0
    peak: int = 0
    seconds: float = 0.0
    routes: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> int:
        """Faults of every sort."""
        return self.faults + self.hangs + self.deaths


def routes_of(kind: Kind, inputs: int) -> dict[str, int]:
    """How the inputs of a kind are made: most are spoiled good ones."""
    if kind.name == DESCRIBED:
        return {"schemathesis": inputs}
    drawn = min(inputs // 10, 1000)
    guided = min(inputs // 4, 5_000) if kind.guided and find_spec("atheris") else 0
    return {"mutated": inputs - drawn - guided, "hypothesis": drawn, "guided": guided}


def run_kind(kind: Kind, inputs: int, seed: int, place: Path, out: Path) -> Row:
    """Give a kind's reader so many inputs.

    Args:
        kind: The kind.
        inputs: How many.
        seed: Of all that is drawn.
        place: A folder for files that workers write; it is emptied.
        out: Where inputs with faults are kept.
    """
    row = Row(kind.name)
    own = out / "".join(letter if letter.isalnum() else "-" for letter in kind.name)
    start = time.monotonic()
    for route, count in routes_of(kind, inputs).items():
        if count:
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            _run_route(row, kind, route, count, seed, place, own)
    row.seconds = time.monotonic() - start
    return row


def _run_route(
    row: Row, kind: Kind, route: str, count: int, seed: int, place: Path, out: Path
) -> None:
    """One way to make inputs, in as many workers as it takes."""
    board = Board(place / "board")
    board.write(Tally())
    first = 0
    for start in range(_MOST_RESTARTS):
        left = count if route == "mutated" else count - first
        share = Share(
            *(kind.name, route, first, left, seed, MOST_BYTES),
            *(str(place / f"files-{start}"), str(place / "board"), str(out)),
        )
        started = _Started(share, place / "log")
        told = _watched(started, board)
        tally = board.read()
        if started.code == 0 and not told:
            break
        if not (tally.inputs or tally.size):
            row.notes.append(f"{route}: did not start: {started.said()}")
            row.deaths += 1
            break
        out.mkdir(parents=True, exist_ok=True)
        row.hangs += told == "hang"
        row.deaths += told != "hang"
        name = f"{told or f'ended-{started.code}'}-{route}-{tally.inputs}"
        (out / name).write_bytes(board.held())
        (out / f"{name}.txt").write_text(started.said(4000))
        board.write(tally._replace(inputs=tally.inputs + 1, size=0))
        first = tally.number + 1 if route == "mutated" else tally.inputs + 1
        seed += route != "mutated"
        if first >= count:
            break
    else:
        row.notes.append(f"{route}: given up after {_MOST_RESTARTS} workers")
    done = board.read()
    row.routes[route] = row.routes.get(route, 0) + done.inputs
    row.inputs += done.inputs
    row.refused += done.refused
    row.accepted += done.accepted
    row.faults += done.faults
    row.slowest = max(row.slowest, done.slowest)
    row.peak = max(row.peak, done.peak)


class _Started:
    """A worker: forked, which needs no imports; a new process where those are to be seen.

    Args:
        share: What it does.
        log: What it prints.
    """

    def __init__(self, share: Share, log: Path) -> None:
        self._log = log
        log.touch()
        self._forked: Any = None
        self._process: subprocess.Popen[bytes] | None = None
        if share.route in ("guided", "schemathesis"):
            command = [sys.executable, "-m", "fuzzing.worker", json.dumps(asdict(share))]
            with log.open("wb") as file:
                self._process = subprocess.Popen(
                    command, stdout=file, stderr=file, env=_environment()
                )
            self.pid = self._process.pid
        else:
            self._forked = get_context("fork").Process(target=_forked, args=(share, log))
            self._forked.start()
            self.pid = self._forked.pid

    def ended(self, seconds: float) -> bool:
        """Wait so long; whether it has ended."""
        if self._process is None:
            self._forked.join(seconds)
            return self._forked.exitcode is not None
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    @property
    def code(self) -> int | None:
        """The exit code, negative for a signal."""
        return self._forked.exitcode if self._process is None else self._process.returncode

    def kill(self) -> None:
        """End it."""
        (self._forked if self._process is None else self._process).kill()
        self.ended(60)

    def said(self, most: int = 300) -> str:
        """The end of what it printed."""
        return self._log.read_bytes()[-most:].decode("utf-8", "replace").strip()


def _forked(share: Share, log: Path) -> None:
    handle = os.open(log, os.O_WRONLY)
    os.dup2(handle, 2)
    work(share)
    sys.stderr.flush()
    os._exit(0)  # without what the parent has left to do at its end


def _watched(started: _Started, board: Board) -> str:
    """Wait for a worker; "hang" if an input took too long and it was ended, else ""."""
    seen: tuple[int, int, int] = (0, 0, 0)
    since = start = time.monotonic()
    while not started.ended(0.2):
        tally, now = board.read(), time.monotonic()
        state = (tally.inputs, tally.number, tally.size)
        if state != seen:
            seen, since = state, now
        late = tally.size and now - since > MOST_SECONDS
        if late or (not tally.inputs and now - start > _START_SECONDS):
            started.kill()
            return "hang"
    return ""


def _environment() -> dict[str, str]:
    """The paths of the tools and of the tests, whose makers of good inputs are used."""
    paths = [str(_HERE), str(_HERE.parent / "tests"), os.environ.get("PYTHONPATH", "")]
    more = {"OMP_NUM_THREADS": "1", "RARESIGN_LANG": "en", "PYTHONDONTWRITEBYTECODE": "1"}
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **more}
