"""Group 8 of GOST R 52290: additional plates."""

from __future__ import annotations

from raresign.signs.drawing.parts import Box, Picture, Sign, Text, mirror, sign

_ARROW = sign("plate", Picture("arrow-right", Box(11, 77, 628, 196)))
_WHEELCHAIR = Picture("wheelchair", Box(217, 22, 264, 305))
_SIDE_ARROW = Box(459, 110, 200, 130)

PLATES: dict[str, Sign] = {
    "8.1.1": sign(
        "plate", Text("{value}м", Box(57, 84, 586, 179), weight="Semibold", spacing=0.06)
    ),
    "8.1.3": sign(
        "plate",
        Text("{value}м", Box(64, 117, 360, 116), weight="Semibold", spacing=0.06),
        Picture("arrow-right-slim", _SIDE_ARROW),
    ),
    "8.1.4": sign(
        "plate",
        Picture("arrow-right-slim", _SIDE_ARROW, mirrored=True),
        Text("{value}м", Box(267, 117, 384, 116), weight="Semibold", spacing=0.06),
    ),
    "8.2.1": sign(
        "plate",
        Picture("arrow-up-stub", Box(38, 90, 98, 172)),
        Text("{value}м", Box(165, 117, 360, 116), weight="Semibold", spacing=0.06),
        Picture("arrow-up-stub", Box(564, 90, 98, 172)),
    ),
    "8.2.2": sign(
        "plate-upright",
        Picture("arrow-up-tall", Box(121, 60, 108, 224)),
        Text("{value}", Box(60, 367, 230, 124), weight="Semibold", spacing=0.06),
        Text("м", Box(115, 517, 120, 117), weight="Semibold"),
    ),
    "8.2.3": sign("plate-upright", Picture("arrow-down-from-edge", Box(77, 11, 196, 628))),
    "8.2.4": sign("plate-upright", Picture("arrow-left-right", Box(-114, 252, 578, 196), turn=90)),
    "8.3.1": _ARROW,
    "8.3.2": mirror(_ARROW),
    "8.3.3": sign("plate", Picture("arrow-left-right", Box(61, 77, 578, 196))),
    "8.4.1": sign("plate", Picture("truck-side", Box(109, 66, 479, 248))),
    "8.4.3": sign("plate", Picture("car-side", Box(116, 66, 470, 240))),
    "8.4.4": sign("plate", Picture("bus-side", Box(131, 66, 440, 213))),
    "8.5.2": sign("plate", Picture("hammers", Box(197, 33, 306, 265))),
    "8.5.4": sign("plate", Text("{1}–{2}", Box(52, 112, 600, 107))),
    "8.6.2": sign(
        "plate",
        Picture("car-rear", Box(217, 70, 224, 204), turn=-12),
        Picture("kerb", Box(-175, 262, 1050, 88)),
    ),
    "8.6.4": sign(
        "plate",
        Picture("car-side", Box(105, 109, 355, 182)),
        Picture("kerb", Box(-89, 262, 1050, 88)),
    ),
    "8.8": sign(
        "plate",
        Picture("price-circles", Box(49, 43, 589, 269)),
        Text("10", Box(88, 134, 99, 82)),
        Text("15", Box(231, 120, 126, 110)),
        Text("20", Box(411, 107, 192, 135)),
    ),
    "8.13": sign("plate-square", Picture("main-road-left", Box(0, 0, 700, 700))),
    "8.14": sign("plate", Picture("arrow-onto-lane", Box(16, 0, 668, 339))),
    "8.15": sign("plate", Picture("dark-glasses", Box(96, 81, 534, 193))),
    "8.16": sign("plate", Picture("rain-cloud", Box(153, 45, 380, 262))),
    "8.17": sign("plate", _WHEELCHAIR),
    "8.18": sign("plate", _WHEELCHAIR, Picture("except-bar", Box(193, 8, 376, 334), "red")),
    "8.23": sign("plate", Picture("photo-camera", Box(152, 31, 409, 287))),
}
