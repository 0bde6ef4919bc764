"""Group 5 of GOST R 52290: signs of special regulation."""

from __future__ import annotations

from raresign.signs.parts import Box, Picture, Sign, mirror, sign

SPECIAL: dict[str, Sign] = {
    "5.19.1": sign(
        "blue-square",
        Picture("triangle-field", Box(50, 70, 600, 520), "white"),
        Picture("walker", Box(210, 165, 280, 345)),
        Picture("zebra", Box(180, 510, 340, 55)),
    ),
    "5.20": sign(
        "blue-square",
        Picture("triangle-field", Box(50, 70, 600, 520), "white"),
        Picture("hump", Box(150, 440, 400, 100)),
    ),
}
