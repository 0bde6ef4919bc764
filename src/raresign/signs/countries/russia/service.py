"""Group 7 of GOST R 52290: service signs."""

from __future__ import annotations

from raresign.signs.drawing.parts import Box, Picture, Sign, Text, sign

SERVICE: dict[str, Sign] = {
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
}
