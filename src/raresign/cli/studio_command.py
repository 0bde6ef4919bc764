"""`raresign studio`: pages in a browser."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

import raresign
from raresign.cli.tables import error_console


def studio(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="Run folder; or a bundle, or built-in.")
    ] = Path("built-in"),
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="NUMBER", help="TCP port; 0 takes a free one.")
    ] = 8010,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Do not open a browser; print the address alone.")
    ] = False,
    state: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where decisions are kept, if not RUN/studio.sqlite."),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS", help="Address to listen on; beyond this machine only with --keys."
        ),
    ] = "127.0.0.1",
    keys: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Ask for a key of `raresign new-key FILE`.")
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A name that browsers may call the studio by."),
    ] = None,
) -> None:
    """Open pages in a browser: name photos, add signs, find rare ones, mend mistakes.

    It needs no network, and only this machine reaches it. Without --lang the pages speak English or
    Russian, as the browser asks. Everything that is decided is kept in RUN/studio.sqlite, with who
    and when, and can be taken back. Needs `raresign[studio]`; to add signs also
    `raresign[train]`.

    Example: `raresign start signs`, `raresign studio signs`
    """
    raresign.open_studio(
        run,
        state,
        host=host,
        port=port,
        keys=keys,
        hosts=tuple(name.lower() for name in allow_host or ()),
        language=_told_language(),
        browser=not no_browser,
        say=error_console().print,
    )


def _told_language() -> str | None:
    """The language of --lang; None where there is none, and the browser decides."""
    from raresign.language.spoken import LANGUAGES, current_language

    told = any(one == "--lang" or one.startswith("--lang=") for one in sys.argv[1:])
    return current_language() if told and current_language() in LANGUAGES else None
