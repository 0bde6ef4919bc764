"""Groups 1 to 4 of GOST R 52290: warning, priority, prohibitory and mandatory signs."""

from dataclasses import replace

from raresign.signs.drawing.parts import Box, Inset, Picture, Sign, Text, mirror, sign

_WIDTH = 834  # of the triangle's drawing
_PERCENT = Box(290, 375, 300, 120)  # of the percent along a slope
_BEND = sign("warning", Picture("bend-right", Box(349, 274, 189, 378)))
_BENDS = sign("warning", Picture("bends-right", Box(268, 309, 263, 343)))
_RIGHT_EDGE = Picture("road-edge-narrowing", Box(433, 254, 127, 388))
_NARROWING = sign("warning", Picture("road-edge", Box(342, 254, 59, 388)), _RIGHT_EDGE)
_RIGHT = sign("warning", Picture("junction-right", Box(371, 254, 205, 391)))
_AHEAD_RIGHT = sign("warning", Picture("junction-ahead-right", Box(371, 254, 182, 391)))
_BEHIND_RIGHT = sign("warning", Picture("junction-behind-right", Box(371, 254, 238, 391)))
_LEFT_TRUCK = Box(109, 203, 208, 260)
_LEFT_CAR = Box(109, 271, 212, 192)
_RIGHT_CAR = Box(379, 271, 212, 192)
_NO_TURN = sign("prohibition-slash", Picture("turn-right", Box(182, 124, 370, 428)))
_SPEED = Box(158, 217, 384, 266)
_PASS = sign("mandatory", Picture("arrow-down-right", Box(79, 79, 454, 454), "white"))
_PASS_RIGHT = Picture("arrow-down-right-short", Box(350, 211, 247, 247), "white")
_FROM_EDGE = sign("mandatory", Picture("arrow-right-from-edge", Box(0, 259.5, 608, 181), "white"))
_TURN = sign("mandatory", Picture("turn-right-from-edge", Box(181, 212, 428, 488), "white"))
_STRAIGHT_OR_RIGHT = sign(
    "mandatory", Picture("straight-or-right-from-edge", Box(214, 67, 395, 633), "white")
)
_DANGER_TRUCK = Picture("danger-truck", Box(219, 132, 262, 414))
_SMALL_DISC = Box(176, 621, 348, 348)
_DANGER_RIGHT = sign("white-upright", _DANGER_TRUCK, Inset("4.1.2", _SMALL_DISC))

