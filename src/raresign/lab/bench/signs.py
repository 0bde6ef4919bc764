"""How long the drawn catalogue takes: its import, and its first drawing in a fresh process."""

from __future__ import annotations

from raresign.lab.bench.measure import fresh_processes, spread

_CHILD = """
import time
start = time.perf_counter()
from raresign import render_sign, standard
signs = standard("gost")
imported = time.perf_counter()
for code in signs.codes:
    render_sign(code, 256)
print([imported - start, time.perf_counter() - imported])
"""


def bench_signs(quick: bool = False) -> dict[str, float]:
    """Draw every class of `gost` at 256 px, composing, lettering and rasterising included.

    Args:
        quick: 2 fresh processes instead of 7.

    Returns:
        `signs.seconds` (median, with `_min` and `_max`) and `signs.import_seconds`.
    """
    imports, drawings = fresh_processes(_CHILD, 2 if quick else 7)
    names = ("signs.seconds", "signs.seconds_min", "signs.seconds_max")
    times = dict(zip(names, spread(drawings), strict=True))
    return {**times, "signs.import_seconds": spread(imports)[0]}
