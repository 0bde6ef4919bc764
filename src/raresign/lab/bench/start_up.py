"""How soon the package is ready: its import, the command line, a loaded run's first answer."""

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
