"""Group 2 of GOST R 52290: priority signs."""

from __future__ import annotations

from raresign.signs.parts import Box, Picture, Sign, Text, mirror, sign

_WIDTH = 834  # of the triangle's drawing

_JUNCTION = sign("warning", Picture("junction-right", Box(364, 260, 220, 370)))

PRIORITY: dict[str, Sign] = {
    "2.1": sign("priority"),
    "2.2": sign("priority-end"),
    "2.3.2": _JUNCTION,
    "2.3.3": mirror(_JUNCTION, _WIDTH),
    "2.4": sign("yield"),
    "2.5": sign("stop", Text("STOP", colour="white")),
}
