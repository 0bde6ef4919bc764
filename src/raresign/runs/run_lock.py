"""The lock of a run folder: one command at a time changes a run; whoever only reads waits not."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from raresign.language.spoken import _

_guard = threading.Lock()
_threads: dict[tuple[int, int], threading.RLock] = {}
_held: set[tuple[int, int]] = set()


@contextmanager
def run_lock(path: Path, say: Callable[[str], object] | None = None) -> Iterator[None]:
    """Hold the lock of the folder `path`; whoever holds it already may take it again.

    It is a lock of the kernel on the folder itself: it leaves no file behind and ends with its
    process, however that ends.

    Args:
        path: A folder that exists.
        say: Is told if another process holds the lock, before it is waited for.

    Raises:
        OSError: There is no such folder, or it cannot be locked.
    """
    found = path.stat()
    key = found.st_dev, found.st_ino
    with _guard:
        own = _threads.setdefault(key, threading.RLock())
    with own:
        if key in _held:
            yield
            return
        if sys.platform == "win32":  # no locks there that end with the process
            yield
            return
        handle = _locked(path, say)
        _held.add(key)
        try:
            yield
        finally:
            _held.discard(key)
            os.close(handle)


def _locked(path: Path, say: Callable[[str], object] | None) -> int:
    """A descriptor that holds the lock until it is closed."""
    import fcntl

    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if say is not None:
                say(_("waiting for another command that changes {path}").format(path=path))
            fcntl.flock(handle, fcntl.LOCK_EX)
    except BaseException:
        os.close(handle)
        raise
    return handle