GROUPS_1_TO_4: dict[str, Sign] = {
    # 1: warning
    "1.1": sign("warning", Picture("fence", Box(244, 414, 346, 205))),
    "1.2": sign("warning", Picture("locomotive", Box(210, 161, 374, 483))),
    "1.5": sign("warning", Picture("tram-side", Box(212, 326, 410, 298))),
    "1.6": sign("warning", Picture("crossing-roads", Box(270, 345, 293, 293))),
    "1.7": sign("warning", Picture("roundabout-ahead", Box(261, 283, 348, 345))),
    "1.8": sign("warning", Picture("traffic-light", Box(350, 235, 134, 400))),
    "1.10": sign(
        "warning",
        Picture("river-bank", Box(117, 430, 598, 214)),
        Picture("car-side", Box(300, 332, 251, 129), mirrored=True, turn=-15),
    ),
    "1.11.1": _BEND,
    "1.11.2": mirror(_BEND, _WIDTH),
    "1.12.1": _BENDS,
    "1.12.2": mirror(_BENDS, _WIDTH),
    "1.13": sign(
        "warning",
        Picture("slope-down", Box(114, 437, 599, 212)),
        Text("{value}%", _PERCENT, weight="Semibold", turn=23.8),
    ),
    "1.14": sign(
        "warning",
        Picture("slope-down", Box(114, 437, 599, 212), mirrored=True),
        Text("{value}%", _PERCENT.mirrored(_WIDTH), weight="Semibold", turn=-23.8),
    ),
    "1.15": sign(
        "warning",
        Picture("car-rear", Box(318, 280, 212, 192), turn=7),
        Picture("skid-marks", Box(251, 476, 396, 171)),
    ),
    "1.16": sign("warning", Picture("rough-road", Box(104, 485, 626, 167))),
    "1.17": sign("warning", Picture("hump", Box(150, 511, 534, 105))),
    "1.18": sign("warning", Picture("car-throwing-gravel", Box(147, 344, 523, 278))),
    "1.19": sign(
        "warning",
        Picture("roadside-gravel", Box(176, 552, 391, 71)),
        Picture("car-rear", Box(362, 368, 212, 192), turn=7),
    ),
    "1.20.1": sign("warning", _RIGHT_EDGE, replace(_RIGHT_EDGE, mirrored=True)),
    "1.20.2": _NARROWING,
    "1.20.3": mirror(_NARROWING, _WIDTH),
    "1.21": sign(
        "warning",
        Picture("arrow-up", Box(407, 277, 156, 365)),
        Picture("arrow-up", Box(270, 287, 156, 365), turn=180),
    ),
    "1.22": sign(
        "warning",
        Picture("walker", Box(285, 190, 242, 430), mirrored=True),
        Picture("zebra", Box(188, 576, 458, 68)),
    ),
    "1.23": sign("warning", Picture("children", Box(224, 258, 431, 362))),
    "1.25": sign("warning", Picture("road-worker", Box(269, 258, 438, 386)), field="yellow"),
    "1.26": sign("warning", Picture("cow", Box(275, 339, 341, 301))),
    "1.27": sign("warning", Picture("deer", Box(281, 194, 316, 461))),
    "1.30": sign("warning", Picture("aeroplane", Box(189, 205, 468, 416))),
    "1.31": sign("warning", Picture("tunnel", Box(235, 323, 365, 321))),
    "1.33": sign("warning", Picture("exclamation", Box(362, 231, 111, 414))),
    # 2: priority
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
    # 3: prohibitory
    "3.1": sign("no-entry", Picture("bar", Box(110, 282, 480, 136), "white")),
    "3.2": sign("prohibition"),
    "3.3": sign("prohibition", Picture("car-front", Box(170, 193, 360, 328))),
    "3.4": sign(
        "prohibition",
        Picture("truck-tall", Box(118, 200, 460, 283)),
        Text("{value}[т]", Box(302, 242, 252, 103), "white"),
    ),
    "3.5": sign("prohibition", Picture("motorcycle", Box(130, 230, 440, 240))),
    "3.6": sign("prohibition", Picture("tractor", Box(125, 180, 440, 327))),
    "3.7": sign("prohibition", Picture("trailer", Box(113, 271, 406, 181))),
    "3.9": sign("prohibition", Picture("bicycle", Box(130, 215, 440, 270))),
    "3.10": sign("prohibition-slash", Picture("walker", Box(224, 114, 252, 450))),
    "3.11": sign("prohibition", Text("{value}[т]", Box(125, 233, 450, 250))),
    "3.12": sign(
        "prohibition",
        Text("{value}[т]", Box(165, 170, 370, 160)),
        Picture("axle", Box(145, 385, 410, 142)),
    ),
    "3.13": sign(
        "prohibition",
        Picture("height-limit", Box(291, 92, 118, 516)),
        Text("{value}", Box(180, 166, 340, 180)),
        Text("м", Box(294, 381, 112, 132), weight="Semibold"),
    ),
    "3.14": sign(
        "prohibition",
        Picture("width-limit", Box(92, 291, 516, 118)),
        Text("{value}[м]", Box(174, 265, 352, 170)),
    ),
    "3.15": sign(
        "prohibition",
        Picture("truck-side", Box(140, 180, 420, 218)),
        Picture("length-limit", Box(142, 445, 416, 80)),
        Text("{value}[м]", Box(242, 433, 216, 96)),
    ),
    "3.16": sign(
        "prohibition",
        Text("{value}[м]", Box(215, 130, 270, 110)),
        Picture("cars-apart", Box(0, 0, 700, 700)),
    ),
    "3.18.1": _NO_TURN,
    "3.18.2": mirror(_NO_TURN),
    "3.19": sign("prohibition-slash", Picture("u-turn-left", Box(148, 102, 349, 462))),
    "3.20": sign(
        "prohibition", Picture("car-rear", _LEFT_CAR, "red"), Picture("car-rear", _RIGHT_CAR)
    ),
    "3.21": sign(
        "end", Picture("car-rear", _LEFT_CAR, "grey"), Picture("car-rear", _RIGHT_CAR, "grey")
    ),
    "3.22": sign(
        "prohibition", Picture("truck-rear", _LEFT_TRUCK, "red"), Picture("car-rear", _RIGHT_CAR)
    ),
    "3.23": sign(
        "end", Picture("truck-rear", _LEFT_TRUCK, "grey"), Picture("car-rear", _RIGHT_CAR, "grey")
    ),
    "3.24": sign("prohibition", Text("{value}", _SPEED)),
    "3.25": sign("end", Text("{value}", _SPEED, "grey")),
    "3.27": sign("no-stopping"),
    "3.28": sign("no-parking"),
    "3.29": sign("no-parking", Picture("bar-upright", Box(316, 136, 67, 428), "white")),
    "3.30": sign(
        "no-parking",
        Picture("bar-upright", Box(260, 136, 67, 428), "white"),
        Picture("bar-upright", Box(373, 136, 67, 428), "white"),
    ),
    "3.31": sign("end"),
    "3.32": sign("prohibition", Picture("danger-truck", Box(226, 161, 248, 391))),
    "3.33": sign(
        "prohibition",
        Picture("explosion", Box(204, 91, 298, 202)),
        Picture("car-front", Box(214, 293, 272, 249)),
    ),
    "3.34": sign("prohibition", Picture("bus-side", Box(117, 241, 460, 223))),
    "3.35": sign("prohibition", Picture("kick-scooter", Box(210, 219, 295, 231))),
    # 4: mandatory
    "4.1.1": sign("mandatory", Picture("arrow-up-from-edge", Box(259.5, 92, 181, 608), "white")),
    "4.1.2": _TURN,
    "4.1.2.1": _FROM_EDGE,
    "4.1.2.2": mirror(_FROM_EDGE),
    "4.1.3": mirror(_TURN),
    "4.1.4": _STRAIGHT_OR_RIGHT,
    "4.1.5": mirror(_STRAIGHT_OR_RIGHT),
    "4.1.6": sign("mandatory", Picture("left-or-right-from-edge", Box(69, 212, 562, 488), "white")),
    "4.2.1": _PASS,
    "4.2.2": mirror(_PASS),
    "4.2.3": sign("mandatory", _PASS_RIGHT, replace(_PASS_RIGHT, mirrored=True)),
    "4.3": sign("mandatory", Picture("roundabout", Box(58, 117, 530, 526), "white")),
    "4.5.1": sign("mandatory", Picture("walker", Box(216, 118, 252, 448), "white")),
    "4.8.2": _DANGER_RIGHT,
    "4.8.3": mirror(_DANGER_RIGHT),
}
