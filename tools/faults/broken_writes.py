"""A full disk at every write, and folders that may not be written to, for the length of a child."""

from __future__ import annotations

import ctypes
import errno
import os
import random
import resource
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from children import Ended, run_child
from digests import check_whole, difference
from operations import Found, Operation
from table import Fault

_FULL_AT = (0, 300, 4_000, 20_000)
"""Bytes: no file may grow larger, wherever it is written, in native code too."""
_CHANGES_TRIED = 4
_NOT_TRAIN = ("train", "studio", "synth, png", "predict --out, csv", "predict --out, parquet")
_EVENTS = {"os.rename", "os.mkdir", "os.link"}
_CAPSET_VERSION = 0x20080522
_OVERRIDE = 0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH


def broken_writes(operations: list[Operation], place: Path, seed: int) -> list[Fault]:
    """Three faults, each with every operation that changes files."""
    chosen = [one for one in operations if not one.name.startswith(_NOT_TRAIN)]
    faults = [
        Fault("no file may grow beyond 0 to 20,000 bytes", ended="one message, then it goes on"),
        Fault("disk full as a file is opened or renamed", ended="one message, then it goes on"),
        Fault("read-only folder", ended="one message, nothing changed"),
    ]
    for operation in chosen:
        operation.begin(place)
        first = run_child(partial(operation.act, place))
        wanted: Found = run_child(partial(operation.found, place)).value
        for most in _FULL_AT:
            _one(faults[0], operation, place, wanted, partial(_small_files, most))
        dice = random.Random(f"{seed} full {operation.name}")
        for _number in range(_CHANGES_TRIED):
            place_of = dice.randrange(max(1, first.writes))
            _one(faults[1], operation, place, wanted, partial(_full_at, place_of))
        _one(faults[2], operation, place, wanted, _plain_rights, read_only=True)
    return faults


def _one(
    fault: Fault,
    operation: Operation,
    place: Path,
    wanted: Found,
    breaks: Callable[[], None],
    read_only: bool = False,
) -> None:
    """Break an operation, then repeat it unbroken."""
    operation.begin(place)
    folders = [place, *(path for path in place.rglob("*") if path.is_dir())] if read_only else []
    for folder in folders:
        folder.chmod(0o555)
    told = _told(run_child(partial(_broken, breaks, operation.act, place)))
    for folder in folders:
        folder.chmod(0o755)
    fault.tries += 1
    if not told:
        repeat = run_child(partial(operation.act, place), check=partial(check_whole, place))
        seen = run_child(partial(operation.found, place))
        if repeat.code != 0 or seen.code != 0:
            told = f"the repeat: {repeat.told} {seen.told}"
        else:
            told = "; ".join(difference(seen.value, wanted)[:4])
    if told:
        fault.problems.append(f"{fault.name}: {operation.name}, {breaks}: {told}")
    else:
        fault.right += 1


def _told(ended: Ended) -> str:
    """What is wrong with an end: only done, and one message, are right."""
    if ended.code == 0 or (ended.code == 2 and ended.told.strip()):
        return ""
    return f"code {ended.code}: {ended.told}"


def _broken(breaks: Callable[[], None], act: Callable[[Path], Any], place: Path) -> None:
    breaks()
    act(place)


def _small_files(most: int) -> None:
    """From here on no file may be written beyond so many bytes."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


def _full_at(number: int) -> None:
    """From the change of that number on the disk is full: nothing is opened to be written."""
    seen = [0]

    def hook(event: str, given: tuple[Any, ...]) -> None:
        if event == "open":
            flags = given[2] if isinstance(given[2], int) else 0
            if isinstance(given[0], int) or not flags & os.O_CREAT:
                return
        elif event not in _EVENTS:
            return
        seen[0] += 1
        if seen[0] > number:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(given[0]))

    sys.addaudithook(hook)


def _plain_rights() -> None:
    """Root may write anywhere; from here on it may no more than its owner may."""
    if os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPSET_VERSION, 0)
    rights = (ctypes.c_uint32 * 6)()
    if libc.capget(header, rights) == 0:
        rights[0] &= ~_OVERRIDE
        libc.capset(header, rights)
