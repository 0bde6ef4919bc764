"""Group 5 of GOST R 52290: signs of special regulation."""

from __future__ import annotations

from dataclasses import replace

from raresign.signs.drawing.parts import Box, Picture, Sign, Text, mirror, sign

_UPRIGHT_BAR = Picture("end-bar-steep", Box(17, 17, 666, 1016), "red")
_SQUARE_BAR = Picture("end-bar", Box(17, 17, 666, 666), "red")

_CARS_ONLY = sign("blue-upright", Picture("car-front", Box(156, 373, 389, 352), "white"))
_ONE_WAY = sign("blue-square", Picture("arrow-up-wide", Box(170, 69, 360, 618), "white"))
_TO_ONE_WAY = sign("blue-3x1", Picture("arrow-right-long", Box(13, 88, 959, 174), "white"))
_REVERSIBLE = sign("blue-square", Picture("arrow-up-down", Box(257, 69, 186, 562), "white"))
_BUS_LANE = sign(
    "blue-square",
    Picture("bus-front", Box(70, 69, 210, 259), "white"),
    Picture("arrow-down-short", Box(82, 350, 186, 281), "white"),
    Picture("lane-divider", Box(339, 13, 22, 674), "white"),
    Picture("arrow-up-long", Box(432, 69, 186, 618), "white"),
)
_TRIANGLE = Box(52, 49, 596, 521)
_LIVING_ZONE = sign(
    "blue-upright",
    Picture("car-front", Box(139, 123, 225, 204), "white"),
    Picture("house-corner", Box(461, 13, 226, 425), "white"),
    Picture("walker", Box(88, 446, 228, 408), "white"),
    Picture("running-child", Box(430, 692, 219, 292), "white"),
    Picture("ball", Box(340, 917, 66, 66), "white"),
)
_CROSSING = sign(
    "blue-square",
    Picture("triangle-field", _TRIANGLE, "white"),
    Picture("walker", Box(228, 137, 224, 394), mirrored=True),
    Picture("zebra", Box(138, 489, 424, 64)),
)


def _ended(whole: Sign, bar: Picture) -> Sign:
    """The end of what a sign says: a red bar over it."""
    return replace(whole, layers=(*whole.layers, bar))


SPECIAL: dict[str, Sign] = {
    "5.3": _CARS_ONLY,
    "5.4": _ended(_CARS_ONLY, _UPRIGHT_BAR),
    "5.5": _ONE_WAY,
    "5.6": _ended(_ONE_WAY, _SQUARE_BAR),
    "5.7.1": _TO_ONE_WAY,
    "5.7.2": mirror(_TO_ONE_WAY, 1050),
    "5.8": _REVERSIBLE,
    "5.9": _ended(_REVERSIBLE, _SQUARE_BAR),
    "5.11.1": _BUS_LANE,
    "5.12.1": _ended(_BUS_LANE, _SQUARE_BAR),
    "5.14": sign(
        "blue-square",
        Picture("arrow-up-short", Box(257, 69, 186, 281), "white"),
        Picture("bus-rear", Box(245, 374, 210, 259), "white"),
    ),
    "5.15.1": sign(
        "blue-2x1",
        Picture("lanes-three", Box(77, 70, 1256, 614), "white"),
        Picture("lane-dashes-low", Box(465, 328, 27, 356), "white"),
        Picture("lane-dashes-low", Box(908, 328, 27, 356), "white"),
    ),
    "5.15.2": sign(
        "blue-square",
        Picture("arrow-up-long", Box(257, 69, 186, 618), "white"),
        Picture("lanes-marked", Box(164, 325, 372, 362), "white"),
    ),
    "5.15.3": sign(
        "blue-square",
        Picture("lane-begins", Box(129, 69, 442, 618), "white"),
        Picture("lane-dashes-above", Box(339, 13, 22, 266), "white"),
    ),
    "5.15.5": sign(
        "blue-square",
        Picture("lane-ends", Box(108, 71, 429, 616), "white"),
        Picture("lane-dashes", Box(339, 419, 22, 268), "white"),
    ),
    "5.15.7": sign("blue-2x1", Picture("lanes-oncoming", Box(149, 17, 1101, 666), "white")),
    "5.16": sign("service", Picture("bus-side", Box(111, 336, 479, 233))),
    "5.17": sign("service", Picture("tram-side", Box(111, 262, 479, 348))),
    "5.18": sign(
        "service",
        Text("такси", Box(176, 266, 348, 83), weight="Semibold", spacing=0.14),
        Picture("taxi-lamp", Box(306, 424, 88, 30)),
        Picture("car-front", Box(213, 447, 274, 249)),
    ),
    "5.19.1": _CROSSING,
    "5.19.2": mirror(_CROSSING),
    "5.20": sign(
        "blue-square",
        Picture("triangle-field", _TRIANGLE, "white"),
        Picture("hump", Box(124, 406, 453, 90)),
    ),
    "5.21": _LIVING_ZONE,
    "5.22": _ended(_LIVING_ZONE, _UPRIGHT_BAR),
}
