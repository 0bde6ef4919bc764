"""Measures how everything grows with crops and classes; what a national survey would need.

    python tools/scale.py            (`make scale`; at most 15 minutes on one core)
    python tools/scale.py --full     (ten times the crops)

All crops are made. Each size is measured in a process of its own that may take so much processor
time and no more: what takes longer is a row that says so. Time is processor time, of helper
processes too, so a busy machine changes little. `exponent` is the slope of the last two sizes,
both logarithms: 1 grows with the size, 2 with its square.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scale_measures import MEASURES

MOST_SECONDS = 100
SURVEY = 10_000_000_000
CORES, DAYS = 64, 30
PRICE = 0.04  # US dollars a core and hour: an assumption, not a measurement


def most_seconds(full: bool) -> int:
    """Processor seconds that one measurement may take."""
    return MOST_SECONDS * (10 if full else 1)


def measured(name: str, size: int, full: bool) -> dict[str, float] | str:
    """A measurement in a process of its own, or why there is none."""
    command = [sys.executable, __file__, "--one", name, "--size", str(size), *["--full"] * full]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        last = ended.stderr.strip().splitlines()[-1:] or [""]
        return f"above {most_seconds(full)} s" if ended.returncode < 0 else last[0][:80]
    found: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return found


def survey(found: dict[str, dict[int, dict[str, float]]]) -> list[str]:
    """What 10^10 crops need, from the largest sizes that were measured."""

    def a_crop(name: str, value: str = "seconds") -> float:
        size = max(found[name])
        return found[name][size][value] / size

    lines = [
        f"{SURVEY:.0e} crops, machines of {CORES} cores at {PRICE} dollars a core and hour "
        f"(an assumption), {DAYS} days:",
        "",
        "| work | core-hours | machines | dollars | disk |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name in [name for name in ("pack", "predict", "index") if name in found]:
        hours = SURVEY * a_crop(name) / 3600
        disk = f"{SURVEY * a_crop(name, 'bytes') / 1e12:,.1f} TB" if name != "predict" else ""
        machines = math.ceil(hours / (CORES * 24 * DAYS))
        lines.append(f"| {name} | {hours:,.0f} | {machines} | {hours * PRICE:,.0f} | {disk} |")
    if "find in an index" in found:
        hours = SURVEY * a_crop("find in an index") / 3600
        lines.append(f"| find, a class | {hours:,.1f} | | {hours * PRICE:,.0f} | |")
    return lines


def main() -> None:
    """Measure everything, or one thing in this process."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--full", action="store_true", help="ten times the crops")
    parser.add_argument("--only", help="one row")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        resource.setrlimit(resource.RLIMIT_CPU, (most_seconds(given.full),) * 2)
        with tempfile.TemporaryDirectory() as folder:
            result = MEASURES[given.one][0](given.size, Path(folder))
        result["MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(result))
        return
    began = time.monotonic()
    print("| work | size | CPU seconds | a second time | exponent | MB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    found: dict[str, dict[int, dict[str, float]]] = {}
    for name, (_, sizes, crops) in MEASURES.items():
        if given.only not in (None, name):
            continue
        before: tuple[int, float] | None = None
        if given.full and crops:
            sizes = (*sizes, 10 * sizes[-1])
        for size in sizes:
            one = measured(name, size, given.full)
            if isinstance(one, str):
                print(f"| {name} | {size:,} | {one} | | | |", flush=True)
                break
            found.setdefault(name, {})[size] = one
            spent, again = one["seconds"], one.get("again")
            slope = ""
            if before is not None:
                slope = f"{math.log(spent / before[1]) / math.log(size / before[0]):.2f}"
            before = size, max(spent, 1e-3)
            second = "" if again is None else f"{again:.2f}"
            print(
                f"| {name} | {size:,} | {spent:.2f} | {second} | {slope} | {one['MB']:,.0f} |",
                flush=True,
            )
    if given.only is None:
        print("\n" + "\n".join(survey(found)))
    print(f"\n{(time.monotonic() - began) / 60:.1f} minutes on the clock")


if __name__ == "__main__":
    main()
