"""Puts the model of a finished run into the package, as its built-in model.

    raresign train gost --out RUN --recipe built-in
    python tools/build_model.py RUN [--rules]

With --rules the run's index, rules and forecast are fitted again first, by the code of today; its
net stays. The run must have seen our drawings alone. Commit the sources first: the facts name the
commit. Printed is how alike run and built-in model answer.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict

from raresign.errors import InputError
from raresign.lab.built_in.package_run import fit_rules_again, package_run
from raresign.models.built_in_files import FOLDER


def main() -> None:
    run, *options = sys.argv[1:] or [""]
    if not run or options not in ([], ["--rules"]):
        raise SystemExit(__doc__)
    try:
        commit = _commit()
        if options:
            fit_rules_again(run)
        size, parity = package_run(run, commit)
    except InputError as error:
        raise SystemExit(f"error: {error}") from error
    print(f"{size:,} bytes in {FOLDER}")
    for name, value in asdict(parity).items():
        print(f"{name}: {value:.6g}")


def _commit() -> str:
    """The commit of the sources, which must be as it says."""
    changed = _git("status", "--porcelain", "--", "src", f":!{FOLDER}")
    if changed:
        raise InputError(f"sources differ from the commit:\n{changed}", "commit them first")
    return _git("rev-parse", "HEAD")


def _git(*arguments: str) -> str:
    ended = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
    return ended.stdout.strip()


if __name__ == "__main__":
    main()
