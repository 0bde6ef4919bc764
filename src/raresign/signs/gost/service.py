"""Group 7 of GOST R 52290: service signs."""

from __future__ import annotations

from raresign.signs.parts import Box, Picture, Sign, Text, sign

SERVICE: dict[str, Sign] = {
    "7.1": sign("service", Picture("red-cross", Box(209, 319, 282, 280), "red")),
    "7.2": sign(
        "service",
        Picture("red-cross", Box(262, 262, 176, 174), "red"),
        Picture("bed", Box(111, 438, 479, 258)),
    ),
    "7.3": sign(
        "service",
        Picture("fuel-pump", Box(131, 242, 438, 434)),
        Text("800[м]", Box(156, 827, 389, 115), "white"),
    ),
    "7.4": sign(
        "service",
        Picture("wrench", Box(233, 221, 192, 499)),
        Text("100[м]", Box(94, 827, 332, 115), "white"),
        Picture("arrow-right-short", Box(483, 831, 135, 106), "white"),
    ),
    "7.5": sign(
        "service",
        Picture("shower", Box(135, 221, 430, 475)),
        Picture("car-rear", Box(213, 450, 274, 246)),
    ),
    "7.6": sign("service", Picture("handset", Box(156, 221, 393, 467))),
    "7.7": sign("service", Picture("fork-and-knife", Box(209, 221, 270, 475))),
    "7.11": sign(
        "service",
        Picture("fir-tree", Box(291, 262, 295, 413)),
        Picture("bench", Box(131, 589, 111, 86)),
    ),
    "7.12": sign("service", Text("ДПС", Box(119, 383, 454, 188), weight="Semibold")),
    "7.14": sign(
        "service",
        Picture("truck-side", Box(176, 266, 348, 181)),
        Picture("bus-side", Box(180, 495, 344, 168)),
        Text("Транспортный", Box(54, 772, 598, 92), "white", narrowest=1, weight="Semibold"),
        Text("контроль", Box(158, 862, 384, 92), "white", weight="Semibold"),
    ),
    "7.15": sign(
        "service",
        Text("Радио", Box(115, 385, 471, 137), weight="Semibold"),
        Text("68,0", Box(217, 770, 266, 112), "white"),
        Text("МГц", Box(225, 896, 250, 105), "white"),
    ),
    "7.18": sign("service", Text("WC", Box(168, 370, 364, 178))),
}
