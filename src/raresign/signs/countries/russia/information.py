"""Group 6 of GOST R 52290: information signs."""

from __future__ import annotations

from raresign.signs.drawing.parts import Box, Picture, Sign, Text, mirror, sign

_STAIRS = Box(13, 444, 674, 243)
_DEAD_END_RIGHT = sign("blue-square", Picture("dead-end-right", Box(180, 13, 361, 674), "white"))
_TRUCKS_RIGHT = sign(
    "blue-3x1-slim",
    Picture("truck-tall", Box(480, 53, 427, 263), "white", mirrored=True),
    Picture("arrow-right-short", Box(710, 89, 262, 170), "white"),
)

INFORMATION: dict[str, Sign] = {
    "6.2": sign("blue-square", Text("{value}", Box(90, 200, 520, 300), "white")),
    "6.3.1": sign("blue-square", Picture("u-turn-from-edge", Box(129, 73, 385, 614), "white")),
    "6.4": sign("blue-square", Picture("letter-p", Box(211, 93, 350, 514), "white")),
    "6.6": sign(
        "blue-square",
        Picture("stairs-down-right", _STAIRS, "white", mirrored=True),
        Picture("walker-down", Box(189, 57, 236, 519), "white"),
    ),
    "6.7": sign(
        "blue-square",
        Picture("stairs-down-right", _STAIRS, "white"),
        Picture("walker-up", Box(208, 55, 250, 476), "white"),
    ),
    "6.8.1": sign("blue-square", Picture("dead-end", Box(202, 112, 296, 575), "white")),
    "6.8.2": _DEAD_END_RIGHT,
    "6.8.3": mirror(_DEAD_END_RIGHT),
    "6.15.1": sign(
        "blue-3x1-slim",
        Picture("arrow-right-short", Box(44, 126, 262, 170), "white", turn=-90),
        Picture("truck-tall", Box(480, 53, 427, 263), "white"),
    ),
    "6.15.2": _TRUCKS_RIGHT,
    "6.15.3": mirror(_TRUCKS_RIGHT, 1050),
    "6.16": sign(
        "white-3x1", Text("СТОП", Box(156, 65, 725, 219), weight="Semibold", spacing=0.13)
    ),
}
