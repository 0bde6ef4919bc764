"""Group 1 of GOST R 52290: warning signs."""

from __future__ import annotations

from dataclasses import replace

from raresign.signs.drawing.parts import Box, Picture, Sign, Text, mirror, sign

_WIDTH = 834  # of the triangle's drawing
_PERCENT = Box(290, 375, 300, 120)  # of the percent along a slope

_BEND = sign("warning", Picture("bend-right", Box(349, 274, 189, 378)))
_BENDS = sign("warning", Picture("bends-right", Box(268, 309, 263, 343)))
_RIGHT_EDGE = Picture("road-edge-narrowing", Box(433, 254, 127, 388))
_NARROWING = sign("warning", Picture("road-edge", Box(342, 254, 59, 388)), _RIGHT_EDGE)

WARNING: dict[str, Sign] = {
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
}
