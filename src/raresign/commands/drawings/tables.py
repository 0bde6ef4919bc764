"""`raresign catalogue gost`: the drawn signs as a table, as files, beside official icons."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from raresign.commands.drawings.likeness import ClosePair, aligned_similarity, closest_pairs
from raresign.errors import InputError
from raresign.signs.catalogue.classes_file import read_codes
from raresign.signs.countries.drawn_folder import drawn_icons, write_catalogue, write_icons
from raresign.signs.countries.registry import STANDARDS, country, standard
from raresign.signs.icons.icon_file import Pixels, icon_files, load_icon
from raresign.signs.icons.png_icon import IconWarning
from raresign.signs.values import in_order

_COMPARED, _SMALL = 128, 32


@dataclass(frozen=True)
class DrawnRow:
    """One drawn class, as a user wants to see it.

    Args:
        id, type: As in the published system; None for a code that is no class of it.
        values: Whether any value may follow its code.
        variants: Names of its other drawings.
    """

    code: str
    id: int | None
    name: str
    russian: str
    type: str | None
    family: str
    twin: str | None
    values: bool
    variants: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def drawn_rows(name: str = "gost", codes: Sequence[str] = ()) -> list[DrawnRow]:
    """The classes of a standard, or any signs of it.

    Args:
        codes: Such as "3.24.n55"; all classes unless given.

    Raises:
        InputError: No such standard or sign, or its value does not fit.

    Example:
        >>> drawn_rows("gost", ["3.24.n55"])[0].name
        'Speed limit 55 km/h'
    """
    signs = standard(name)
    for code in codes:
        signs.svg(code)
    shown = sorted(dict.fromkeys(codes or signs.codes), key=in_order)
    known = country(signs.country)
    rows = []
    for code in shown:
        number, type_ = signs.classes.get(code, (None, None))
        name, russian = (known.name(code, language) or code for language in ("en", "ru"))
        facts = (code, number, name, russian, type_, known.family(code) or "")
        values, variants = signs.takes_values(code), signs.variants_of(code, shown)
        rows.append(DrawnRow(*facts, known.twin(code, shown), values, variants))
    return rows


def export_signs(out: str | Path, name: str = "gost", codes: Sequence[str] = ()) -> int:
    """Write a data folder without photos: `icons/` and `classes.json`.

    A folder that has a `classes.json` keeps it and gets the icons of its classes. No file is
    overwritten, so a user's own icons are safe; what is there already is left.

    Args:
        codes: Write the icons of these signs alone, and no `classes.json`.

    Returns:
        How many files were written.

    Raises:
        InputError: No such standard or sign; `out` is no folder, or holds another icon of a class.
        OSError: The folder cannot be written.
    """
    out, signs = Path(out), standard(name)
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file", "name a folder")
    if str(out) in STANDARDS:
        raise InputError(f"a folder {out} would hide the drawn signs", "name it otherwise")
    if codes:
        return write_icons(out / "icons", signs, dict.fromkeys(codes))
    if (out / "classes.json").exists():
        return write_icons(out / "icons", signs, read_codes(out / "classes.json"))
    return write_catalogue(out, signs)


@dataclass(frozen=True)
class Likeness:
    """Drawings beside the official icons of a folder.

    Args:
        similarity: Class code -> structural similarity at 64 px, worst first.
        names: Their names; the code where none is known.
        without: Codes of icons that have no drawing.
        closest: The classes of the catalogue that look most alike at 32 px.
    """

    similarity: dict[str, float]
    names: dict[str, str]
    without: tuple[str, ...]
    closest: tuple[ClosePair, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def compare_signs(icons: str | Path, name: str = "gost", codes: Collection[str] = ()) -> Likeness:
    """Compare drawings with official icons, both trimmed, stretched to a square and aligned.

    Args:
        icons: Folder of `<code>.png` or `<code>.svg`.
        codes: Compare these alone.

    Raises:
        InputError: No such folder, or none of its icons is of a sign of the standard.
    """
    signs = standard(name)
    pairs = icon_pairs(icons, name, codes, _COMPARED)
    if not pairs:
        raise InputError(
            f"{icons} has no icon of {signs.title}", "name its files by codes: 1.1.png"
        )
    similarity = {code: aligned_similarity(*pair) for code, pair in pairs.items()}
    ours = drawn_icons(name, signs.codes)
    small = {code: load_icon(ours / f"{code}.svg", _SMALL) for code in signs.codes}
    return Likeness(
        dict(sorted(similarity.items(), key=lambda item: item[1])),
        {code: country(signs.country).name(code) or code for code in pairs},
        tuple(code for code in icon_files(icons) if not codes and code not in pairs),
        tuple(closest_pairs(small)),
    )


def icon_pairs(
    icons: str | Path, name: str, codes: Collection[str], size: int
) -> dict[str, tuple[Pixels, Pixels]]:
    """Code -> (S, S, 4) uint8 icon and drawing of the signs that a folder and a standard share."""
    files = {code: paths[0] for code, paths in icon_files(icons).items()}
    known = [code for code in files if standard(name).draws(code) and (not codes or code in codes)]
    known.sort(key=in_order)
    drawn = drawn_icons(name, known)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IconWarning)
        return {
            code: (load_icon(files[code], size), load_icon(drawn / f"{code}.svg", size))
            for code in known
        }
