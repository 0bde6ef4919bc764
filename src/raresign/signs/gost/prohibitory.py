"""Group 3 of GOST R 52290: prohibitory signs."""

from __future__ import annotations

from raresign.signs.parts import Box, Picture, Sign, Text, mirror, sign

_NO_TURN = sign("prohibition-slash", Picture("turn-right", Box(190, 145, 340, 410)))
_SPEED = Box(126, 217, 448, 266)

PROHIBITORY: dict[str, Sign] = {
    "3.1": sign("no-entry", Picture("bar", Box(110, 282, 480, 136), "white")),
    "3.2": sign("prohibition"),
    "3.11": sign("prohibition", Text("{value}т", Box(135, 228, 430, 244))),
    "3.13": sign(
        "prohibition",
        Picture("height-limit", Box(290, 92, 120, 516)),
        Text("{value}", Box(150, 186, 400, 190)),
        Text("м", Box(285, 402, 130, 104)),
    ),
    "3.18.1": _NO_TURN,
    "3.18.2": mirror(_NO_TURN),
    "3.20": sign(
        "prohibition",
        Picture("car-rear", Box(112, 255, 215, 205), "red"),
        Picture("car-rear", Box(373, 255, 215, 205)),
    ),
    "3.24": sign("prohibition", Text("{value}", _SPEED)),
    "3.25": sign("end", Text("{value}", _SPEED, "grey")),
    "3.27": sign("no-stopping"),
    "3.28": sign("no-parking"),
    "3.31": sign("end"),
}
