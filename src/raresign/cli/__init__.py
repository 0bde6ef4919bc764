"""The command line: arguments in, tables or JSON out; all work is the public API's."""

from __future__ import annotations

from raresign.cli.app import main

__all__ = ["main"]
