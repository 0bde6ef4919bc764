"""Group 2 of GOST R 52290: priority signs."""

from __future__ import annotations

from raresign.signs.drawing.parts import Box, Picture, Sign, Text, mirror, sign

_WIDTH = 834  # of the triangle's drawing

_RIGHT = sign("warning", Picture("junction-right", Box(371, 254, 205, 391)))
_AHEAD_RIGHT = sign("warning", Picture("junction-ahead-right", Box(371, 254, 182, 391)))
_BEHIND_RIGHT = sign("warning", Picture("junction-behind-right", Box(371, 254, 238, 391)))

PRIORITY: dict[str, Sign] = {
    "2.1": sign("priority"),
    "2.2": sign("priority-end"),
    "2.3.1": sign("warning", Picture("crossroads-priority", Box(257, 254, 319, 391))),
    "2.3.2": _RIGHT,
    "2.3.3": mirror(_RIGHT, _WIDTH),
    "2.3.4": _AHEAD_RIGHT,
    "2.3.5": mirror(_AHEAD_RIGHT, _WIDTH),
    "2.3.6": _BEHIND_RIGHT,
    "2.3.7": mirror(_BEHIND_RIGHT, _WIDTH),
    "2.4": sign("yield"),
    "2.5": sign("stop", Text("STOP", Box(55, 247, 597, 205), "white", weight="Semibold")),
    "2.6": sign(
        "prohibition",
        Picture("arrow-down", Box(194, 115, 178, 355)),
        Picture("arrow-up-from-rim", Box(306, 358, 178, 280), "red"),
    ),
    "2.7": sign(
        "blue-square",
        Picture("oncoming-arrow", Box(211, 17, 186, 314), "red"),
        Picture("arrow-up-long", Box(316, 208, 186, 618), "white"),
    ),
}
