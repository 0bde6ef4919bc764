"""Gives a million wrong inputs to every reader of a user's or a stranger's files: `make fuzz`.

    python tools/fuzz.py                      a million inputs; a table, and docs/reliability.md
    python tools/fuzz.py --only svg --inputs 20000

Inputs are good ones that were spoiled (every input has a number, so it can be made again), ones
that hypothesis draws, ones that atheris found to reach new branches (where it is installed), and
requests that schemathesis makes of the service's description. A fault is an error of another type
than the reader documents, an input that takes more than 10 s, a process that ends, or memory
beyond 2 GiB. Inputs with faults are kept in build/fuzz/faults/KIND; exit code 1 then. Once they are
mended, `--only KIND --again` puts that kind's new row into the table of the last run.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "tests")]

from fuzzing.kind import Kind
from fuzzing.kinds import KINDS
from fuzzing.report import read_rows, table, write_rows, write_section
from fuzzing.watch import Row, run_kind

SHARED = (
    *("PIL.Image", "numpy", "pyarrow.parquet", "scipy.ndimage", "hypothesis", "yaml", "pydantic"),
    *("raresign.commands.data_folder", "raresign.commands.boxes_file", "raresign.bundles.bundle"),
    *("torch", "raresign.lab.protocol.ideas", "raresign.commands.synth.settings_file"),
    *("raresign.commands.maps.map_files", "raresign.runs.run_folder", "test_layouts"),
)
"""Imported once, before workers are forked."""
ROOT = Path(__file__).parents[1]


def chosen(only: str) -> list[Kind]:
    """The kinds that are called so, or whose names hold such a part."""
    names = {kind.name.lower() for kind in KINDS}
    found = []
    for kind in KINDS:
        own = kind.name.lower()
        parts = only.lower().split(";")
        if any(part == own or (part not in names and part in own) for part in parts):
            found.append(kind)
    return found


def main() -> int:
    """Run what is asked for; 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=1_050_000, help="in all")
    parser.add_argument("--only", default="", help="names of kinds, or parts of them: a;b")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "fuzz")
    parser.add_argument(
        "--again", action="store_true", help="keep the rows of other kinds of the last run"
    )
    parser.add_argument("--docs", action="store_true", help="write the table into the docs")
    asked = parser.parse_args()
    kinds = chosen(asked.only)
    if not kinds:
        parser.error(f"no kind is called {asked.only!r}")
    faults = asked.out / "faults"
    shutil.rmtree(faults, ignore_errors=True)
    faults.mkdir(parents=True)
    share = asked.inputs / sum(kind.inputs for kind in (KINDS if asked.again else kinds))
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    before = read_rows(asked.out / "rows.json") if asked.again else []
    rows: list[Row] = []
    os.environ.update(OMP_NUM_THREADS="1", RARESIGN_LANG="en")
    for module in SHARED:
        import_module(module)
    with tempfile.TemporaryDirectory(prefix="raresign-fuzz-", dir=memory) as work:
        for kind in kinds:
            count = max(1, round(kind.inputs * share))
            row = run_kind(kind, count, asked.seed, Path(work) / "work", faults)
            rows.append(row)
            print(
                f"{row.name}: {row.inputs} inputs, {row.refused} refused, {row.accepted} accepted, "
                f"slowest {row.slowest:.2f} s, {row.peak / 1e6:.0f} MB, {row.wrong} faults, "
                f"{row.seconds:.0f} s {'; '.join(row.notes)}",
                flush=True,
            )
    fresh = {row.name: row for row in rows}
    rows = [fresh.pop(row.name, row) for row in before] + list(fresh.values())
    write_rows(asked.out / "rows.json", rows)
    text = table(rows, asked.seed)
    print(text)
    for name in ("atheris", "schemathesis"):
        if not find_spec(name):
            print(f"{name} is not installed (tools/fuzz_tools.sh): its inputs were left out.")
    if asked.docs:
        write_section(ROOT / "docs" / "reliability.md", text)
    wrong = sum(row.wrong for row in rows)
    if wrong:
        print(f"{wrong} faults; the inputs are in {faults}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    assert platform.system() == "Linux", "limits of memory and files in memory are those of Linux"
    sys.exit(main())
