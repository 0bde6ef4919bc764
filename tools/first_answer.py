"""Prints, as JSON, what an installation weighs and how long its first answer takes.

Usage: python tools/first_answer.py [BUNDLE or run folder]; the built-in model unless given.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

TRIES = 7
NOT_OURS = ("pip", "setuptools", "wheel")
ANSWER = """
import sys, time
import raresign
answer = raresign.load(*sys.argv[2:]).answer(sys.argv[1])
assert answer.error is None, answer.error
print(time.process_time())
"""


def installed_mb() -> dict[str, float]:
    """Megabytes of the files of each library, compiled ones included, largest first."""
    sizes = {}
    for one in distributions():
        name = one.metadata["Name"]
        if name not in NOT_OURS:
            places = [Path(str(one.locate_file(file))) for file in one.files or ()]
            sizes[name] = sum(place.stat().st_size for place in places if place.is_file()) / 1e6
    return dict(sorted(sizes.items(), key=lambda item: -item[1]))


def first_answer(model: list[str]) -> tuple[list[float], list[float]]:
    """Wall and processor seconds from the start of a fresh Python to its first answer."""
    from PIL import Image

    wall, cpu = [], []
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "crop.png"
        Image.effect_noise((64, 64), 60).convert("RGB").save(picture)
        for _ in range(TRIES + 1):
            start = time.perf_counter()
            command = [sys.executable, "-c", ANSWER, str(picture), *model]
            told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            wall.append(time.perf_counter() - start)
            cpu.append(float(told))
    return wall[1:], cpu[1:]  # the first one reads the disk


def main() -> None:
    sizes = installed_mb()
    wall, cpu = first_answer([one for one in sys.argv[1:] if one])
    told = {
        "installed_mb": round(sum(sizes.values()), 1),
        "largest": {name: round(size, 1) for name, size in list(sizes.items())[:6]},
        "torch": find_spec("torch") is not None,
        "first_answer_seconds": round(statistics.median(wall), 3),
        "first_answer_fastest": round(min(wall), 3),
        "first_answer_cpu_seconds": round(statistics.median(cpu), 3),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
