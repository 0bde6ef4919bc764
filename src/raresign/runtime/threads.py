"""How many cores OMP_NUM_THREADS asks for."""

from __future__ import annotations

import os

from raresign.errors import InputError

_MOST = 4096


def said_threads() -> int:
    """The first number of OMP_NUM_THREADS; 0, which means all cores, where it is not set.

    Raises:
        InputError: It holds something else than numbers.

    Example:
        >>> from unittest.mock import patch
        >>> with patch.dict(os.environ, OMP_NUM_THREADS="4,1"):
        ...     said_threads()
        4
    """
    told = os.environ.get("OMP_NUM_THREADS") or "0"
    first = told.split(",")[0].strip()
    if not (first.isascii() and first.isdigit() and len(first) < 6 and int(first) <= _MOST):
        raise InputError(
            f"OMP_NUM_THREADS is {told[:60]!r}", f"set it to 1 to {_MOST}, or unset it"
        )
    return int(first)
