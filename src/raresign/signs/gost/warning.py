"""Group 1 of GOST R 52290: warning signs."""

from __future__ import annotations

from raresign.signs.parts import Box, Inset, Picture, Sign, Text, mirror, sign

_WIDTH = 834  # of the triangle's drawing

_BEND = sign("warning", Picture("bend-right", Box(325, 285, 215, 345)))
_NARROWING = sign("warning", Picture("narrowing-right", Box(305, 290, 224, 340)))

WARNING: dict[str, Sign] = {
    "1.1": sign("warning", Picture("fence", Box(262, 410, 310, 190))),
    "1.8": sign("warning", Picture("traffic-light", Box(350, 235, 134, 400))),
    "1.11.1": _BEND,
    "1.11.2": mirror(_BEND, _WIDTH),
    "1.16": sign("warning", Picture("rough-road", Box(147, 460, 540, 180))),
    "1.17": sign("warning", Picture("hump", Box(167, 500, 500, 120))),
    "1.20.2": _NARROWING,
    "1.20.3": mirror(_NARROWING, _WIDTH),
    "1.22": sign(
        "warning",
        Picture("walker", Box(267, 170, 300, 420)),
        Picture("zebra", Box(222, 575, 390, 58)),
    ),
}
