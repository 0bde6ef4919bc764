"""Runs workers one after the other, looks after them, and adds up what they did."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from fuzzing.attempts import Board, Tally
from fuzzing.kind import Kind
from fuzzing.service import DESCRIBED

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
    drawn = min(inputs // 10, 2000)
    guided = inputs // 4 if kind.guided and find_spec("atheris") else 0
    return {"mutated": inputs - drawn - guided, "hypothesis": drawn, "guided": guided}


def run_kind(kind: Kind, inputs: int, seed: int, work: Path, out: Path) -> Row:
    """Give a kind's reader so many inputs.

    Args:
        kind: The kind.
        inputs: How many.
        seed: Of all that is drawn.
        work: A folder for files that workers write; it is emptied.
        out: Where inputs with faults are kept.
    """
    row = Row(kind.name)
    own = out / "".join(letter if letter.isalnum() else "-" for letter in kind.name)
    start = time.monotonic()
    for route, count in routes_of(kind, inputs).items():
        if count:
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir(parents=True)
            _run_route(row, kind, route, count, seed, work, own)
    row.seconds = time.monotonic() - start
    return row


def _run_route(
    row: Row, kind: Kind, route: str, count: int, seed: int, work: Path, out: Path
) -> None:
    """One way to make inputs, in as many workers as it takes."""
    board = Board(work / "board")
    board.write(Tally())
    first = 0
    for _ in range(_MOST_RESTARTS):
        command = [
            *(sys.executable, "-m", "fuzzing.worker", "--kind", kind.name, "--route", route),
            *("--folder", str(work / "files"), "--board", str(work / "board"), "--out", str(out)),
            *("--first", str(first), "--count", str(count - (0 if route == "mutated" else first))),
            *("--seed", str(seed), "--memory", str(MOST_BYTES)),
        ]
        log = work / "log"
        with log.open("wb") as file:
            worker = subprocess.Popen(command, stdout=file, stderr=file, env=_environment())
            told = _watched(worker, board, lambda peak: _higher(row, peak))
        tally = board.read()
        begun = tally.inputs or tally.size or tally.number
        if worker.returncode == 0 and not told:
            break
        if not begun:
            row.notes.append(f"{route}: did not start: {_end_of(log)}")
            row.deaths += 1
            break
        out.mkdir(parents=True, exist_ok=True)
        kind_of_end = told or f"ended-{worker.returncode}"
        row.hangs += told == "hang"
        row.deaths += told != "hang"
        name = f"{kind_of_end}-{route}-{tally.inputs}"
        (out / name).write_bytes(board.held())
        (out / f"{name}.txt").write_text(_end_of(log, 4000))
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


def _watched(
    worker: subprocess.Popen[bytes], board: Board, peak: Callable[[int], None]
) -> str:
    """Wait for a worker; "hang" if an input took too long and it was ended, else ""."""
    seen: tuple[int, int, int] = (0, 0, 0)
    since = start = time.monotonic()
    base: int | None = None
    while True:
        try:
            worker.wait(0.5)
            return ""
        except subprocess.TimeoutExpired:
            pass
        tally, now = board.read(), time.monotonic()
        state = (tally.inputs, tally.number, tally.size)
        if tally.inputs or tally.size:
            resident, high = _memory(worker.pid)
            base = resident if base is None else min(base, resident)
            peak(max(0, high - base))
        if state != seen:
            seen, since = state, now
        late = tally.size and now - since > MOST_SECONDS + 1
        if late or (not tally.inputs and now - start > _START_SECONDS):
            worker.kill()
            worker.wait()
            return "hang"


def _memory(process: int) -> tuple[int, int]:
    """Resident bytes now, and at most since the worker began with its inputs."""
    try:
        text = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0, 0
    told = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    now, most = (int(told.get(name, "0 kB").split()[0]) << 10 for name in ("VmRSS", "VmHWM"))
    return now, most


def _higher(row: Row, peak: int) -> None:
    row.peak = max(row.peak, peak)


def _end_of(log: Path, most: int = 300) -> str:
    return log.read_bytes()[-most:].decode("utf-8", "replace").strip()


def _environment() -> dict[str, str]:
    """The paths of the tools and of the tests, whose makers of good inputs are used."""
    paths = [str(_HERE), str(_HERE.parent / "tests"), os.environ.get("PYTHONPATH", "")]
    more = {"OMP_NUM_THREADS": "1", "RARESIGN_LANG": "en", "PYTHONDONTWRITEBYTECODE": "1"}
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **more}
