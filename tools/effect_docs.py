"""Writes the part of docs/synthesis.md that explains every effect, from the code's own docstrings.

python tools/effect_docs.py   after tools/pictures.py, which draws the pictures
"""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

from raresign import load_preset
from raresign.synthesis.effect import Effect
from raresign.synthesis.groups import GROUPS
from raresign.synthesis.preset import RoadPreset

PAGE = Path("docs/synthesis.md")
BEGIN = "<!-- effects: written by `python tools/effect_docs.py` -->\n"
END = "<!-- end of effects -->\n"


def main() -> None:
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(before + BEGIN + effects() + END + after, encoding="utf-8")
    print(f"wrote {PAGE}")


def effects() -> str:
    """A section for each effect of the preset `road`, in the order of the light."""
    preset = load_preset("road")
    assert isinstance(preset, RoadPreset)
    group_of = {name: group for group, names in GROUPS.items() for name in names}
    return "".join(
        section(name, effect, group_of[name]) for name, effect in preset.effects().items()
    )


def section(name: str, effect: Effect, group: str) -> str:
    happens = f"{effect.probability:.0%} of the crops" if effect.probability else "off in `road`"
    lines = [f"\n### {name}\n", f"*{group}, {happens}.* {prose(effect)}\n"]
    lines.append(f"![{name}: without above, with below](images/effects/{name}.webp)\n")
    lines += ["| range | in `road` | what it is |", "|---|---|---|"]
    notes = field_notes(type(effect))
    for field in type(effect).model_fields:
        if field != "probability":
            value = getattr(effect, field)
            shown = f"[{', '.join(f'{v:g}' for v in value)}]" if isinstance(value, tuple) else value
            lines.append(f"| `{field}` | `{shown}` | {notes.get(field, '')} |")
    return "\n".join(lines) + "\n"


def prose(effect: Effect) -> str:
    """The docstring of an effect's class up to its example, in one paragraph."""
    text = inspect.getdoc(type(effect)) or ""
    return " ".join(re.split(r"\n\s*(?:Example|Args):", text)[0].split())


def field_notes(effect: type[Effect]) -> dict[str, str]:
    """The string below each field, which pydantic does not keep."""
    body = ast.parse(inspect.getsource(effect)).body[0]
    assert isinstance(body, ast.ClassDef)
    notes: dict[str, str] = {}
    for field, below in zip(body.body, [*body.body[1:], None], strict=True):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            notes[field.target.id] = " ".join(str(below.value.value).split())
    return notes


if __name__ == "__main__":
    main()
