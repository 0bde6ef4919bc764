"""Work in fresh processes: import, command line, a run's first answer, drawing the signs."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from raresign.lab.bench.measure import fresh_processes, spread

_END = """
import sys, time
print([time.process_time(), len(sys.modules)])
"""
_IMPORT = "import raresign\n"
_HELP = "from raresign.cli.app import app\napp(['--help'], standalone_mode=False)\n"
_ANSWER = """
import sys, raresign
answer, = raresign.predict(raresign.load(sys.argv[1]), [sys.argv[2]])
assert answer.error is None, answer.error
"""

_DRAW = """
import time
start = time.perf_counter()
from raresign import render_sign, standard
signs = standard("gost")
imported = time.perf_counter()
for code in signs.codes:
    render_sign(code, 256)
print([imported - start, time.perf_counter() - imported])
"""


def bench_start(quick: bool, data: Path | None) -> dict[str, Any]:
    """CPU seconds and loaded modules, from the start of a fresh process of Python.

    Args:
        quick: 3 fresh processes each instead of 9.
        data: A run folder, whose loading and first answer are measured too.

    Returns:
        By NAME `import`, `help` and `first_answer`: `start.NAME_cpu_seconds` (median, with `_min`
        and `_max`) and `start.NAME_modules`; `start.first_answer` says why it was not measured.
    """
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="raresign-bench-") as folder:
        picture = Path(folder) / "crop.png"
        Image.effect_noise((64, 64), 60).convert("RGB").save(picture)
        parts: dict[str, tuple[str, tuple[Path, ...]]] = {
            "import": (_IMPORT, ()),
            "help": (_HELP, ()),
        }
        if data is not None and (data / "run.json").is_file():
            parts["first_answer"] = (_ANSWER, (data, picture))
        else:
            figures["start.first_answer"] = "skipped: --data names no run folder"
        for name, (code, arguments) in parts.items():
            seconds, modules = fresh_processes(code + _END, 3 if quick else 9, *arguments)
            key = f"start.{name}_cpu_seconds"
            keys = (key, f"{key}_min", f"{key}_max")
            figures |= zip(keys, spread(seconds), strict=True)
            figures[f"start.{name}_modules"] = int(spread(modules)[0])
    return figures


def bench_signs(quick: bool = False) -> dict[str, float]:
    """Draw every class of `gost` at 256 px, composing, lettering and rasterising included.

    Args:
        quick: 2 fresh processes instead of 7.

    Returns:
        `signs.seconds` (median, with `_min` and `_max`) and `signs.import_seconds`.
    """
    imports, drawings = fresh_processes(_DRAW, 2 if quick else 7)
    names = ("signs.seconds", "signs.seconds_min", "signs.seconds_max")
    times = dict(zip(names, spread(drawings), strict=True))
    return {**times, "signs.import_seconds": spread(imports)[0]}
