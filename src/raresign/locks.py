"""Locks of the kernel: they end with the process that holds them, however that ends."""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from typing import Protocol


class _Open(Protocol):
    def fileno(self) -> int: ...


def hold_lock(opened: int | _Open, wait: bool = False) -> bool | None:
    """Take the lock of an open file or folder, until it is closed.

    Args:
        opened: A descriptor, or a file.
        wait: For another process that has it.

    Returns:
        False if another one has it; None where the disk or the system has no such locks.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryFile() as file:
        ...     hold_lock(file)
        True
    """
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        fcntl.flock(opened, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


@cache
def this_machine() -> str:
    """Names this machine, by 8 hex digits: a lock says nothing to another that shares the disk.

    Example:
        >>> len(this_machine())
        8
    """
    import platform

    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]
