"""What is said of an effect and its ranges: how often it happens, what a range is, its unit."""

from __future__ import annotations

import ast
import inspect
import re
from functools import cache

from raresign.synthesis.effect import Effect

_UNITS = {
    r"degrees": "degrees",
    r"[Rr]adians": "radians",
    r"half plate widths": "half plate widths",
    r"plate widths": "plate widths",
    r"half crops": "half crops",
    r"widths of the sign": "sign widths",
    r"pixels": "pixels",
    r"[Nn]atural logarithm": "natural logarithm",
    r"\b[Ss]hare\b": "share",
}
"""Words of a note -> the unit that they mean."""


def how_often(effect: Effect) -> str:
    """On how many crops a preset has an effect.

    Example:
        >>> from raresign.synthesis.effects.readout import ToneCurve
        >>> how_often(ToneCurve(probability=0.3)), how_often(ToneCurve(probability=0))
        ('30 % of the crops', 'off')
    """
    return f"{100 * effect.probability:.3g} % of the crops" if effect.probability else "off"


@cache
def field_notes(effect: type[Effect]) -> dict[str, str]:
    """The string below each field of an effect, which pydantic does not keep."""
    body = ast.parse(inspect.getsource(effect)).body[0]
    assert isinstance(body, ast.ClassDef)
    notes: dict[str, str] = {}
    for field, below in zip(body.body, [*body.body[1:], None], strict=True):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            notes[field.target.id] = " ".join(str(below.value.value).split())
    return notes


def unit_of(effect: type[Effect], field: str) -> str:
    """The unit of a field as its note says it; "" for a plain number.

    Example:
        >>> from raresign.synthesis.effects.geometry import Pose
        >>> unit_of(Pose, "rotation"), unit_of(Pose, "stretch"), unit_of(Pose, "distance")
        ('degrees', 'natural logarithm', 'half plate widths')
    """
    note = field_notes(effect).get(field, "")
    return next((unit for words, unit in _UNITS.items() if re.search(words, note)), "")
