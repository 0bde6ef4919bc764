"""The commands and how they end: 0 done, 1 a failure of ours, 2 a wrong input, 130 Ctrl-C.

3 is `predict`'s own: done, but some files could not be read.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
import warnings
from collections.abc import Callable
from typing import Annotated, Any

import typer

from raresign.cli import (
    added,
    answered,
    bundles,
    camera,
    found,
    look,
    make,
    mapped,
    measure,
    served,
    studio_command,
    synth_command,
)
from raresign.cli.help_pages import TranslatedCommand, TranslatedGroup
from raresign.cli.options import Lang
from raresign.cli.printing import echo, show_what_can_be
from raresign.cli.tables import error_console
from raresign.cli.url_arguments import with_urls
from raresign.language.spoken import _, asked_language, speaking


class _StoppedError(Exception):
    """Ctrl-C on its way through typer, which would end without a word."""


def _telling(command: Callable[..., None]) -> Callable[..., None]:
    """The command with --lang, whose Ctrl-C passes typer with its message."""

    @functools.wraps(command)
    def call(*args: Any, lang: str | None = None, **kwargs: Any) -> None:
        from raresign import Interrupted

        try:
            command(*args, **kwargs)
        except Interrupted as stop:
            raise _StoppedError(_("{what}; go on with --resume").format(what=stop)) from stop
        except KeyboardInterrupt as stop:
            raise _StoppedError(_("interrupted")) from stop

    own = inspect.signature(command, eval_str=True)
    lang = inspect.Parameter("lang", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Lang)
    given = [*map(with_urls, own.parameters.values()), lang]
    vars(call)["__signature__"] = own.replace(parameters=given)
    call.__annotations__ = {one.name: one.annotation for one in given}
    return call


app = typer.Typer(
    name="raresign",
    cls=TranslatedGroup,
    help="Train a traffic-sign classifier for signs that nobody has photographed.",
    epilog="Exit codes: 0 done; 1 a fault of raresign, crops that differ (synth --verify), "
    "classes that got worse (compare-bundles) or other weights (rerun); "
    "2 something you gave is wrong; 3 done, but some files could not be read (predict); "
    "130 stopped by Ctrl-C.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # its imports double the time that --help takes
    context_settings={"max_content_width": 100},
)
for command in (
    make.demo,
    make.init,
    make.train,
    measure.evaluate,
    measure.report,
    measure.compare,
    measure.rerun,
    measure.protocol,
    answered.predict,
    answered.thresholds,
    found.find,
    mapped.check_results,
    mapped.map_results,
    bundles.export,
    bundles.patch,
    bundles.compare_bundles,
    studio_command.studio,
    served.serve,
    served.new_key,
    make.start,
    added.add_class,
    added.add_photos,
    added.remove_photos,
    added.remove_class,
    synth_command.synth,
    camera.fit_camera,
    camera.realism,
    look.catalogue,
    look.bench,
):
    summary = (command.__doc__ or "").partition("\n")[0]
    name = "map" if command is mapped.map_results else None
    app.command(name, cls=TranslatedCommand, short_help=summary)(_telling(command))


def _tell_version(asked: bool) -> None:
    if asked:
        import raresign

        echo(f"raresign {raresign.__version__}")
        raise typer.Exit


@app.callback()
def _before(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and stop.", callback=_tell_version, is_eager=True
        ),
    ] = False,
    lang: Lang = None,
) -> None:
    """What all commands share."""


def main() -> None:
    """Run the command line and exit with its code."""
    show_what_can_be()
    sys.exit(run_safely(app))


def run_safely(command: Callable[[], object]) -> int:
    """Call the command; turn what a user can mend into one clear message, in his language."""
    with speaking(asked_language(sys.argv[1:], os.environ)):
        return _run_safely(command)


def _run_safely(command: Callable[[], object]) -> int:
    from raresign import InputError

    errors = error_console()
    told = set()

    def show(message: Warning | str, *rest: object, **more: object) -> None:
        if str(message) not in told:  # an icon is read more than once
            told.add(str(message))
            errors.print(_("warning: {problem}").format(problem=message), style="yellow")

    warnings.showwarning = show
    try:
        command()
    except InputError as error:
        errors.print(_("error: {problem}").format(problem=error), style="red")
        return 2
    except _StoppedError as stop:
        errors.print(str(stop))
        return 130
    except ModuleNotFoundError as error:
        from raresign import missing_library

        errors.print(f"error: {missing_library(error, 'this command')}", style="red")
        return 2
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        problem = f"{_(str(error.strerror or error))}{where}"
        errors.print(_("error: {problem}").format(problem=problem), style="red")
        return 2
    except (MemoryError, RecursionError, OverflowError, UnicodeError) as error:
        # Something is far larger, deeper or stranger than anything that the field has.
        problem = f"{type(error).__name__}: {str(error)[:300] or _('no memory')}"
        errors.print(_("error: {problem}").format(problem=problem), style="red")
        return 2
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0
