"""The Russian catalogue: the reference system's 205 classes, drawn, with their variants."""

from __future__ import annotations

import json
from importlib import resources

from raresign.signs.countries.drawings import Standard
from raresign.signs.countries.russia.drawn_signs import SIGNS
from raresign.signs.countries.russia.frames import FRAMES
from raresign.signs.countries.russia.looks import VALUES, variants

_CLASSES = json.loads(
    resources.files("raresign.signs.countries.russia")
    .joinpath("classes.json")
    .read_text(encoding="utf-8")
)

GOST = Standard(
    name="gost",
    country="RU",
    title="Russian signs, GOST R 52290-2004",
    frames=FRAMES,
    signs=SIGNS,
    classes={code: (row["id"], row["type"]) for code, row in _CLASSES.items()},
    variants=variants(),
    values=VALUES,
)
