"""`python -m raresign`."""

from __future__ import annotations

from raresign.cli import main

main()
