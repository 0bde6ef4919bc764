"""Group 3 of GOST R 52290: prohibitory signs."""

from __future__ import annotations

from raresign.signs.drawing.parts import Box, Picture, Sign, Text, mirror, sign

_LEFT_TRUCK = Box(109, 203, 208, 260)
_LEFT_CAR = Box(109, 271, 212, 192)
_RIGHT_CAR = Box(379, 271, 212, 192)
_NO_TURN = sign("prohibition-slash", Picture("turn-right", Box(182, 124, 370, 428)))
_SPEED = Box(158, 217, 384, 266)

PROHIBITORY: dict[str, Sign] = {
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
}
