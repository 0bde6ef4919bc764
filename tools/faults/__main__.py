"""Kills, full disks, read-only folders, vanishing files, two processes: what is lost? Nothing.

Usage: python tools/faults [--kills 304] [--seed 1] [--only train] [--no-others] [--keep FOLDER]
       python tools/faults --cold --only pack --kills 4 --no-others   the shortest

Prints two tables and exits with 1 if anything was lost, half written, twice there or left behind.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "RARESIGN_LANG": "en", "HF_HUB_OFFLINE": "1"}

if "--cold" not in sys.argv:
    from warmed import warm_caches, warm_up

    warm_up()

from children import run_child
from killing import kill_often
from material import Material
from operations import operations
from table import Fault, Row, fault_table, killed_table


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=304, help="in all, spread over operations")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pile", type=int, default=70, help="crops that nobody labelled")
    parser.add_argument("--only", help="operations and faults whose name begins so")
    parser.add_argument("--no-others", action="store_true", help="kills alone")
    parser.add_argument(
        "--keep", type=Path, help="folder to work in, which stays and is used again"
    )
    parser.add_argument("--cold", action="store_true", help="without PyTorch: only pack works")
    given = parser.parse_args()
    home = given.keep or Path(tempfile.mkdtemp(prefix="raresign-faults-"))
    home.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    print(f"seed {given.seed}", flush=True)
    try:
        rows, faults = _all(home, given)
    finally:
        if given.keep is None:
            shutil.rmtree(home, ignore_errors=True)
    problems = [problem for one in (*rows, *faults) for problem in one.problems]
    print(f"\n{killed_table(rows)}\n\n{fault_table(faults)}\n")
    print(f"{len(problems)} problems, {(time.monotonic() - began) / 60:.1f} minutes")
    return 1 if problems else 0


def _all(home: Path, given: argparse.Namespace) -> tuple[list[Row], list[Fault]]:
    material = Material(home / "material", given.pile)
    made = home / "made"
    if not made.exists():
        shutil.rmtree(material.home, ignore_errors=True)
        _must(material.make)
    if not given.cold:
        warm_caches(material)
    if not made.exists() and not given.cold:
        _must(material.train)
        shutil.copytree(material.run, material.grown)
        _must(material.grow)
        made.touch()
    chosen = [one for one in operations(material) if one.name.startswith(given.only or "")]
    every = sum(one.kills for one in chosen)
    rows = []
    for one in chosen:
        kills = max(1, round(one.kills * given.kills / every)) if given.kills else 0
        if kills:
            rows.append(kill_often(one, home / "place", kills, given.seed, tell))
            row = rows[-1]
            print(
                f"{row.name}: {row.kills} kills, {row.matched} of {row.repeats} repeats matched, "
                f"{row.left} files left, {row.seconds:.0f} s",
                flush=True,
            )
    faults = []
    if not given.no_others:
        from others import other_faults

        for name, make in other_faults(material, home / "place", given.seed).items():
            if name.startswith(given.only or ""):
                faults += make()
                for one in faults[-3:]:
                    print(f"{one.name}: {one.right} of {one.tries} right", flush=True)
        for problem in (problem for one in faults for problem in one.problems):
            tell(problem)
    return rows, faults


def _must(make: object) -> None:
    ended = run_child(make)  # type: ignore[arg-type]
    if ended.code != 0:
        raise SystemExit(f"the material cannot be made: {ended.told}")


def tell(problem: str) -> None:
    print(f"PROBLEM {problem}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
