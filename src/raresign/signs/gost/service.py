"""Group 7 of GOST R 52290: service signs."""

from __future__ import annotations

from raresign.signs.parts import Box, Inset, Picture, Sign, Text, mirror, sign

_WINDOW = Box(66, 176, 568, 568)

SERVICE: dict[str, Sign] = {}
