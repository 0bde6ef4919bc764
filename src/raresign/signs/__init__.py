"""Signs drawn by us: pictograms, frames and lettering, composed by a country's table."""

from __future__ import annotations

from raresign.signs.icon_folder import (
    drawn_catalogue,
    drawn_icons,
    joined_icons,
    write_catalogue,
    write_icons,
)
from raresign.signs.render import render_sign
from raresign.signs.standard import STANDARDS, Standard, standard

__all__ = [
    "STANDARDS",
    "Standard",
    "drawn_catalogue",
    "drawn_icons",
    "joined_icons",
    "render_sign",
    "standard",
    "write_catalogue",
    "write_icons",
]
