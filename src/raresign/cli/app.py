"""The commands and how they end: 0 done, 1 a failure of ours, 2 a wrong input, 130 Ctrl-C."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable

import typer
from rich.console import Console

from raresign.cli import inspect, measure, run

app = typer.Typer(
    name="raresign",
    help="Train a traffic-sign classifier for signs that nobody has photographed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
for command in (
    run.demo,
    run.train,
    measure.evaluate,
    measure.compare,
    run.predict,
    run.synth,
    inspect.catalogue,
    inspect.bench,
):
    app.command()(command)


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(run_safely(app))


def run_safely(command: Callable[[], object]) -> int:
    """Call the command; turn what a user can mend into one clear message."""
    from raresign import InputError, Interrupted

    errors = Console(stderr=True, soft_wrap=True, highlight=False)

    def show(message: Warning | str, *_: object, **__: object) -> None:
        errors.print(f"warning: {message}", style="yellow", markup=False)

    warnings.showwarning = show
    try:
        command()
    except InputError as error:
        errors.print(f"error: {error}", style="red", markup=False)
        return 2
    except Interrupted as stop:
        errors.print(f"{stop}; go on with --resume", markup=False)
        return 130
    except KeyboardInterrupt:
        errors.print("interrupted", markup=False)
        return 130
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        errors.print(f"error: {error.strerror or error}{where}", style="red", markup=False)
        return 2
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0
