"""Group 4 of GOST R 52290: mandatory signs."""

from __future__ import annotations

from dataclasses import replace

from raresign.signs.drawing.parts import Box, Inset, Picture, Sign, mirror, sign

_PASS = sign("mandatory", Picture("arrow-down-right", Box(79, 79, 454, 454), "white"))
_PASS_RIGHT = Picture("arrow-down-right-short", Box(350, 211, 247, 247), "white")
_RIGHT = sign("mandatory", Picture("arrow-right-from-edge", Box(0, 259.5, 608, 181), "white"))
_TURN = sign("mandatory", Picture("turn-right-from-edge", Box(181, 212, 428, 488), "white"))
_STRAIGHT_OR_RIGHT = sign(
    "mandatory", Picture("straight-or-right-from-edge", Box(214, 67, 395, 633), "white")
)
_RIGHT_OR_LEFT = Picture("left-or-right-from-edge", Box(69, 212, 562, 488), "white")
_DANGER_TRUCK = Picture("danger-truck", Box(219, 132, 262, 414))
_SMALL_DISC = Box(176, 621, 348, 348)
_DANGER_RIGHT = sign("white-upright", _DANGER_TRUCK, Inset("4.1.2", _SMALL_DISC))

MANDATORY: dict[str, Sign] = {
    "4.1.1": sign("mandatory", Picture("arrow-up-from-edge", Box(259.5, 92, 181, 608), "white")),
    "4.1.2": _TURN,
    "4.1.2.1": _RIGHT,
    "4.1.2.2": mirror(_RIGHT),
    "4.1.3": mirror(_TURN),
    "4.1.4": _STRAIGHT_OR_RIGHT,
    "4.1.5": mirror(_STRAIGHT_OR_RIGHT),
    "4.1.6": sign("mandatory", _RIGHT_OR_LEFT),
    "4.2.1": _PASS,
    "4.2.2": mirror(_PASS),
    "4.2.3": sign("mandatory", _PASS_RIGHT, replace(_PASS_RIGHT, mirrored=True)),
    "4.3": sign("mandatory", Picture("roundabout", Box(58, 117, 530, 526), "white")),
    "4.5.1": sign("mandatory", Picture("walker", Box(216, 118, 252, 448), "white")),
    "4.8.2": _DANGER_RIGHT,
    "4.8.3": mirror(_DANGER_RIGHT),
}
