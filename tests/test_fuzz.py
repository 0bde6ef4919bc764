"""A small `make fuzz`: every reader gets some wrong inputs, and the watchdog sees faults."""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

from fuzzing import kinds, watch
from fuzzing.attempts import Attempts, Board, Tally
from fuzzing.kind import Kind, Target
from fuzzing.mutation import Mutator

# Every kind but those that take seconds to begin; the service and the commands have tests enough.
SLOW = ("command", "service", "checkpoint")
SMOKE = [kind for kind in kinds.KINDS if not kind.name.startswith(SLOW)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", SMOKE, ids=lambda kind: kind.name)
def test_some_wrong_inputs_of_every_kind(kind: Kind, tmp_path: Path) -> None:
    target = kind.open(tmp_path)
    assert target.read(target.seeds[0]) is not False, "spoiled refusals would try nothing else"
    mutator = Mutator(target.seeds, target.forms, target.head)
    (tmp_path / "board").unlink(missing_ok=True)
    board = Board(tmp_path / "board")
    attempts = Attempts(target, board, tmp_path / "faults")
    count = 100 if kind.inputs > 1500 else 25
    until = time.process_time() + 0.12  # the suite is long; `make fuzz` does the rest
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(count):
            attempts.one(mutator.make(90_000_000 + number), number)
            if time.process_time() > until:
                break
    told = [file.read_text() for file in sorted((tmp_path / "faults").glob("*.txt"))]
    assert not told, told[0]
    assert board.read().inputs == board.read().refused + board.read().accepted > 0


def test_an_input_can_be_made_again() -> None:
    mutators = [Mutator([b'{"a": [1, {"b": null}]}', b"x,y\n1,2\n"], ("json", "lines"), 0)] * 2
    made = [[mutator.make(number) for number in range(200)] for mutator in mutators]
    assert made[0] == made[1]
    assert len(set(made[0])) > 150


def _sleep(data: bytes) -> object:
    time.sleep(60 if data == b"bad" else 0)
    return True


def _die(data: bytes) -> object:
    if data == b"bad":
        os.kill(os.getpid(), 9)
    return False


def _fill(data: bytes) -> object:
    return len(bytes(1 << 40 if data == b"bad" else 1)) > 0


def _raise(data: bytes) -> object:
    if data == b"bad":
        raise KeyError("not documented")
    raise ValueError


@pytest.mark.parametrize(
    ("read", "wanted"),
    [
        (_sleep, (0, 1, 0)),
        (_die, (0, 0, 1)),
        (_fill, (1, 0, 0)),
        (_raise, (1, 0, 0)),
    ],
)
def test_the_watchdog_sees_every_sort_of_fault(
    read: Callable[[bytes], object],
    wanted: tuple[int, int, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The bad input is kept, the others are still read, and nothing is counted twice."""
    seeds = [b"good", b"bad", b"fine"]
    kind = Kind("x y", 3, lambda folder: Target(seeds, read, (ValueError,)))
    monkeypatch.setattr(kinds, "find_kind", lambda name: kind)
    monkeypatch.setattr("fuzzing.worker._quiet", lambda target, data: None)
    monkeypatch.setattr(watch, "MOST_SECONDS", 0.5)
    row = watch.run_kind(kind, 3, 0, tmp_path / "work", tmp_path / "faults")
    assert (row.faults, row.hangs, row.deaths) == wanted
    assert (row.inputs, row.refused + row.accepted, row.wrong) == (3, 2, 1)
    kept = [file for file in (tmp_path / "faults" / "x-y").iterdir() if file.suffix != ".txt"]
    assert [file.read_bytes() for file in kept] == [b"bad"]


def test_a_board_tells_what_is_being_read(tmp_path: Path) -> None:
    board = Board(tmp_path / "board")
    board.hold(b"abc")
    board.write(Tally(inputs=7, size=3, peak=5, slowest=0.5))
    assert Board(tmp_path / "board").held() == b"abc"
    assert Board(tmp_path / "board").read() == Tally(inputs=7, size=3, peak=5, slowest=0.5)
