"""Group 8 of GOST R 52290: additional plates."""

from __future__ import annotations

from raresign.signs.parts import Box, Inset, Picture, Sign, Text, mirror, sign

_ARROW = sign("plate", Picture("arrow-right", Box(18, 60, 664, 230)))

PLATES: dict[str, Sign] = {
    "8.3.1": _ARROW,
    "8.3.2": mirror(_ARROW),
}
