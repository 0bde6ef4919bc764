"""Writes the part of docs/synthesis.md that explains every effect, from the code's own docstrings.

python tools/effect_docs.py   after tools/pictures.py, which draws the pictures
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from raresign import load_preset
from raresign.commands.synth.effect_words import field_notes, how_often, unit_of
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
    happens = how_often(effect) if effect.probability else "off in `road`"
    lines = [f"\n### {name}\n", f"*{group}, {happens}.* {prose(effect)}\n"]
    lines.append(f"![{name}: without above, with below](images/effects/{name}.webp)\n")
    lines += ["| range | in `road` | what it is |", "|---|---|---|"]
    notes = field_notes(type(effect))
    for field in type(effect).model_fields:
        if field != "probability":
            value = getattr(effect, field)
            shown = f"[{', '.join(f'{v:g}' for v in value)}]" if isinstance(value, tuple) else value
            unit = unit_of(type(effect), field)
            beside = f" {unit}" if unit else ""
            lines.append(f"| `{field}` | `{shown}`{beside} | {notes.get(field, '')} |")
    return "\n".join(lines) + "\n"


def prose(effect: Effect) -> str:
    """The docstring of an effect's class up to its example, in one paragraph."""
    text = inspect.getdoc(type(effect)) or ""
    return " ".join(re.split(r"\n\s*(?:Example|Args):", text)[0].split())


if __name__ == "__main__":
    main()
