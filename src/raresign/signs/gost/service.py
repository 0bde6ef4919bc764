"""Group 7 of GOST R 52290: service signs."""

from __future__ import annotations

from raresign.signs.parts import Box, Picture, Sign, Text, sign

_WINDOW = Box(66, 176, 568, 568)

SERVICE: dict[str, Sign] = {}
