"""How benchmarks measure: several runs in turn, work in fresh processes, memory."""

from __future__ import annotations

import ctypes
import gc
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def median_seconds(
    parts: Mapping[str, Callable[[], object]], runs: int, warmup: int = 1
) -> dict[str, tuple[float, float, float]]:
    """Time functions side by side: A B A B ..., so that a drifting machine hits all alike.

    Args:
        parts: Functions by name; each must finish its work before it returns.
        runs: Counted runs of each.
        warmup: Runs of each that are not counted.

    Returns:
        (median, fastest, slowest) seconds by name.
    """
    times: dict[str, list[float]] = {name: [] for name in parts}
    for _ in range(warmup + runs):
        for name, function in parts.items():
            start = time.perf_counter()
            function()
            times[name].append(time.perf_counter() - start)
    return {name: spread(seen[warmup:]) for name, seen in times.items()}


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Median, smallest and largest."""
    return statistics.median(values), min(values), max(values)


def fresh_processes(code: str, runs: int, *arguments: object) -> list[tuple[float, ...]]:
    """What Python code prints last, a JSON list of numbers, in fresh processes.

    Args:
        code: The code; a failure raises CalledProcessError.
        runs: Number of processes, one after another.
        arguments: Its `sys.argv[1:]`, as text.

    Returns:
        (runs,) for each number in the list.

    Example:
        >>> fresh_processes("import sys; print([len(sys.argv), 7])", 2, "one")
        [(2, 2), (7, 7)]
    """
    command = [sys.executable, "-c", code, *map(str, arguments)]
    printed = [
        subprocess.run(command, check=True, capture_output=True, text=True).stdout
        for _ in range(runs)
    ]
    return list(zip(*(json.loads(text.splitlines()[-1]) for text in printed), strict=True))


def peak_growth_mb(work: Callable[[], object]) -> float | None:
    """How far the process's resident memory rose above its level while `work` ran, in mebibytes.

    Memory that earlier work left with the allocator is given back first, as it would hide growth.
    None where the system keeps no resettable peak (it is Linux that does).
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


def peak_mb() -> float:
    """The most resident memory that this process ever had, in mebibytes; NaN where nobody tells."""
    try:
        return _kibibytes("VmHWM") / 1024  # ru_maxrss counts the process that started this one, too
    except OSError:
        return float("nan")


def _kibibytes(name: str) -> int:
    """One line of /proc/self/status."""
    found = re.search(rf"^{name}:\s+(\d+) kB$", _STATUS.read_text(), re.MULTILINE)
    if found is None:
        raise OSError(f"{_STATUS} has no {name}")
    return int(found[1])
