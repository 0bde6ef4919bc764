"""How long the drawn catalogue takes: its import, and its first drawing in a fresh process."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

_CHILD = """
import json, time
start = time.perf_counter()
from raresign.signs import render_sign, standard
signs = standard("gost")
imported = time.perf_counter()
for code in signs.codes:
    render_sign(code, 256)
print(json.dumps([imported - start, time.perf_counter() - imported]))
"""


def bench_signs(quick: bool = False) -> dict[str, float]:
    """Draw every class of `gost` at 256 px, composing, lettering and rasterising included.

    Args:
        quick: 2 fresh processes instead of 7.

    Returns:
        `signs.seconds` (median, with `_min` and `_max`) and `signs.import_seconds`.
    """
    runs = []
    for _ in range(2 if quick else 7):
        ended = subprocess.run(
            [sys.executable, "-c", _CHILD], check=True, capture_output=True, text=True
        )
        runs.append(json.loads(ended.stdout))
    imports, drawings = zip(*runs, strict=True)
    return {
        "signs.seconds": statistics.median(drawings),
        "signs.seconds_min": min(drawings),
        "signs.seconds_max": max(drawings),
        "signs.import_seconds": statistics.median(imports),
    }
