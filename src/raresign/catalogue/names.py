"""Readable names of signs."""

from __future__ import annotations


def sign_name(code: str) -> str:
    """The code."""
    return code
