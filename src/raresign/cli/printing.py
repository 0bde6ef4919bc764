"""What reaches the terminal: text, whatever the names of files hold, and whatever it can show."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import rich.console
import typer
from rich.segment import Segment


def printable(text: str) -> str:
    """Text whose control characters, and bytes that are no UTF-8, are written out.

    A file name may hold an escape that moves the cursor or changes what stands above.

    Example:
        >>> print(printable("a\\x1b[2Jb\\u202e\\udce7.png"))
        a\\x1b[2Jb\\u202e\\udce7.png
    """
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() or one in "\n\t\u00a0" else _written_out(ord(one)) for one in text
    )


def _written_out(number: int) -> str:
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


class Console(rich.console.Console):
    """A console of rich that prints no control character but its own."""

    def render(self, renderable: Any, options: Any = None) -> Iterable[Segment]:
        """The segments of an object, their text made printable."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            safe = control or text.isprintable()
            yield segment if safe else Segment(printable(text), style)


def echo(text: str, err: bool = False) -> None:
    """Print a text and end the line."""
    typer.echo(printable(text), err=err)


def show_what_can_be() -> None:
    """Let output to a terminal or pipe that knows fewer characters write out the others."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
