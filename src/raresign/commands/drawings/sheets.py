"""Sheets of drawn signs: all of a catalogue, and drawings beside official icons."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from raresign.commands.drawings.tables import icon_pairs
from raresign.commands.picture_page import Cell, Row, draw_page, rows_of
from raresign.files import whole_file
from raresign.signs.countries.drawn_folder import drawn_icons
from raresign.signs.countries.registry import standard
from raresign.signs.icons.icon_file import Pixels, icon_files, load_icon
from raresign.signs.values import in_order

_LARGE = 200
_SMALL = (64, 32)  # at which drawings stand beside icons, besides large
_TILE, _ACROSS = 96, 15  # of the sheet of all signs
_PAIRS, _COLUMNS = 48, 4  # of a page of pairs
_PAPER = 200


def sign_sheets(
    out: str | Path, name: str = "gost", codes: Sequence[str] = (), icons: str | Path | None = None
) -> list[Path]:
    """Draw `signs.png` and `variants.png`; with `icons` also pages of pairs.

    Args:
        out: Folder for the pictures, which are returned.
        codes: Such as "3.24.n55"; all classes unless given.
        icons: Folder of official icons: `pairs-1.png`, ... show icon and drawing at 200, 64 and
            32 px.

    Raises:
        InputError: No such standard or sign, or no such folder.
    """
    signs = standard(name)
    shown = sorted(dict.fromkeys(codes or signs.codes), key=in_order)
    files = icon_files(drawn_icons(name, shown))
    tiles = {path: _on_paper(load_icon(path), _TILE) for code in shown for path in files[code]}
    mains = [Cell(tiles[files[code][0]], code) for code in shown]
    pages = {"signs.png": draw_page(signs.title, "", rows_of(mains, _ACROSS))}
    varied = [code for code in shown if len(files[code]) > 1]
    if varied:
        rows = [
            Row(code, [Cell(tiles[path], path.stem.partition("@")[2]) for path in files[code]])
            for code in varied
        ]
        pages["variants.png"] = draw_page(signs.title, "the sign, then its variants", rows, 2)
    if icons is not None:
        pages |= _pages_of_pairs(name, Path(icons), codes)
    for file, page in pages.items():
        with whole_file(Path(out) / file) as temporary:
            page.save(temporary, format="PNG")
    return [Path(out) / file for file in pages]


def _pages_of_pairs(name: str, icons: Path, codes: Sequence[str]) -> dict[str, Image.Image]:
    """Icon and drawing side by side."""
    signs = standard(name)
    rows = []
    for code, pair in icon_pairs(icons, name, codes, 400).items():
        width, height = signs.size(code)
        shaped = [_shaped(picture, width / height) for picture in pair]
        cells = [Cell(_on_paper(picture, _LARGE)) for picture in shaped]
        rows.append(Row(code, [*cells, Cell(_small(shaped))]))
    pages = {}
    for number, first in enumerate(range(0, len(rows), _PAIRS), 1):
        note = "left the icon, right our drawing; at 200, 64 and 32 px"
        page = draw_page(signs.title, note, rows[first : first + _PAIRS], _COLUMNS)
        pages[f"pairs-{number}.png"] = page
    return pages


def _shaped(picture: Pixels, aspect: float) -> Pixels:
    """A square picture in the shape of its sign."""
    side = len(picture)
    size = (side, round(side / aspect)) if aspect >= 1 else (round(side * aspect), side)
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def _small(pair: list[Pixels]) -> Pixels:
    """Both pictures at both small sides, in one square."""
    half = _LARGE // 2
    rows = [np.hstack([_on_paper(picture, half, side) for picture in pair]) for side in _SMALL]
    return np.vstack(rows)


def _on_paper(picture: Pixels, tile: int, side: int | None = None) -> Pixels:
    """A picture, its longer side `side` px, in the middle of a grey square: (tile, tile, 3)."""
    drawn = Image.fromarray(np.ascontiguousarray(picture))
    scale = (side or tile - 4) / max(drawn.size)
    width, height = (max(1, round(length * scale)) for length in drawn.size)
    drawn = drawn.resize((width, height), Image.Resampling.LANCZOS)
    paper = Image.new("RGBA", (tile, tile), (_PAPER, _PAPER, _PAPER, 255))
    paper.alpha_composite(drawn, ((tile - width) // 2, (tile - height) // 2))
    return np.asarray(paper.convert("RGB"))
