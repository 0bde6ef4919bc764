"""Reads the values that a class code carries: "3.24.n20" shows 20 on the template "3.24"."""

from __future__ import annotations

import re

from raresign.errors import InputError

_NUMBER = re.compile(r"[nr](\d+(?:\.\d+)?)", re.ASCII)
_HOURS = re.compile(r"t(\d\d)(\d\d)-(\d\d)(\d\d)", re.ASCII)
_PART = re.compile(r"\.(?=[nrt])")
HOW = "write 3.24.n20, 3.13.r2.9, or for hours 8.5.4.t0800-2000"


def code_values(code: str, template: str) -> dict[str, str]:
    """The values of a class on a template, by the names that slots use.

    What follows the template's code is one or more parts: `n` or `r` and a number ("n20",
    "r2.9"), or `t` and hours ("t0800-2000"). A bare `n` or `r` says that the sign names no value.

    Args:
        code: Class code, such as "3.24.n20".
        template: A shorter code that it begins with, such as "3.24", or the code itself.

    Returns:
        "1", "2", ...: the numbers and times in their order, hours giving two; "value": the whole,
        if there is one part. Empty if the code carries no value. Decimals keep their point.

    Raises:
        InputError: The rest of the code is not written so.

    Example:
        >>> code_values("3.13.r2.9", "3.13")
        {'1': '2.9', 'value': '2.9'}
        >>> code_values("8.5.4.t0800-2000", "8.5.4")
        {'1': '8:00', '2': '20:00', 'value': '8:00-20:00'}
        >>> code_values("8.5.7.t0800-1200.t1400-1830", "8.5.7")["4"], code_values("3.4.n", "3.4")
        ('18:30', {})
    """
    rest = code.removeprefix(template).removeprefix(".")
    if rest in ("", "n", "r"):
        return {}
    parts = [_pieces(part, code, template) for part in _PART.split(rest)]
    pieces = [piece for part in parts for piece in part]
    values = {str(number): piece for number, piece in enumerate(pieces, 1)}
    if len(parts) == 1:
        values["value"] = "-".join(pieces)
    return values


def in_order(code: str) -> list[tuple[int, str]]:
    """Sorts codes by their numbers.

    Example:
        >>> sorted(["1.10", "3.24.n40", "1.2", "3.24.n5", "3.24.n"], key=in_order)
        ['1.2', '1.10', '3.24.n', '3.24.n5', '3.24.n40']
    """
    parts = re.findall(r"[0-9]{1,9}|[^0-9]+", code)
    return [(int(part), "") if part[0] in "0123456789" else (-1, part) for part in parts]


def _pieces(part: str, code: str, template: str) -> list[str]:
    """The number, or the two times, of one part."""
    if number := _NUMBER.fullmatch(part):
        return [number[1]]
    hours = _HOURS.fullmatch(part)
    if hours is None:
        raise InputError(f"class '{code}': {part!r} is no value for the template '{template}'", HOW)
    times = [(int(hours[1]), int(hours[2])), (int(hours[3]), int(hours[4]))]
    if any(minute > 59 or (hour, minute) > (24, 0) for hour, minute in times):
        raise InputError(f"class '{code}': {part!r} is no time of day", HOW)
    return [f"{hour}:{minute:02}" for hour, minute in times]
