"""The Russian catalogue: the reference system's 205 classes, drawn, with their variants."""

from __future__ import annotations

import json
from importlib import resources

from raresign.signs.gost.frames import FRAMES
from raresign.signs.gost.table import SIGNS
from raresign.signs.gost.variants import VALUES, variants
from raresign.signs.standard import Standard

_CLASSES = json.loads(
    resources.files("raresign.signs.gost").joinpath("classes.json").read_text(encoding="utf-8")
)

GOST = Standard(
    name="gost",
    title="Russian signs, GOST R 52290-2004",
    frames=FRAMES,
    signs=SIGNS,
    classes={code: (row["id"], row["type"]) for code, row in _CLASSES.items()},
    variants=variants(),
    values=VALUES,
)
