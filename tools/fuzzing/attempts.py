"""Inputs given to a reader one by one, and what came of each, where a watchdog sees it."""

from __future__ import annotations

import mmap
import os
import resource
import struct
import time
import traceback
from pathlib import Path
from typing import NamedTuple

from fuzzing.kind import Target

_FORM = "<7Qd"
_LENGTH = struct.Struct(_FORM)
_ROOM = 4 << 20


class Tally(NamedTuple):
    """What a worker has done so far.

    Attributes:
        inputs, refused, accepted, faults: Counts.
        number: Of the input that is being read; `size` its bytes.
        peak: Bytes of memory that it had at most, beyond those that it began with.
        slowest: Seconds.
    """

    inputs: int = 0
    refused: int = 0
    accepted: int = 0
    faults: int = 0
    number: int = 0
    size: int = 0
    peak: int = 0
    slowest: float = 0.0


def _most_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


class Board:
    """A file of memory that a worker writes and its watchdog reads."""

    def __init__(self, file: Path) -> None:
        if not file.exists():
            file.write_bytes(bytes(_LENGTH.size + _ROOM))
        handle = os.open(file, os.O_RDWR)
        self._memory = mmap.mmap(handle, _LENGTH.size + _ROOM)
        os.close(handle)

    def write(self, tally: Tally) -> None:
        """Tell how far it is."""
        self._memory[: _LENGTH.size] = _LENGTH.pack(*tally)

    def read(self) -> Tally:
        """How far it is."""
        return Tally(*_LENGTH.unpack(self._memory[: _LENGTH.size]))

    def hold(self, data: bytes) -> None:
        """Keep the input that comes next."""
        self._memory[_LENGTH.size : _LENGTH.size + len(data)] = data

    def held(self) -> bytes:
        """The input that is being read."""
        return self._memory[_LENGTH.size : _LENGTH.size + self.read().size]


class Attempts:
    """Gives inputs to the reader of a kind.

    Args:
        target: The reader.
        board: What the watchdog looks at.
        out: The folder where inputs with faults are kept, with the traceback beside each.
        most_faults: Faults of one place in the code beyond this are counted, not kept.
    """

    def __init__(self, target: Target, board: Board, out: Path, most_faults: int = 3) -> None:
        self._target, self._board, self._out = target, board, out
        self._most_faults = most_faults
        self._places: dict[str, int] = {}
        self._base = _most_memory()
        self.tally = board.read()

    def one(self, data: bytes, number: int) -> None:
        """Give one input to the reader."""
        data = data[:_ROOM]
        self._board.hold(data)
        tally = self.tally._replace(number=number, size=len(data))
        self._board.write(tally)
        start = time.perf_counter()
        refused = accepted = faults = 0
        try:
            if self._target.read(data) is False:
                refused = 1
            else:
                accepted = 1
        except self._target.refusals:
            refused = 1
        except Exception as error:
            faults = 1
            self._keep(data, error)
        seconds = time.perf_counter() - start
        self.tally = tally._replace(
            inputs=tally.inputs + 1,
            refused=tally.refused + refused,
            accepted=tally.accepted + accepted,
            faults=tally.faults + faults,
            size=0,
            peak=max(tally.peak, _most_memory() - self._base),
            slowest=max(tally.slowest, seconds),
        )
        self._board.write(self.tally)

    def _keep(self, data: bytes, error: Exception) -> None:
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{type(error).__name__}-{Path(last.filename).stem}-{last.lineno}"
        count = self._places[place] = self._places.get(place, 0) + 1
        if count <= self._most_faults:
            self._out.mkdir(parents=True, exist_ok=True)
            (self._out / f"{place}-{count}").write_bytes(data)
            told = "".join(traceback.format_exception(error))[-4000:]
            (self._out / f"{place}-{count}.txt").write_text(told, "utf-8", "backslashreplace")
