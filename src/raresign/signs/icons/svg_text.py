"""Text in SVG icons, drawn in a free font where the user asks for it.

A drawing that is to be so bears a mark in its root, so the choice travels with the file: into a run
folder, to an added class.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

from raresign.errors import InputError
from raresign.files import read_bytes, write_text
from raresign.signs.icons.lettering import missing_letters
from raresign.signs.icons.svg_guard import DRAWN_TEXT, read_svg, svg_bytes

_MOST_BYTES = 64 << 20


def lettered_icons(icons: Sequence[Path], folder: Path) -> list[Path]:
    """The icons; of an SVG that holds text a copy whose text is drawn in Source Sans.

    A warning names the icons: their author's font is another one. A file that is no SVG, holds no
    text or cannot be read stays as it is, for whoever draws it to judge.

    Args:
        icons: Files.
        folder: Where copies go, one folder each, under their own names.

    Raises:
        InputError: The font lacks a letter.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><text y="8">5</text>'
        >>> write_text(folder / "5.svg", svg + "</svg>")
        >>> with warnings.catch_warnings(record=True) as told:
        ...     (copy,) = lettered_icons([folder / "5.svg"], folder / "copies")
        >>> copy.name, copy != folder / "5.svg", len(told)
        ('5.svg', True, 1)
    """
    found, drawn = [], []
    for number, icon in enumerate(icons):
        content = _with_mark(icon) if icon.suffix.lower() == ".svg" else None
        if content is None:
            found.append(icon)
            continue
        copy = folder / str(number) / icon.name
        copy.parent.mkdir(parents=True)
        write_text(copy, content)
        found.append(copy)
        drawn.append(str(icon))
    if drawn:
        warnings.warn(
            f"the text of {', '.join(drawn)} is drawn in Source Sans, whatever its font is: look "
            "at the icons, or convert their text to paths",
            stacklevel=2,
        )
    return found


def _with_mark(icon: Path) -> str | None:
    """The drawing with the mark; None if it holds no text, or is one that will be refused."""
    try:
        root = read_svg(read_bytes(icon, _MOST_BYTES), f"icon {icon}", text=True)
    except (InputError, OSError):
        return None
    texts = ["".join(element.itertext()) for element in root.iter("text")]
    if not any(map(str.strip, texts)) or root.get(DRAWN_TEXT) is not None:
        return None
    if missing := missing_letters("".join(texts)):
        raise InputError(
            f"icon {icon}: the font that its text is drawn in lacks {missing!r}",
            "convert the text to paths",
        )
    root.set(DRAWN_TEXT, "drawn")
    return svg_bytes(root).decode()
