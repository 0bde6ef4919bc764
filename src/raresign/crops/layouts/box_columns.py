"""Finds out which columns of a table are a box, by their names; what looks like one is no guess."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from raresign.crops.layouts.annotation import Form
from raresign.crops.layouts.percent import without_percent
from raresign.errors import InputError
from raresign.language.spoken import _, ngettext

# Words of a name that say nothing of which number of a box it is.
_PLAIN = (
    r"(?:roi|bbox|bndbox|boundingbox|box|bb|rect|rectangle|region|sign|object|obj|pixel|px|col|row|"
    r"value|coord|coordinate|corner|pos|position)"
)
_WHOLE_BOX = (
    r"b?box|bboxes|bndbox|boundingbox|roi|rect|xywh|xyxy|coordinates|coords|polygon|points|geometry|"
    r"segmentation|regionshapeattributes|vertices"
)
_PICTURE = r"(?:image|img|frame|picture|photo|original|orig|source|src)"
_LOW = r"(?:min|from|start|begin|left|top|tl|tlx|ul|lt|topleft|upperleft|lefttop|upper|low|1st)"
_HIGH = r"(?:max|to|end|stop|right|bottom|br|lr|rb|bottomright|lowerright|rightbottom|lower|high)"
_MIDDLE = r"(?:c|centre|center|mid|middle|mean)"


@dataclass(frozen=True)
class BoxColumns:
    """The columns of a box.

    Args:
        columns: Four columns; or one that holds all four numbers.
        form: What they are.
        stated: Columns of the width and height of the whole picture; () if there are none.
    """

    columns: tuple[str, ...]
    form: Form
    stated: tuple[str, ...] = ()


def box_columns(header: Sequence[str], source: object) -> BoxColumns | None:
    """The box of a table with these columns; None if nothing in it looks like one.

    Args:
        header: Names of the columns.
        source: For the message.

    Raises:
        InputError: Columns look like a part of a box, or like two boxes.

    Example:
        >>> box_columns(["path", "x_from", "y_from", "width", "height", "class"], "a.csv")
        BoxColumns(columns=('x_from', 'y_from', 'width', 'height'), form='size', stated=())
        >>> box_columns(["Width", "Height", "Roi.X1", "Roi.Y1", "Roi.X2", "Roi.Y2"], "a.csv").stated
        ('Width', 'Height')
        >>> box_columns(["path", "class"], "a.csv")
    """
    roles: dict[str, list[str]] = {}
    for name in header:
        if role := _role(name):
            roles.setdefault(role, []).append(name)
    _number(roles)
    single = roles.pop("box", [])
    stated = tuple(roles[key][0] for key in ("frame width", "frame height") if key in roles)
    sides = tuple(roles.get(key, []) for key in ("width", "height"))
    marks = [name for key in _MARKS for name in roles.get(key, [])]
    for keys, kind in _QUADS:
        if not all(roles.get(key) for key in keys):
            continue
        used = tuple(roles[key][0] for key in keys)
        rest = [name for name in marks if name not in used]
        if kind != "corners":
            if rest:
                continue
            return BoxColumns(used, kind, stated)
        if rest:
            raise InputError(
                f"{source}: {', '.join(used)} look like a box, and so does {', '.join(rest)}",
                "keep the columns of one box, called x0, y0, x1, y1",
            )
        frame = tuple(side[0] for side in sides if side)
        return BoxColumns(used, kind, stated if len(stated) == 2 else frame)
    if single and not marks:
        if len(single) > 1:
            raise InputError(f"{source}: {', '.join(single)} all look like boxes", "keep one")
        form: Form = "corners" if "xyxy" in single[0].lower() else "size"
        return BoxColumns((single[0],), form, stated)
    words = [name for name in marks if not re.search(r"[xy]", name.lower())]
    if len(marks) > (1 if words == marks else 0):
        raise InputError(
            ngettext(
                "{source}: the column {columns} looks like part of a box, but a box has four",
                "{source}: the columns {columns} look like part of a box, but a box has four",
                len(marks),
            ).format(source=source, columns=", ".join(marks)),
            _(
                "call the corners x0, y0, x1, y1 (or x, y, width, height); if they are no box, "
                "rename or remove them"
            ),
        )
    return None


_MARKS = ("x low", "y low", "x high", "y high", "x", "y", "x middle", "y middle")
_QUADS: tuple[tuple[tuple[str, ...], Form], ...] = (
    (("x low", "y low", "x high", "y high"), "corners"),
    (("x", "y", "x high", "y high"), "corners"),
    (("x low", "y low", "width", "height"), "size"),
    (("x middle", "y middle", "width", "height"), "centre"),
    (("x", "y", "width", "height"), "size"),
)


def _role(name: str) -> str:
    """Which number of a box a column's name stands for, "" if none."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", without_percent(name))
    words = [word for word in re.split(r"[\W_]+", spaced.lower()) if word]
    bare = "".join(words)
    if re.fullmatch(_WHOLE_BOX, bare):
        return "box"
    picture = re.match(_PICTURE, bare)
    bare = re.sub(_PICTURE, "", bare, count=1) if picture else bare
    plain = re.sub(f"^{_PLAIN}+", "", bare) or bare
    plain = re.sub(f"{_PLAIN}+$", "", plain) or plain
    if re.fullmatch(r"w|width|h|height|wid|hei", plain):
        side = "width" if plain[0] == "w" else "height"
        return f"frame {side}" if picture else side
    if picture:
        return ""
    for axis in ("x", "y"):
        if plain == axis:
            return axis
        if re.fullmatch(rf"{axis}\d|\d{axis}", plain):
            return f"{axis} {plain.strip(axis)}"
        for ends, role in ((_LOW, "low"), (_HIGH, "high"), (_MIDDLE, "middle")):
            if re.fullmatch(rf"(?:{ends})+(?:corner)?{axis}|{axis}(?:{ends})+", plain):
                return f"{axis} {role}"
    compass = {"left": "x low", "right": "x high", "top": "y low", "bottom": "y high"}
    # CVAT's xtl, ytl, xbr, ybr and the like come under the patterns above.
    return compass.get(plain, "")


def _number(roles: dict[str, list[str]]) -> None:
    """x0 and x1, or x1 and x2: the smaller number is the low end."""
    for axis in ("x", "y"):
        numbered = sorted(key for key in roles if re.fullmatch(rf"{axis} \d", key))
        for key, role in zip(numbered, ("low", "high"), strict=False):
            roles.setdefault(f"{axis} {role}", []).extend(roles.pop(key))
        for key in numbered[2:]:
            roles.setdefault(axis, []).extend(roles.pop(key))
