"""The command line: arguments in, tables or JSON out; all work is the public API's."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        from raresign.cli.app import main as run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("typer", "rich"):
            raise
        sys.exit(
            f"error: the command line needs {error.name}, which is not installed; "
            'pip install "raresign[cli]", or "raresign[train]" to train'
        )
    run()
