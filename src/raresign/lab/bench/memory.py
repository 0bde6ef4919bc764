"""How much memory a piece of work takes while it runs."""

from __future__ import annotations

import ctypes
import gc
import re
from collections.abc import Callable
from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak_growth_mb(work: Callable[[], object]) -> float | None:
    """How far the process's resident memory rose above its level while `work` ran.

    Memory that earlier work left with the allocator is given back first, as it would hide growth.

    Args:
        work: Is called once.

    Returns:
        Mebibytes; None where the system keeps no resettable peak (it is Linux that does).

    Example:
        >>> growth = peak_growth_mb(lambda: bytearray(50 * 2**20))
        >>> growth is None or 45 < growth < 60
        True
    """
    gc.collect()
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        _CLEAR.write_text("5")  # the peak starts anew (proc(5))
        before = _kibibytes("VmRSS")
    except (OSError, AttributeError):
        return None
    work()
    return max(0.0, (_kibibytes("VmHWM") - before) / 1024)


def _kibibytes(name: str) -> int:
    """One line of /proc/self/status."""
    found = re.search(rf"^{name}:\s+(\d+) kB$", _STATUS.read_text(), re.MULTILINE)
    if found is None:
        raise OSError(f"{_STATUS} has no {name}")
    return int(found[1])
