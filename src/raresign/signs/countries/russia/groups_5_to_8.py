"""Groups 5 to 8 of GOST R 52290: special regulation, information, service and plates."""

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
_STAIRS = Box(13, 444, 674, 243)
_DEAD_END_RIGHT = sign("blue-square", Picture("dead-end-right", Box(180, 13, 361, 674), "white"))
_TRUCKS_RIGHT = sign(
    "blue-3x1-slim",
    Picture("truck-tall", Box(480, 53, 427, 263), "white", mirrored=True),
    Picture("arrow-right-short", Box(710, 89, 262, 170), "white"),
)
_ARROW = sign("plate", Picture("arrow-right", Box(11, 77, 628, 196)))
_WHEELCHAIR = Picture("wheelchair", Box(217, 22, 264, 305))
_SIDE_ARROW = Box(459, 110, 200, 130)


def _ended(whole: Sign, bar: Picture) -> Sign:
    """The end of what a sign says: a red bar over it."""
    return replace(whole, layers=(*whole.layers, bar))


GROUPS_5_TO_8: dict[str, Sign] = {
    # 5: special regulation
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
    # 6: information
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
    # 7: service
    "7.1": sign("service", Picture("red-cross", Box(209, 317, 282, 282), "red")),
    "7.2": sign(
        "service",
        Picture("red-cross-thin", Box(262, 262, 176, 176), "red"),
        Picture("bed", Box(111, 438, 479, 258)),
    ),
    "7.3": sign(
        "service",
        Picture("fuel-pump", Box(131, 242, 438, 434)),
        Text("800м", Box(154, 829, 392, 113), "white", weight="Semibold", spacing=0.14),
    ),
    "7.4": sign(
        "service",
        Picture("wrench", Box(233, 221, 193, 499)),
        Text("100м", Box(93, 829, 332, 113), "white", weight="Semibold", spacing=0.12),
        Picture("arrow-right-stub", Box(481, 832, 136, 107), "white"),
    ),
    "7.5": sign(
        "service",
        Picture("shower", Box(135, 221, 430, 475)),
        Picture("car-rear", Box(213, 450, 274, 246)),
    ),
    "7.6": sign("service", Picture("handset", Box(153, 219, 397, 468))),
    "7.7": sign("service", Picture("fork-and-knife", Box(209, 221, 270, 475))),
    "7.11": sign(
        "service",
        Picture("fir-tree", Box(288, 257, 300, 419)),
        Picture("bench", Box(131, 589, 111, 86)),
    ),
    "7.12": sign("service", Text("ДПС", Box(119, 378, 454, 206), weight="Semibold", spacing=0.03)),
    "7.14": sign(
        "service",
        Picture("truck-side", Box(176, 266, 348, 181)),
        Picture("bus-side", Box(180, 495, 344, 168)),
        Text("Транспортный", Box(54, 812, 592, 82), "white", weight="Semibold"),
        Text("контроль", Box(162, 902, 376, 80), "white", weight="Semibold"),
    ),
    "7.15": sign(
        "service",
        Text("Радио", Box(115, 382, 471, 150), weight="Semibold", spacing=0.03),
        Text("68,0", Box(216, 770, 268, 118), "white", weight="Semibold", spacing=0.12),
        Text("МГц", Box(224, 897, 253, 109), "white", weight="Semibold", spacing=0.08),
    ),
    "7.18": sign("service", Text("WC", Box(168, 370, 364, 178))),
    # 8: additional plates
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
