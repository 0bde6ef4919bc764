"""Group 6 of GOST R 52290: information signs."""

from __future__ import annotations

from raresign.signs.parts import Box, Picture, Sign, Text, mirror, sign

INFORMATION: dict[str, Sign] = {
    "6.4": sign("blue-square", Text("P", Box(150, 100, 400, 500), "white")),
}
