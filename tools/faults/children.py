"""Children of one warmed-up process: forked after all imports, killed outright at a random moment.

Starting Python and importing torch takes seconds of processor time, a fork takes none. The parent
only imports and forks: whatever starts threads runs in a child.
"""

from __future__ import annotations

import atexit
import gc
import os
import pickle
import random
import select
import shutil
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WAIT_SECONDS = 300
"""A child that takes longer hangs."""
_BEGUN = b"b"
_WRITES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate", "os.chmod"}


@dataclass(frozen=True)
class Kill:
    """When a child is killed.

    Args:
        seconds: After this time; None not so.
        write: Right before its n-th change of a file or folder, counted from 0; None not so.
    """

    seconds: float | None = None
    write: int | None = None


@dataclass(frozen=True)
class Ended:
    """How a child ended.

    Args:
        code: 0 done; 2 a clear message, as the command line tells it; 1 a fault; -9 killed; None it
            hung.
        value: What its function returned, if it ended.
        told: Its message, its warnings, or the end of its traceback.
        seconds: How long its function took.
        writes: How often it changed files or folders.
    """

    code: int | None
    value: Any
    told: str
    seconds: float
    writes: int


def run_child(
    work: Callable[[], Any], kill: Kill | None = None, check: Callable[[], None] | None = None
) -> Ended:
    """Call `work` in a child, and perhaps kill it; `check` runs in it before, and is not killed."""
    kill = kill or Kill()
    return wait_for(*start_child(work, kill, check), kill)


def run_together(works: Sequence[Callable[[], Any]]) -> list[Ended]:
    """Call functions in children at the same time."""
    started = [start_child(work, Kill()) for work in works]
    return [wait_for(*one, Kill()) for one in started]


def start_child(
    work: Callable[[], Any], kill: Kill, check: Callable[[], None] | None = None
) -> tuple[int, int]:
    """Its number, and where its end is told."""
    ours, theirs = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if not pid:
        os.close(ours)
        _be_child(work, check, theirs, kill)
    os.close(theirs)
    return pid, ours


def wait_for(pid: int, ours: int, kill: Kill) -> Ended:
    """Wait for a child, and kill it when it is time."""
    content, begun, ended = b"", 0.0, None
    limit = time.monotonic() + WAIT_SECONDS
    while ended is None:
        now = time.monotonic()
        left = limit - now
        if kill.seconds is not None and begun:
            left = begun + kill.seconds - now
        if left <= 0 or not select.select([ours], [], [], left)[0]:
            hung = time.monotonic() >= limit
            os.kill(pid, signal.SIGKILL)
            ended = None if hung else -9
            break
        part = os.read(ours, 1 << 20)
        if not part:
            break
        if not begun:
            begun = time.monotonic()
            part = part[len(_BEGUN) :]
        content += part
    while more := os.read(ours, 1 << 20):  # what was on its way; nothing of a killed one
        content += more
    os.close(ours)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status == 0 and content:
        return Ended(*pickle.loads(content))
    hung = ended is None and status == -signal.SIGKILL and time.monotonic() >= limit
    return Ended(None if hung else status, None, f"ended with {status}", time.monotonic(), 0)


def _be_child(
    work: Callable[[], Any], check: Callable[[], None] | None, pipe: int, kill: Kill
) -> None:
    """Never returns."""
    null = os.open(os.devnull, os.O_RDWR)
    for own in (0, 1, 2):
        os.dup2(null, own)
    said: list[str] = []
    warnings.showwarning = lambda message, *_rest, **_more: said.append(str(message))
    writes = [0]
    value, code, began = None, 1, time.monotonic()
    try:
        try:
            if check is not None:
                check()
        finally:
            os.write(pipe, _BEGUN)
        began = time.monotonic()
        _count_writes(writes, kill.write)
        value = work()
        gc.collect()
        code = 0
    except BaseException as error:
        code, told = told_of(error)
        said.append(told)
    taken = time.monotonic() - began
    try:
        atexit._run_exitfuncs()
        with os.fdopen(pipe, "wb") as file:
            pickle.dump((code, value, "; ".join(said)[-3000:], taken, writes[0]), file)
    finally:
        os._exit(0)


def told_of(error: BaseException) -> tuple[int, str]:
    """Exit code and message of an error, as the command line has them."""
    from raresign.errors import InputError

    if isinstance(error, InputError | OSError | MemoryError):
        return 2, f"{type(error).__name__}: {error}"
    return 1, "".join(traceback.format_exception(error))


def _count_writes(writes: list[int], killed_at: int | None) -> None:
    def hook(event: str, given: tuple[Any, ...]) -> None:
        if event == "open":
            flags = given[2] if isinstance(given[2], int) else 0
            if isinstance(given[0], int) or not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                return
            if str(given[0]).startswith("/dev/"):
                return
        elif event not in _WRITES:
            return
        if writes[0] == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)
        writes[0] += 1

    sys.addaudithook(hook)


def a_kill(dice: random.Random, seconds: float, writes: int) -> Kill:
    """A random moment of an action that takes so long and so many changes of files."""
    if dice.random() < 0.5 and writes:
        return Kill(write=dice.randrange(writes))
    return Kill(seconds=dice.uniform(0, seconds))


def fresh(place: Path, copied: Path | None = None) -> Path:
    """An empty folder, or one that holds what another one holds."""
    shutil.rmtree(place, ignore_errors=True)
    if copied is None:
        place.mkdir(parents=True)
    else:
        shutil.copytree(copied, place, symlinks=True)
    return place
