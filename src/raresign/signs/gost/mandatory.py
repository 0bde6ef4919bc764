"""Group 4 of GOST R 52290: mandatory signs."""

from __future__ import annotations

from raresign.signs.parts import Box, Picture, Sign, mirror, sign

_PASS = sign("mandatory", Picture("arrow-down-right", Box(85, 85, 480, 480), "white"))
_TURN = sign("mandatory", Picture("turn-right-from-edge", Box(190, 205, 430, 480), "white"))
_STRAIGHT_OR_RIGHT = sign(
    "mandatory", Picture("straight-or-right-from-edge", Box(225, 70, 390, 640), "white")
)

MANDATORY: dict[str, Sign] = {
    "4.1.1": sign("mandatory", Picture("arrow-up-from-edge", Box(255, 70, 190, 640), "white")),
    "4.1.2": _TURN,
    "4.1.3": mirror(_TURN),
    "4.1.4": _STRAIGHT_OR_RIGHT,
    "4.1.5": mirror(_STRAIGHT_OR_RIGHT),
    "4.2.1": _PASS,
    "4.2.2": mirror(_PASS),
}
