"""The Russian catalogue: the published system's 205 classes, drawn, with the looks of the road."""

from __future__ import annotations

from dataclasses import replace

from raresign.signs.countries.country import read_table
from raresign.signs.countries.russia.frames import FRAMES
from raresign.signs.countries.russia.groups_1_to_4 import GROUPS_1_TO_4
from raresign.signs.countries.russia.groups_5_to_8 import GROUPS_5_TO_8
from raresign.signs.countries.standard import Standard
from raresign.signs.drawing.parts import Box, Inset, Picture, Sign, Text, mirror, sign

SIGNS: dict[str, Sign] = {**GROUPS_1_TO_4, **GROUPS_5_TO_8}
"""Base code -> drawing."""

# Yellow ground at road works: traffic rules of the Russian Federation, appendix 1, last paragraphs.
_TEMPORARY = (
    *("1.8", "1.15", "1.16", "1.18", "1.19", "1.20.1", "1.20.2", "1.20.3", "1.21", "1.33", "2.6"),
    *("3.11", "3.12", "3.13", "3.14", "3.15", "3.16", "3.18.1", "3.18.2", "3.19"),
    *("3.20", "3.21", "3.22", "3.23", "3.24", "3.25"),
)
# On boards of film: warning and prohibitory signs where drivers overlook them, and 5.19.
_BOARDED = ("warning", "prohibition", "prohibition-slash", "no-entry", "no-parking", "no-stopping")

# Bends of straight strokes, as older signs have them; seen on training crops of RTSD-R1.
_ZIGZAG = sign("warning", Picture("zigzag-right", Box(312, 345, 210, 280)))
_BOARDS = {"yellow-board": "yellow", "green-board": "greenyellow"}

# What a sign whose code names no value shows on the road, commonest first.
_VALUES: dict[str, tuple[str, ...]] = {
    "1.13": ("n12", "n10", "n8", "n6", "n9"),
    "1.14": ("n10", "n12", "n8", "n6", "n9"),
    "3.11": ("n10", "n15", "n30", "r3.5", "n7"),
    "3.12": ("n8", "n7", "n4", "n12", "r11.5"),
    "3.13": ("r3.2", "r4.4", "r2.8", "r3.8", "r2.2", "r4.8"),
    "3.14": ("r2.5", "r3.2", "r2.3", "n2", "r2.2"),
    "3.15": ("n10", "n12", "n15", "n20"),
    "3.16": ("n70", "n50", "n20", "n10", "n30"),
    "3.24": ("n90", "n15", "n100", "n110", "n25", "n35", "n120"),
    "3.25": ("n60", "n30", "n90", "n10", "n5"),
    "6.2": ("n30", "n80", "n90", "n10", "n100"),
    "8.1.1": ("n300", "n100", "n200", "n50", "n150", "n500"),
    "8.1.3": ("n100", "n50", "n200", "n300", "n20"),
    "8.1.4": ("n300", "n100", "n50", "n200", "n20"),
    "8.2.1": ("n100", "n200", "n500", "n300", "n50", "n700"),
    "8.2.2": ("n10", "n20", "n30", "n50", "n15"),
    "8.5.4": ("t0800-1730", "t0900-1800", "t0700-2200", "t0800-2000", "t1000-1900"),
}


def _variants() -> dict[str, dict[str, Sign]]:
    """Base code -> variant -> drawing."""
    found: dict[str, dict[str, Sign]] = {code: {} for code in SIGNS}
    found["4.1.2"]["plain"] = SIGNS["4.1.2.1"]
    found["4.1.3"]["plain"] = SIGNS["4.1.2.2"]
    found["1.12.1"]["zigzag"] = _ZIGZAG
    found["1.12.2"]["zigzag"] = mirror(_ZIGZAG, 834)
    for code in ("3.24", "3.25"):
        found[code]["light"] = _light(SIGNS[code])
    found["8.13"]["right"] = mirror(SIGNS["8.13"])
    for code in ("7.3", "7.4"):
        found[code]["bare"] = replace(SIGNS[code], layers=SIGNS[code].layers[:1])
    found["1.25"]["white"] = replace(SIGNS["1.25"], field="white")
    for code in _TEMPORARY:
        found[code]["temporary"] = replace(SIGNS[code], field="yellow")
    for code, drawn in SIGNS.items():
        if code in ("5.19.1", "5.19.2") or (code[0] in "13" and drawn.frame in _BOARDED):
            for name, colour in _BOARDS.items():
                found[code][name] = _on_board(code, colour)
    return {code: looks for code, looks in found.items() if looks}


def _light(speed: Sign) -> Sign:
    """The thinner, wider spaced digits of older signs."""
    return replace(
        speed,
        layers=tuple(
            replace(layer, weight="Semibold", spacing=0.14) if isinstance(layer, Text) else layer
            for layer in speed.layers
        ),
    )


def _on_board(code: str, colour: str) -> Sign:
    """A sign in the middle of a square board."""
    frame, board = FRAMES[SIGNS[code].frame], FRAMES["board"]
    left, top = (board.width - frame.width) / 2, (board.height - frame.height) / 2
    return sign("board", Inset(code, Box(left, top, frame.width, frame.height)), field=colour)


_CLASSES = read_table(__package__, "classes.json")

GOST = Standard(
    name="gost",
    country="RU",
    title="Russian signs, GOST R 52290-2004",
    frames=FRAMES,
    signs=SIGNS,
    classes={code: (row["id"], row["type"]) for code, row in _CLASSES.items()},
    variants=_variants(),
    values=_VALUES,
)
